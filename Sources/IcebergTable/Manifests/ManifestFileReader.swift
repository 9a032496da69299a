// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import ObjectStorage

/// The Avro reader with what manifest lists and manifests share: where their bytes come from, and
/// which errors mean what.
struct ManifestFileReader<Storage: RangeReading> {
    private let reader: AvroFileReader<StorageByteSource<Storage>>
    let location: Location

    /// Opens the file and checks that its format version is known.
    ///
    /// `expectedLength` saves a request if it is right and does no harm if it is not.
    init(
        _ location: Location, in storage: Storage, expectedLength: Int64?
    ) async throws(ManifestError) {
        self.location = location
        let source = StorageByteSource(location, in: storage, expectedLength: expectedLength)
        do { reader = try await AvroFileReader(source) } catch {
            throw Self.error(error, at: location)
        }
        let version = header.text("format-version")
        guard version.map({ supportedFormatVersions.contains($0) }) ?? true else {
            throw .unknownFormatVersion(location, version ?? "")
        }
    }

    /// Opens a manifest, which must hold what its manifest list says.
    init(of manifest: ManifestFile, in storage: Storage) async throws(ManifestError) {
        let location = Location(manifest.path)
        // An empty value is how some writers spell "none".
        guard manifest.keyMetadata?.isEmpty ?? true else { throw .encrypted(location) }
        try await self.init(location, in: storage, expectedLength: manifest.length)
        if let found = try manifestHeader().content, found != manifest.content {
            throw .inconsistent(
                location, .content(listed: "\(manifest.content)", found: "\(found)"))
        }
    }

    /// What the file says before its records.
    var header: AvroHeader { reader.header }

    /// Checks that nothing in the file would be lost by writing it again.
    func check(_ check: CarriedFieldsCheck) throws(ManifestError) {
        do { try check.run(header) } catch { throw .malformed(location, error) }
    }

    /// A file that was cut off between two blocks reads without a fault, so its length or its
    /// entries must bear out what the list says.
    ///
    /// The length alone will not do, because tools that rewrite paths leave a stale one behind
    /// (P-62).
    func checkWholeness(
        of manifest: ManifestFile, entryCount: Int64
    ) throws(ManifestError) {
        guard offset < manifest.length, entryCount != manifest.entryCount else { return }
        throw .inconsistent(
            location, .truncated(listedBytes: manifest.length, foundBytes: offset))
    }

    /// What the file says of itself, if it is a manifest.
    func manifestHeader() throws(ManifestError) -> ManifestHeader {
        do { return try ManifestHeader(header) } catch { throw .malformed(location, error) }
    }

    /// How many bytes were read; the file's length once there is no next block.
    var offset: Int64 { reader.offset }

    /// Visits every record of the file.
    func forEachRow(
        _ cache: AvroProgramCache, _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) async throws(ManifestError) {
        let program: AvroProgram
        do { program = try cache.program(for: header) } catch {
            throw .malformed(location, error)
        }
        try await forEachRow(program, body)
    }

    /// Visits every record of the file with a program for its schema.
    func forEachRow(
        _ program: AvroProgram, _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) async throws(ManifestError) {
        while try await nextBlock() {
            do { try reader.forEachRow(program, body) } catch {
                throw .malformed(location, error)
            }
        }
    }

    private func nextBlock() async throws(ManifestError) -> Bool {
        do { return try await reader.nextBlock() } catch {
            throw Self.error(error, at: location)
        }
    }

    private static func error(
        _ error: AvroReadError<StorageError>, at location: Location
    ) -> ManifestError {
        switch error {
        case .source(let error): .storage(error)
        case .format(.notAvro(encryptedStreamMagic)): .encrypted(location)
        case .format(let error): .malformed(location, error)
        }
    }
}

/// What a file begins with that Iceberg encrypted as an AES GCM stream: "AGS1".
private let encryptedStreamMagic: [UInt8] = [0x41, 0x47, 0x53, 0x31]

/// The format versions whose manifests this program knows.
private let supportedFormatVersions: Set<String> = ["1", "2", "3"]
