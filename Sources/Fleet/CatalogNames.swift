// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import Jobs

extension TableIdentifier {
    /// The catalog's identifier of a table that the REST contract names.
    ///
    /// The inverse of ``Jobs/TableName/init(_:)``: a dot in a database parts two namespace levels.
    public init(_ name: TableName) {
        self.init(
            namespace: name.database.split(separator: ".").map(String.init), name: name.table)
    }
}

extension TableName {
    /// The name under which the REST contract shows a catalog's table.
    ///
    /// Nil when a part breaks the contract's rules, or when a namespace level has a dot of its own:
    /// then `a.b` could be one level or two, and work meant for one table could reach another.
    public init?(_ identifier: TableIdentifier) {
        guard identifier.namespace.allSatisfy({ !$0.contains(".") }) else { return nil }
        let database = identifier.namespace.joined(separator: ".")
        guard Self.isValid(database: database), Self.isValid(table: identifier.name) else {
            return nil
        }
        self.init(database: database, table: identifier.name)
    }
}
