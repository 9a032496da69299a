// SPDX-License-Identifier: Apache-2.0

/// A file that rewriting made.
public struct ParquetRewriteOutput<Sink> {
    /// What it holds.
    public let written: WrittenParquetFile
    /// The sink that took it.
    public let sink: Sink
}

/// Makes few large files of many: rows left out, columns as a target schema has them.
///
/// The rows of the inputs follow each other in order. Which way that is done,
/// ``decision`` says before anything is read but footers. Memory holds windows of the sources, one
/// dictionary, one page and the footers, whatever the files' sizes; see
/// ``ParquetWriteSettings/fit(memory:)``.
public struct ParquetRewriter<Source: ParquetByteSource, Sink: ParquetByteSink> {
    /// Why rewriting stopped.
    public typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private let work: RewriteWork<Source, Sink>

    /// Decides how the inputs are rewritten; nothing is read yet.
    ///
    /// - Parameters:
    ///   - target: The schema of the new files, whose columns are found by field ids; nil for that
    ///     of the inputs, which then must agree on it.
    ///   - way: How it is done; nil to decide that from the inputs.
    /// - Throws: ``ParquetError/incompatible(reason:)`` for what cannot be done without a loss.
    public init(
        _ inputs: [ParquetRewriteInput<Source>], target: ParquetSchema? = nil,
        way: ParquetRewriteWay? = nil, settings: ParquetWriteSettings = ParquetWriteSettings()
    ) throws(ParquetError) {
        work = try RewriteWork(inputs, target: target, way: way, settings: settings)
    }

    /// Which way the files are rewritten, and why.
    public var decision: ParquetRewriteDecision { work.decision }

    /// How many files there will be: none if no row stays.
    public var outputCount: Int { work.plan.files.count }

    /// Whether each new file would be one of the inputs again: nothing is put together, divided,
    /// left out or written otherwise.
    public var repeatsInputs: Bool { work.repeatsInputs }

    /// Writes one of the new files.
    ///
    /// What was written when this throws is no Parquet file.
    ///
    /// - Parameter index: Less than ``outputCount``; each file is about other rows.
    public func write(
        _ index: Int, to sink: consuming Sink
    ) async throws(Failure) -> ParquetRewriteOutput<Sink> {
        let (written, done) = try await work.write(work.plan.files[index], to: sink)
        return ParquetRewriteOutput(written: written, sink: done)
    }

    /// Writes the new files one after the other, each into a sink made for it.
    public func rewrite(
        opening makeSink: (Int) async throws(Sink.Failure) -> Sink
    ) async throws(Failure) -> [ParquetRewriteOutput<Sink>] {
        var outputs: [ParquetRewriteOutput<Sink>] = []
        for index in 0..<outputCount {
            let sink: Sink
            do { sink = try await makeSink(index) } catch { throw .sink(error) }
            outputs.append(try await write(index, to: sink))
        }
        return outputs
    }
}
