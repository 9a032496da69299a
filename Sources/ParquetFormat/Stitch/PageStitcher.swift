// SPDX-License-Identifier: Apache-2.0

/// Makes one file of many whose small row groups become large ones, without decoding values.
///
/// Columns are worked on one after the other, pages one after the other, so that memory holds a
/// window of one source, one dictionary and the footer. Row groups that stay alone are copied.
public struct PageStitcher<Source: ParquetByteSource, Sink: ParquetByteSink> {
    /// Why stitching stopped.
    public typealias Failure = ParquetWriteError<Source.Failure, Sink.Failure>

    private var settings: ParquetWriteSettings

    /// Takes how the new file is written.
    public init(settings: ParquetWriteSettings = ParquetWriteSettings()) {
        self.settings = settings
        self.settings.fileSizeBytes = nil
    }

    /// Stitches all row groups of the files, in order, and ends the new file with its footer.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` before anything is written when the schemas
    /// differ in more than the root's name.
    public func stitch(
        _ files: [ParquetFile<Source>], to sink: consuming Sink
    ) async throws(Failure) -> (WrittenParquetFile, Sink) {
        let work: RewriteWork<Source, Sink>
        do {
            work = try RewriteWork(
                files.map { ParquetRewriteInput($0) }, target: nil, way: .stitch,
                settings: settings)
        } catch { throw .format(error) }
        return try await work.write(work.plan.files.first ?? [], to: sink)
    }
}
