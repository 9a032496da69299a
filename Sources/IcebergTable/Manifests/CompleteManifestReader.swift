// SPDX-License-Identifier: Apache-2.0

public import AvroFormat
public import IcebergSpec
public import ObjectStorage
import Synchronization

/// Reads everything that the manifests of one partition spec say, so that it can be written again.
///
/// It refuses a manifest with a field that this program does not know: writing its entries again
/// would lose that.
public struct CompleteManifestReader<Storage: RangeReading>: Sendable {
    private let storage: Storage
    private let fields: CompleteEntryFields
    private let programs: AvroProgramCache
    private let check: CarriedFieldsCheck

    /// Reads the manifests of a spec with these tuples from a storage.
    public init(storage: Storage, partition: [PartitionFieldType]) {
        self.storage = storage
        fields = CompleteEntryFields(partition: partition)
        programs = AvroProgramCache(fields.projection)
        check = CarriedFieldsCheck(partition: partition)
    }

    /// Visits every entry of a manifest in order, deleted ones too, exactly as it is written.
    ///
    /// Returns how many bytes the manifest has, and the partition spec that it names.
    ///
    /// - Throws: ``ManifestError``, at which the caller must not take what it saw for the whole.
    public func forEachWrittenEntry(
        in manifest: ManifestFile, _ body: (CompleteEntry) throws(AvroError) -> Void
    ) async throws(ManifestError) -> (length: Int64, specID: Int32?) {
        let reader = try await ManifestFileReader(of: manifest, in: storage)
        try reader.check(check)
        try await reader.forEachRow(programs) { (row) throws(AvroError) in
            try body(try fields.entry(row, in: manifest.content))
        }
        return (reader.offset, try reader.manifestHeader().partitionSpecID)
    }

    /// Visits every entry of a manifest in order, deleted ones too, with what it inherits.
    ///
    /// - Throws: ``ManifestError``, at which the caller must not take what it saw for the whole.
    public func forEachEntry(
        in manifest: ManifestFile, _ body: (CompleteEntry) throws(AvroError) -> Void
    ) async throws(ManifestError) {
        let reader = try await ManifestFileReader(of: manifest, in: storage)
        try reader.check(check)
        var visit = InheritingVisit(of: manifest)
        try await reader.forEachRow(programs) { (row) throws(AvroError) in
            var complete = try fields.entry(row, in: manifest.content)
            guard let entry = visit.next(complete.entry) else { return }
            complete.entry = entry
            try body(complete)
        }
        try visit.finish(reader)
    }

    /// Every entry of a manifest in order, deleted ones too, with what it inherits.
    public func entries(in manifest: ManifestFile) async throws(ManifestError) -> [CompleteEntry] {
        var entries: [CompleteEntry] = []
        try await forEachEntry(in: manifest) { entries.append($0) }
        return entries
    }
}

/// Walks the entries of a manifest and gives each what it inherits.
struct InheritingVisit {
    private let manifest: ManifestFile
    private var inheritance: ManifestInheritance
    private var overflow: RowIDOverflow?
    private var count: Int64 = 0

    init(of manifest: ManifestFile) {
        self.manifest = manifest
        inheritance = ManifestInheritance(from: manifest)
    }

    /// The next entry with what it inherits; nil once the row ids have run out.
    mutating func next(_ entry: ManifestEntry) -> ManifestEntry? {
        count += 1
        guard overflow == nil else { return nil }
        do throws(RowIDOverflow) { return try inheritance.applied(to: entry) } catch {
            overflow = error
            return nil
        }
    }

    /// Checks what only the end of the file can show.
    func finish<Storage: RangeReading>(
        _ reader: ManifestFileReader<Storage>
    ) throws(ManifestError) {
        if let overflow {
            throw .inconsistent(reader.location, .rowIDs(reason: overflow.description))
        }
        try reader.checkWholeness(of: manifest, entryCount: count)
    }
}

/// Checks that nothing in a manifest would be lost by writing its entries again.
///
/// Not counted are the columns of version 1 that the specification tells writers to leave out.
struct CarriedFieldsCheck: Sendable {
    private static let entryIDs: Set<Int32> = [0, 1, 2, 3, 4]
    private static let dataFileIDs: Set<Int32> = [
        100, 101, 102, 103, 104, 108, 109, 110, 125, 128, 131, 132, 134, 135, 137, 140, 142, 143,
        144, 145,
    ]
    private static let deprecatedIDs: Set<Int32> = [105, 106, 107, 111]

    private let partitionIDs: Set<Int32>
    /// The schemas that were found good, few as they are.
    private let known = SchemaTexts()

    init(partition: [PartitionFieldType]) {
        partitionIDs = Set(partition.map { Int32(truncatingIfNeeded: $0.id) })
    }

    func run(_ header: AvroHeader) throws(AvroError) {
        if known.contains(header.schemaText) { return }
        let schema = try AvroSchema(parsing: header.schemaText)
        try check(schema.root, Self.entryIDs, in: schema)
        for file in fields(of: schema.root, in: schema) where file.id == 2 {
            try check(file.type, Self.dataFileIDs.union(Self.deprecatedIDs), in: schema)
            for tuple in fields(of: file.type, in: schema) where tuple.id == 102 {
                try check(tuple.type, partitionIDs, in: schema)
            }
        }
        known.insert(header.schemaText)
    }

    private func fields(of type: AvroType, in schema: AvroSchema) -> [AvroField] {
        guard case .named(let index) = type,
            case .record(let fields) = schema.definitions[index].kind
        else { return [] }
        return fields
    }

    private func check(
        _ type: AvroType, _ known: Set<Int32>, in schema: AvroSchema
    ) throws(AvroError) {
        for field in fields(of: type, in: schema) {
            guard let id = field.id, !known.contains(id) else { continue }
            throw .schemaMismatch(
                reason: "the field \(field.name) (\(id)) is not known here and would be lost")
        }
    }
}

/// Schema texts, shared between tasks.
private final class SchemaTexts: Sendable {
    private let texts = Mutex<Set<[UInt8]>>([])

    func contains(_ text: [UInt8]) -> Bool { texts.withLock { $0.contains(text) } }

    func insert(_ text: [UInt8]) {
        texts.withLock { texts in
            if texts.count >= AvroProgramCache.capacity { texts.removeAll() }
            texts.insert(text)
        }
    }
}
