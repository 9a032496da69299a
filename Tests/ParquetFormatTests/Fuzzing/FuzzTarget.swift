// SPDX-License-Identifier: Apache-2.0

import Foundation
import RowSets

@testable import ParquetFormat

/// What is fed with the fuzzer's bytes; ICEPACK_FUZZ_TARGET names it.
enum FuzzTarget: String, CaseIterable {
    /// A footer, without the file that it belongs to.
    case footer
    /// The indexes of pages, and the head of a bloom filter.
    case index
    /// A file: its footer, indexes, bloom filters and values.
    case file
    /// A file, rewritten in every way.
    case rewrite
    /// The header of a page.
    case header
    /// The values of a page, in the encoding and type that the first bytes choose.
    case values
    /// The levels and positions of a page.
    case levels
    /// A compressed page, in the codec that the first byte chooses.
    case codec

    static let chosen =
        ProcessInfo.processInfo.environment["ICEPACK_FUZZ_TARGET"]
        .flatMap(FuzzTarget.init(rawValue:)) ?? .file

    private static let limits: ParquetLimits = {
        var limits = ParquetLimits()
        limits.pageBytes = 4 << 20
        limits.pageValues = 1 << 18
        limits.batchValues = 1 << 18
        limits.batchBytes = 8 << 20
        limits.unfoldedBytes = 32 << 20
        return limits
    }()

    /// Whatever the bytes are, they are taken or refused with an error.
    func run(_ bytes: [UInt8]) async {
        do {
            switch self {
            case .footer: try readFooter(bytes)
            case .index: try readIndexes(bytes)
            case .file: try await readFile(bytes)
            case .rewrite: try await rewrite(bytes)
            case .header: try readHeader(bytes)
            case .values: try readValues(bytes)
            case .levels: try readLevels(bytes)
            case .codec: try readCodec(bytes)
            }
        } catch {
            // A refusal must at least say why.
            precondition(!"\(error)".isEmpty, "an error has words")
        }
    }

    private func readFooter(_ bytes: [UInt8]) throws {
        let place = ParquetPlace(.footer, 0)
        var reader = ThriftReader(bytes, place: place)
        let metadata = try FileMetadata(from: &reader, limits: Self.limits)
        var again = ThriftReader(metadata.thriftBytes, place: place)
        let same = try FileMetadata(from: &again, limits: Self.limits)
        precondition(same == metadata, "a footer is written as it was read")
        let schema = try ParquetSchema(metadata.schema, place: place)
        precondition(schema.columns.count <= metadata.schema.count, "columns are elements")
    }

    private func readIndexes(_ bytes: [UInt8]) throws {
        guard let kind = bytes.first else { return }
        let place = ParquetPlace(.pageIndex, 0)
        let rest = Array(bytes.dropFirst())
        func check<Index: ThriftStruct & Equatable>(_ type: Index.Type) throws {
            var reader = ThriftReader(rest, place: place)
            let index = try Index(from: &reader)
            var again = ThriftReader(index.thriftBytes, place: place)
            let same = try Index(from: &again)
            precondition(same == index, "an index is written as it was read")
        }
        switch kind % 3 {
        case 0: try check(OffsetIndex.self)
        case 1: try check(ColumnIndex.self)
        default: try check(BloomFilterHeader.self)
        }
    }

    private func readFile(_ bytes: [UInt8]) async throws {
        let file = try await ParquetFile(
            opening: ParquetMemorySource(bytes), limits: Self.limits)
        for group in file.rowGroups.indices.prefix(3) {
            for column in file.schema.columns.indices.prefix(20) {
                // Each by itself: a damaged column must not hide the next.
                do {
                    _ = try await file.columnIndex(rowGroup: group, column: column)
                    _ = try await file.offsetIndex(rowGroup: group, column: column)
                    _ = try await file.storedBloomFilter(rowGroup: group, column: column)
                    _ = try await file.readColumn(rowGroup: group, column: column)
                } catch { continue }
            }
        }
    }

