// SPDX-License-Identifier: Apache-2.0

/// The kinds of files that a table is made of.
public enum FileKind: String, CaseIterable, Hashable, Sendable {
    /// Rows.
    case dataFile = "data_file"
    /// Position deletes, deletion vectors included.
    case positionDeleteFile = "position_delete_file"
    /// Equality deletes.
    case equalityDeleteFile = "equality_delete_file"
    /// A manifest.
    case manifest
    /// A manifest list.
    case manifestList = "manifest_list"
    /// A statistics or partition statistics file.
    case statisticsFile = "statistics_file"
    /// A table's metadata.
    case metadataFile = "metadata_file"
}
