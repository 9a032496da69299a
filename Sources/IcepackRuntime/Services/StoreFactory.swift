// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import Logging
import Postgres
import PostgresStore
import SQLiteStore

extension Configuration {
    /// Opens the configured store.
    ///
    /// Its schema is not touched; ``JobStore/migrate()`` does that.
    ///
    /// - Throws: ``StartupFailure`` when it cannot be opened.
    public func makeStore(logger: Logger) throws(StartupFailure) -> any JobStore {
        switch store {
        case .sqlite(let path):
            do throws(JobStoreError) {
                return try SQLiteStore(path: path, logger: logger)
            } catch {
                throw StartupFailure("the store \(path) cannot be opened: \(error)")
            }
        case .postgresURL(let url):
            do throws(PostgresError) {
                return postgresStore(try PostgresConfiguration(url: url))
            } catch {
                throw StartupFailure("ICEPACK_STORE cannot be used: \(error)")
            }
        case .postgres(let parts):
            let server = PostgresConfiguration(
                host: parts.host, port: parts.port, database: parts.database, user: parts.user,
                password: parts.password)
            return postgresStore(server)
        }
    }

    private func postgresStore(_ server: PostgresConfiguration) -> any JobStore {
        PostgresStore(
            server,
            limits: PostgresPool.Limits(
                minimumConnections: postgresPool.minimum, maximumConnections: postgresPool.maximum))
    }
}

/// Why a process did not start.
public struct StartupFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    public let description: String

    /// Takes a sentence.
    public init(_ description: String) { self.description = description }
}
