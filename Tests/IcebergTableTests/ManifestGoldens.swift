// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergSpec
import WireFormat

/// What an independent reader says of manifests; see Goldens/README.md.
enum ManifestGoldens {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Goldens")

    static func path(_ name: String) -> String { folder.appending(path: name).path }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// The files of one kind ("list" or "manifest") with their rows.
    static func rows(_ kind: String, in document: String) throws -> [(String, [JSONValue])] {
        let json = try JSONValue(parsing: bytes(document))
        return (json.objectValue?.members ?? []).compactMap { member in
            guard member.value.objectValue?["kind"]?.stringValue == kind else { return nil }
            return (member.key, member.value.objectValue?["rows"]?.arrayValue ?? [])
        }
    }
}

/// Values that no writer uses, given to a manifest so that what is inherited can be told apart.
enum Inherited {
    static let snapshotID: Int64 = -98_765
    static let sequenceNumber: Int64 = -98_766
    static let firstRowID: Int64 = 1 << 50

    static func manifest(path: String, content: ManifestContent) -> ManifestFile {
        var manifest = ManifestFile(path: path, length: 0, partitionSpecID: 0)
        manifest.content = content
        manifest.addedSnapshotID = snapshotID
        manifest.sequenceNumber = sequenceNumber
        manifest.firstRowID = content == .data ? firstRowID : nil
        return manifest
    }
}

/// A row by field id, as the goldens have it: sorted, and without what has no value.
private func golden(_ fields: [(Int, JSONValue?)]) -> JSONValue {
    let members = fields.compactMap { id, value in
        value.map { JSONObject.Member(key: String(id), value: $0) }
    }
    return .object(JSONObject(members.sorted { $0.key < $1.key }))
}

private func number(_ value: (some BinaryInteger)?) -> JSONValue? { value.map { .integer($0) } }

private func hexadecimal(_ bytes: [UInt8]?) -> JSONValue? {
    bytes.map { bytes in .string(bytes.map { String(format: "%02x", $0) }.joined()) }
}

extension JSONValue {
    /// A golden row with the defaults of older format versions written out, and sorted.
    func completed(with defaults: [String]) -> JSONValue {
        guard var object = objectValue else { return self }
        for key in defaults where object[key] == nil { object[key] = 0 }
        let members = object.members.map { member in
            var member = member
            if member.key == "2" { member.value = member.value.completed(with: ["134"]) }
            if member.key == "101" {
                member.value = .optional(member.value.stringValue?.lowercased())
            }
            if member.key == "507" {
                member.value = .array(
                    (member.value.arrayValue ?? []).map { $0.completed(with: []) })
            }
            return member
        }
        return .object(JSONObject(members.sorted { $0.key < $1.key }))
    }
}

extension ManifestFile {
    var golden: JSONValue {
        IcebergTableTests.golden([
            (500, .string(path)), (501, .integer(length)), (502, .integer(partitionSpecID)),
            (517, .integer(content.rawValue)), (515, .integer(sequenceNumber)),
            (516, .integer(minSequenceNumber)), (503, number(addedSnapshotID)),
            (504, number(addedFilesCount)), (505, number(existingFilesCount)),
            (506, number(deletedFilesCount)), (512, number(addedRowsCount)),
            (513, number(existingRowsCount)), (514, number(deletedRowsCount)),
            (507, partitions.map { .array($0.map(\.golden)) }), (519, hexadecimal(keyMetadata)),
            (520, number(firstRowID)),
        ])
    }
}

extension PartitionFieldSummary {
    fileprivate var golden: JSONValue {
        IcebergTableTests.golden([
            (509, .bool(containsNull)), (518, containsNaN.map { .bool($0) }),
            (510, hexadecimal(lowerBound)), (511, hexadecimal(upperBound)),
        ])
    }
}

extension ManifestEntry {
    /// The entry without what it inherited.
    var golden: JSONValue {
        func own(_ value: Int64?) -> JSONValue? {
            value == Inherited.snapshotID || value == Inherited.sequenceNumber ? nil : number(value)
        }
        return IcebergTableTests.golden([
            (0, .integer(status.rawValue)), (1, own(snapshotID)), (3, own(sequenceNumber)),
            (4, own(fileSequenceNumber)), (2, dataFile.golden),
        ])
    }
}

extension DataFile {
    fileprivate var golden: JSONValue {
        let ownRowID = firstRowID.flatMap { $0 >= Inherited.firstRowID ? nil : $0 }
        return IcebergTableTests.golden([
            (134, .integer(content.rawValue)), (100, .string(filePath)),
            (101, .string(fileFormat.rawValue)), (103, .integer(recordCount)),
            (104, .integer(fileSizeInBytes)), (131, hexadecimal(keyMetadata)),
            (132, splitOffsets.map { .array($0.map { .integer($0) }) }),
            (135, equalityIDs.map { .array($0.map { .integer($0) }) }),
            (140, number(sortOrderID)), (142, number(ownRowID)),
            (143, referencedDataFile.map { .string($0) }), (144, number(contentOffset)),
            (145, number(contentSizeInBytes)),
        ])
    }
}