    private func rewrite(_ bytes: [UInt8]) async throws {
        let file = try await ParquetFile(
            opening: ParquetMemorySource(bytes), limits: Self.limits)
        guard file.rowCount < 1 << 20 else { return }
        let deleted = RowPositions(stride(from: Int64(0), to: file.rowCount, by: 3))
        for (way, rows, divides) in [
            (ParquetRewriteWay.copy, [], false), (.stitch, [], false), (.stitch, deleted, false),
            (.stitch, deleted, true), (.encode, deleted, true),
        ] {
            var settings = ParquetWriteSettings()
            if divides {
                settings.fileSizeBytes = 500
                settings.largestFileBytes = 900
            }
            let input = ParquetRewriteInput(file, deletedRows: rows)
            let outputs: [ParquetRewriteOutput<ParquetMemorySink>]
            do {
                let rewriter = try ParquetRewriter<ParquetMemorySource, ParquetMemorySink>(
                    [input, input], way: way, settings: settings)
                outputs = try await rewriter.rewrite { _ in ParquetMemorySink() }
            } catch { continue }
            for output in outputs {
                _ = output.written.metrics()
                let made = try await ParquetFile(opening: ParquetMemorySource(output.sink.bytes))
                precondition(
                    made.rowCount == output.written.rowCount, "the footer is that of the file")
                // Pages that were looked into are sound; others are as they were.
                if way == .encode { try await Self.readAll(made) }
            }
        }
    }

    private static func readAll(_ file: ParquetFile<ParquetMemorySource>) async throws {
        for group in file.rowGroups.indices {
            for column in file.schema.columns.indices {
                do { _ = try await file.readColumn(rowGroup: group, column: column) } catch {
                    preconditionFailure("what was encoded does not read: \(error)")
                }
            }
        }
    }

    private func readHeader(_ bytes: [UInt8]) throws {
        var reader = ThriftReader(bytes, place: ParquetPlace(.pageHeader, 0))
        let header = try PageHeader(from: &reader)
        var again = ThriftReader(header.thriftBytes, place: ParquetPlace(.pageHeader, 0))
        let same = try PageHeader(from: &again)
        precondition(same == header, "a header is written as it was read")
    }

    private func readValues(_ bytes: [UInt8]) throws {
        guard bytes.count > 3 else { return }
        let encodings = ParquetEncoding.allCases
        let encoding = encodings[Int(bytes[0]) % encodings.count]
        let types = PhysicalType.allCases.filter { $0 != .int96 }
        let type = types[Int(bytes[1]) % types.count]
        let field = ParquetField.values("v", .required, type, length: 3)
        let column = try ParquetSchema([field]).columns[0]
        var decoder = ValueDecoder(column: column, byteLimit: Self.limits.batchBytes)
        var dictionary = ColumnValues(for: column)
        dictionary.append(
            fill: .constant([UInt8](repeating: 1, count: column.plainWidth ?? 3)), 0)
        decoder.dictionary = dictionary
        var values = ColumnValues(for: column)
        let rest = Array(bytes[3...])
        try decoder.decode(rest.span.bytes, encoding, count: Int(bytes[2]) * 8, into: &values)
        guard ValueEncoder.encodes(encoding, type) else { return }
        var output: [UInt8] = []
        try ValueEncoder.encode(values, encoding, appendingTo: &output)
        var again = ColumnValues(for: column)
        try decoder.decode(output.span.bytes, encoding, count: values.count, into: &again)
        var repeated: [UInt8] = []
        try ValueEncoder.encode(again, encoding, appendingTo: &repeated)
        precondition(repeated == output, "what was written reads the same")
    }

    private func readLevels(_ bytes: [UInt8]) throws {
        guard bytes.count > 2 else { return }
        let rest = Array(bytes[2...])
        var levels: [UInt8] = []
        _ = try HybridDecoder.decode(
            rest.span.bytes, width: Int(bytes[0] % 9), count: Int(bytes[1]) * 64,
            appendingTo: &levels)
        var positions: [UInt32] = []
        _ = try HybridDecoder.decode(
            rest.span.bytes, width: Int(bytes[0] % 40), count: Int(bytes[1]) * 64,
            appendingTo: &positions)
    }

    private func readCodec(_ bytes: [UInt8]) throws {
        guard bytes.count > 3 else { return }
        let codecs = ParquetCodec.allCases
        let rest = Array(bytes[3...])
        var output: [UInt8] = []
        let size = Int(bytes[1]) << 8 | Int(bytes[2])
        try PageCodec().decompress(
            rest.span.bytes, codecs[Int(bytes[0]) % codecs.count], size: size, into: &output,
            place: ParquetPlace(.page, 0))
    }
}
