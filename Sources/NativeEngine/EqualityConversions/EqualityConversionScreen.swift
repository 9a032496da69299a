// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance

/// Tells which equality deletes this engine turns into position deletes, from what the manifests
/// say.
struct EqualityConversionScreen {
    private let metadata: TableMetadata
    private let index: DeleteFileIndex?

    /// What to do about equality deletes that stay.
    static let remedy = "rewrite_data_files applies equality deletes, on either engine"

    /// - Parameter index: The delete files of the snapshot.
    init(_ metadata: TableMetadata, _ index: DeleteFileIndex?) {
        self.metadata = metadata
        self.index = index
    }

    /// Divides conversions into those that are carried out and those that are left.
    func screened(
        _ conversions: [EqualityConversion]
    ) throws(MaintenanceError) -> (good: [EqualityConversion], refused: [RefusedGroup]) {
        guard !conversions.isEmpty else { return ([], []) }
        let names = PartitionNames(metadata)
        var screen = GroupScreen(metadata)
        var good: [EqualityConversion] = []
        var refused: [RefusedGroup] = []
        for conversion in conversions {
            if let reason = try problem(with: conversion, &screen) {
                refused.append(
                    RefusedGroup(
                        conversion.group, of: names, because: reason, remedy: Self.remedy))
            } else {
                good.append(conversion)
            }
        }
        return (good, refused)
    }

    private func problem(
        with conversion: EqualityConversion, _ screen: inout GroupScreen
    ) throws(MaintenanceError) -> String? {
        // Where there is nothing to delete from, nothing needs to be understood.
        guard !conversion.targets.isEmpty else { return nil }
        for delete in conversion.group.files {
            if let reason = screen.problem(with: delete) { return "\(reason) data files" }
        }
        for file in conversion.targets {
            try MaintenanceError.checkCancellation()
            if !file.format.holdsReadableRows {
                return "\(file.path) is a file of \(file.format.rawValue.uppercased())"
            }
            if file.isEncrypted { return "\(file.path) is encrypted" }
            // A vector has every delete of its data file.
            guard metadata.formatVersion >= .v3 else { continue }
            do throws(ScanError) {
                for delete in try index?.deleteFiles(for: file) ?? [] {
                    if let reason = screen.problem(with: delete) {
                        return "\(reason) \(file.path)"
                    }
                }
            } catch { return error.description }
        }
        return nil
    }
}
