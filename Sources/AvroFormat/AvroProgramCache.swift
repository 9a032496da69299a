// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Programs of one projection by the schema text they are for.
///
/// The manifests of a table were mostly written with one schema, and for small files parsing it
/// takes longer than reading the records.
public final class AvroProgramCache: Sendable {
    /// How many programs are kept; past it all are dropped, since a table with more schemas than
    /// that is going through them in turn anyway.
    public static let capacity = 64

    private let projection: AvroProjection
    private let programs = Mutex<[[UInt8]: AvroProgram]>([:])

    /// An empty cache for a projection.
    public init(_ projection: AvroProjection) { self.projection = projection }

    /// The program for files with the header's schema, compiled if it is not here yet.
    public func program(for header: AvroHeader) throws(AvroError) -> AvroProgram {
        let text = header.schemaText
        if let known = programs.withLock({ $0[text] }) { return known }
        let program = try AvroProgram.compile(projection, for: AvroSchema(parsing: text))
        programs.withLock { programs in
            if programs.count >= Self.capacity { programs.removeAll() }
            programs[text] = program
        }
        return program
    }
}
