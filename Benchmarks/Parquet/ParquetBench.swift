// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import ParquetFormat
import RowSets

/// Makes one Parquet file of many, and says how long that took.
@main
struct ParquetBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parquet-bench",
        abstract: "Rewrites Parquet files, or decodes them, for `make bench`.")

    enum Way: String, ExpressibleByArgument, CaseIterable {
        case copy
        case stitch
        case filter
        case encode
        case decode
    }

    @Option(help: "Keep to so many bytes of memory, but for what the footers take.")
    var memory: Int64?

    @Option(help: "Put so many columns together at once, as the product does.")
    var columnsAtOnce = 1

    @Argument(help: "copy, stitch, filter (without one row in a hundred), encode or decode.")
    var way: Way

    @Argument(help: "The new file; nothing is written when decoding.")
    var output: String

    @Argument(help: "The files.")
    var inputs: [String]

    func run() async throws {
        let started = (wall: ContinuousClock.now, processor: clock())
        var files: [ParquetFile<LocalFile>] = []
        for input in inputs {
            files.append(try await ParquetFile(opening: try LocalFile(reading: input)))
        }
        let rows: Int64
        var groups = 0
        switch way {
        case .copy: (rows, groups) = try await rewrite(files, .copy)
        case .stitch, .filter: (rows, groups) = try await rewrite(files, .stitch)
        case .encode: (rows, groups) = try await rewrite(files, .encode)
        case .decode: rows = try await decode(files)
        }
        let wall = (ContinuousClock.now - started.wall) / .seconds(1)
        let processor = Double(clock() - started.processor) / Double(CLOCKS_PER_SEC)
        let peak = try await Self.peakMemory()
        print(
            #"{"rows":\#(rows),"row_groups":\#(groups),"wall_seconds":\#(wall),"#
                + #""cpu_seconds":\#(processor),"peak_bytes":\#(peak)}"#)
    }

    /// The most memory that the process had so far.
    ///
    /// Not what `getrusage` says, which begins with that of the process that started this one.
    private static func peakMemory() async throws -> Int64 {
        let file = try LocalFile(reading: "/proc/self/status", size: 1024)
        let text = String(decoding: try await file.read(0..<file.size), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
        guard let count = kibibytes.flatMap({ Int64($0) }) else {
            throw ValidationError("the system does not tell the peak of this process")
        }
        return count * 1024
    }

    private func rewrite(
        _ files: [ParquetFile<LocalFile>], _ kind: ParquetRewriteWay
    ) async throws -> (rows: Int64, groups: Int) {
        let inputs = files.enumerated().map { index, file in
            ParquetRewriteInput(file, deletedRows: way == .filter ? deleted(index, file) : [])
        }
        var settings = ParquetWriteSettings()
        settings.columnsAtOnce = columnsAtOnce
        if let memory { settings.fit(memory: memory) }
        let rewriter = try ParquetRewriter<LocalFile, LocalFile>(
            inputs, way: kind, settings: settings)
        let output = output
        let outputs = try await rewriter.rewrite { _ throws(LocalFile.Failure) in
            try LocalFile(writing: output)
        }
        let written = outputs.map(\.written)
        return (
            written.reduce(0) { $0 + $1.rowCount }, written.reduce(0) { $0 + $1.rowGroups.count }
        )
    }

    /// One row in a hundred, the same in every run: those that `parquet_contenders.py` leaves out.
    private func deleted(_ index: Int, _ file: ParquetFile<LocalFile>) -> RowPositions {
        let first = Int64(index) * file.rowCount
        return RowPositions(
            (0..<file.rowCount).lazy.filter {
                ($0 + first) &* 2_654_435_761 % 1_000_003 % 100 == 0
            })
    }

    private func decode(_ files: [ParquetFile<LocalFile>]) async throws -> Int64 {
        var rows: Int64 = 0
        for file in files {
            for group in file.rowGroups.indices {
                rows += file.rowGroups[group].rowCount
                for column in file.schema.columns.indices {
                    var reader = try ColumnReader(file, rowGroup: group, column: column)
                    while try await reader.next() != nil {}
                }
            }
        }
        return rows
    }
}

/// A file of this machine, read from anywhere or written from its start.
final class LocalFile: ParquetByteSource, ParquetByteSink {
    /// What the system said.
    struct Failure: Error {
        let path: String
        let number: Int32
    }

    let size: Int64
    private let path: String
    private let descriptor: Int32

    /// - Parameter size: How much of it there is to read, where it does not say so itself.
    init(reading path: String, size: Int64? = nil) throws(Failure) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, number: errno) }
        self.size = size ?? Int64(lseek(descriptor, 0, SEEK_END))
    }

    init(writing path: String) throws(Failure) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure(path: path, number: errno) }
        size = 0
    }

    deinit { close(descriptor) }

    func read(_ range: Range<Int64>) async throws(Failure) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let place = Int(range.lowerBound) + count
                let read = pread(
                    descriptor, buffer.baseAddress?.advanced(by: count), range.count - count, place)
                guard read > 0 else {
                    failure = read < 0 ? errno : EIO
                    return
                }
                count += read
            }
        }
        guard failure == 0 else { throw Failure(path: path, number: failure) }
        return bytes
    }

    func write(_ bytes: [UInt8]) async throws(Failure) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            guard written > 0 else { throw Failure(path: path, number: errno) }
            done += written
        }
    }
}
