// SPDX-License-Identifier: Apache-2.0

import Jobs
import Postgres
import Synchronization

/// An advisory lock and the session that it belongs to.
///
/// The lock ends with the session, so it ends with this process whatever happens to it; and it ends
/// with the server, which is why its holder can ask. One caller at a time.
final class LockSession: Sendable {
    private let lock: AdvisoryLock
    private let configuration: PostgresConfiguration
    private let connection = Mutex<PostgresConnection?>(nil)

    init(_ lock: AdvisoryLock, _ configuration: PostgresConfiguration) {
        self.lock = lock
        self.configuration = configuration
    }

    deinit { connection.withLock { $0?.close() } }

    /// Takes the lock in a new session; false if somebody has it.
    func take() async throws(JobStoreError) -> Bool {
        close()
        do throws(PostgresError) {
            let new = try await PostgresConnection.connect(configuration)
            connection.withLock { $0 = new }
            let result = try await new.query(lock.statement("pg_try_advisory_lock"))
            if try result.first?.decode(0) ?? false { return true }
            close()
            return false
        } catch {
            close()
            throw JobStoreError(error)
        }
    }

    /// Whether this session still has the lock; if the session is gone, another one takes it
    /// unless somebody else has.
    func isHeld() async throws(JobStoreError) -> Bool {
        guard let current = connection.withLock({ $0 }) else { return try await take() }
        do throws(PostgresError) {
            let result = try await current.query(lock.ownership)
            if try result.first?.decode(0) ?? false { return true }
        } catch {
            // The session is of no use any more; whether the server is there, the next call says.
        }
        return try await take()
    }

    /// Gives the lock up.
    func release() async {
        guard let current = connection.withLock({ $0 }) else { return }
        // Closing the session frees the lock as well, but only once the server has noticed. Should
        // this fail, that is what happens.
        _ = try? await current.query(lock.statement("pg_advisory_unlock"))
        close()
    }

    private func close() {
        let old = connection.withLock { connection in
            defer { connection = nil }
            return connection
        }
        old?.close()
    }
}
