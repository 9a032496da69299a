// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import TestSupport

extension KeyedTable {
    /// A table with files of two ages and deletes of every kind.
    ///
    /// - Parameters:
    ///   - partitioned: Whether it has partitions; deletes of the whole table come either way.
    ///   - formats: Those of data files.
    static func random(
        _ version: FormatVersion, partitioned: Bool = true, formats: [FileFormat] = [.parquet],
        _ random: inout SeededGenerator
    ) async throws -> KeyedTable {
        let keyed = try await KeyedTable(version)
        let regions: [String?] = partitioned ? ["a", "b"] : [nil]
        var written: [Row] = []
        for step in 0..<Int.random(in: 6..<14, using: &random) {
            let region = regions.randomElement(using: &random) ?? nil
            let isOld = Bool.random(using: &random)
            let hasBounds = Bool.random(using: &random)
            if step < 2 || Bool.random(using: &random) {
                let rows = keyed.rows(Int.random(in: 1..<30, using: &random), &random)
                written += rows
                let path = try await keyed.addRows(
                    rows, region: region, isOld: isOld, hasBounds: hasBounds,
                    format: formats.count > 1
                        ? formats.randomElement(using: &random) ?? .parquet : formats[0])
                if Int.random(in: 0..<3, using: &random) == 0 {
                    try await keyed.deletePositions(
                        Set([0, Int64(rows.count - 1)]).sorted(), of: path, region: region)
                }
                continue
            }
            try await keyed.deleteSome(
                of: written, region: Int.random(in: 0..<4, using: &random) == 0 ? nil : region,
                isOld: isOld, hasBounds: hasBounds, &random)
        }
        if !partitioned { try await keyed.table.setDefaultSpec(0) }
        return keyed
    }

    /// Commits equality deletes of some rows, by up to three columns.
    private func deleteSome(
        of written: [Row], region: String?, isOld: Bool, hasBounds: Bool,
        _ random: inout SeededGenerator
    ) async throws {
        let count = Int.random(in: 1...3, using: &random)
        var columns = Array(columns.shuffled(using: &random).prefix(count))
        if isOld { columns.removeAll { $0 == .later } }
        if columns.isEmpty { columns = [.id] }
        var keys = (0..<Int.random(in: 1..<6, using: &random)).compactMap { _ in
            written.randomElement(using: &random)
        }
        keys += rows(2, &random)
        try await delete(
            keys, by: columns, region: region,
            format: Bool.random(using: &random) ? .avro : .parquet, isOld: isOld,
            hasBounds: hasBounds)
    }

    /// Does what a writer of upserts does.
    func interfere(_ random: inout SeededGenerator) async throws {
        let region = ["a", "b"].randomElement(using: &random)
        let live = try await rows()
        let victims = (0..<3).compactMap { _ in live.randomElement(using: &random) }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: try await addRows(rows(4, &random), region: region)
        case 1:
            try await delete(victims, by: [.id], region: region)
            try await addRows(rows(3, &random), region: region)
        default:
            try await delete(
                victims, by: [.name, .weight], region: Bool.random(using: &random) ? nil : region,
                format: .avro)
        }
    }
}
