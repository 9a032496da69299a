// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance

/// Tells which files of a plan this engine rewrites, from what the manifests say of them.
///
/// What it does not know it leaves, with a reason; nothing is skipped without a word.
struct GroupScreen {
    private let metadata: TableMetadata
    /// What is wrong with equality deletes by some columns; nil where that is nothing.
    private var equalityProblems: [[Int32]: String?] = [:]

    init(_ metadata: TableMetadata) { self.metadata = metadata }

    /// The files of a group that are left.
    mutating func problems(
        in group: FileGroup, _ index: DeleteFileIndex?
    ) throws(MaintenanceError) -> UnsupportedFiles {
        var left = UnsupportedFiles()
        for file in group.files {
            try MaintenanceError.checkCancellation()
            if let reason = problem(withData: file, index) { left.add(file, because: reason) }
        }
        return left
    }

    /// Why a data file is left; nil if it is rewritten.
    private mutating func problem(withData file: LiveFile, _ index: DeleteFileIndex?) -> String? {
        if !file.format.holdsReadableRows {
            return "\(file.path) is a file of \(file.format.rawValue.uppercased())"
        }
        if file.isEncrypted { return "\(file.path) is encrypted" }
        let deletes: [LiveFile]
        do throws(ScanError) { deletes = try index?.deleteFiles(for: file) ?? [] } catch {
            return error.description
        }
        for delete in deletes {
            if let reason = problem(with: delete) { return "\(reason) \(file.path)" }
        }
        return nil
    }

    /// Why what a delete file deletes cannot be told, up to what it applies to; nil if it can.
    mutating func problem(with delete: LiveFile) -> String? {
        if delete.isEncrypted { return "encrypted deletes apply to" }
        switch delete.content {
        case .equalityDeletes: return equalityProblem(with: delete)
        case .positionDeletes where delete.isDeletionVector: return nil
        case .positionDeletes:
            return delete.format.holdsReadableDeletes
                ? nil : "position deletes in \(delete.format.rawValue.uppercased()) apply to"
        case .data: return "a data file is listed among the deletes of"
        }
    }

    private mutating func equalityProblem(with delete: LiveFile) -> String? {
        guard delete.format == .parquet || delete.format == .avro else {
            return "equality deletes in \(delete.format.rawValue.uppercased()) apply to"
        }
        // Many delete files go by the same few columns.
        if let known = equalityProblems[delete.equalityIDs] { return known }
        var problem: String?
        do throws(Unsupported) {
            _ = try EqualityColumns(delete.equalityIDs, of: metadata)
        } catch {
            problem = error.reason
        }
        equalityProblems[delete.equalityIDs] = .some(problem)
        return problem
    }
}

extension FileFormat {
    /// Whether data files of this format are read here.
    var holdsReadableRows: Bool {
        switch self {
        case .parquet, .avro: true
        case .orc, .puffin: false
        }
    }
}
