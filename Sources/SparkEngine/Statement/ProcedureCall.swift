// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
package import Maintenance

/// One call of one of Iceberg's procedures, as a statement.
package struct ProcedureCall: Hashable, Sendable {
    /// The catalog's name in Spark.
    package let catalog: String
    /// The table.
    package let table: TableIdentifier
    /// The procedure's name, which is the action's.
    package let procedure: String
    /// The arguments after `table`, each name once.
    package let arguments: [ProcedureArgument]
    /// On whose behalf.
    package let mark: StatementMark

    /// Takes every field.
    package init(
        catalog: String, table: TableIdentifier, procedure: String,
        arguments: [ProcedureArgument], mark: StatementMark
    ) {
        self.catalog = catalog
        self.table = table
        self.procedure = procedure
        self.arguments = arguments
        self.mark = mark
    }

    /// The statement: one line.
    ///
    /// - Throws: ``MaintenanceError/refused(code:reason:)`` for a catalog whose name cannot be
    ///   written.
    package func statement() throws(MaintenanceError) -> String {
        guard let quoted = SparkSQL.identifier(catalog) else {
            throw .refused(
                code: "spark_catalog_name",
                reason: "the catalog's name in Spark cannot be written in a statement; set "
                    + "ICEPACK_SPARK_CATALOG to a name of letters, digits and underscores")
        }
        let name = SparkSQL.table(
            catalog: catalog, namespace: table.namespace, name: table.name)
        let all = ["table => \(name)"] + arguments.map { "\($0.name) => \($0.value.sql)" }
        return "\(mark.comment) CALL \(quoted).system.\(procedure)(\(all.joined(separator: ", ")))"
    }
}
