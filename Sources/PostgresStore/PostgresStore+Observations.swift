// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres
public import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: TableObservations {
    public func record(_ observation: TableObservation) async throws(JobStoreError) {
        let place =
            observation.table.parameters + [
                .prose(observation.metadataLocation), .text(observation.collectedAt.description),
            ]
        _ = try await run(
            zip(Statement.recordObservation, [observation.status, observation.health]).map {
                PostgresStatement($0, place + [.json($1)])
            })
    }

    public func confirmObservation(
        of table: TableName, metadataLocation: String, at time: Timestamp
    ) async throws(JobStoreError) -> Bool {
        let parameters =
            table.parameters + [
                .prose(metadataLocation), .text(time.description),
            ]
        let results = try await run(
            Statement.confirmObservation.map { PostgresStatement($0, parameters) })
        return results.allSatisfy { $0.first != nil }
    }

    public func recordFailure(
        of table: TableName, reason: String, without known: TableObservation?
    ) async throws(JobStoreError) {
        let parameters =
            table.parameters + [.prose(reason), .optional(known?.collectedAt.description)]
        _ = try await run(
            zip(Statement.recordFailure, [known?.status, known?.health]).map {
                PostgresStatement($0, parameters + [.json($1)])
            })
    }

    public func firstSeen(
        _ table: TableName, uuid: String
    ) async throws(JobStoreError) -> Timestamp? {
        let result = try await run(
            Statement.identify, table.parameters + [.prose(uuid)], effect: .writes)
        do throws(PostgresError) { return try result.first?.timestamp(0) } catch {
            throw JobStoreError(error)
        }
    }

    public func observation(
        of table: TableName
    ) async throws(JobStoreError) -> RecordedObservation? {
        let result = try await run(Statement.observation, table.parameters, effect: .reads)
        guard let row = result.first else { return nil }
        do throws(PostgresError) {
            guard let collectedAt = try row.timestamp(1) else {
                throw .decoding(reason: "collected_at is NULL")
            }
            return RecordedObservation(
                observation: TableObservation(
                    table: table, metadataLocation: try row.decodeIfPresent(0) ?? "",
                    collectedAt: collectedAt, status: try row.document(2),
                    health: try row.document(3)),
                age: .microseconds(try row.decode(5, as: Int64.self)),
                lastError: try row.decodeIfPresent(4))
        } catch {
            throw JobStoreError(error)
        }
    }

    public func observationTimes() async throws(JobStoreError) -> [TableName: Timestamp] {
        var times: [TableName: Timestamp] = [:]
        for row in try await run(Statement.observationTimes, effect: .reads) {
            do throws(PostgresError) {
                let name = TableName(database: try row.decode(0), table: try row.decode(1))
                times[name] = try row.timestamp(2)
            } catch {
                throw JobStoreError(error)
            }
        }
        return times
    }

    public func healthHistory(
        of table: TableName?, limit: Int
    ) async throws(JobStoreError) -> [RecordedHealth] {
        let bounded = PostgresValue.int(min(max(limit, 0), RecordedHealth.maximumPage))
        let rows =
            if let table {
                try await run(
                    Statement.healthHistoryOfTable, [bounded] + table.parameters, effect: .reads)
            } else {
                try await run(Statement.healthHistory, [bounded], effect: .reads)
            }
        var history: [RecordedHealth] = []
        for row in rows { history.append(try row.health()) }
        return history
    }
}

extension TableName {
    fileprivate var parameters: [PostgresValue] { [.text(database), .text(table)] }
}

extension PostgresRow {
    fileprivate func health() throws(JobStoreError) -> RecordedHealth {
        do throws(PostgresError) {
            guard let collectedAt = try timestamp(2) else {
                throw .decoding(reason: "collected_at is NULL")
            }
            return RecordedHealth(
                table: TableName(database: try decode(0), table: try decode(1)),
                collectedAt: collectedAt, health: try document(3),
                lastError: try decodeIfPresent(4))
        } catch {
            throw JobStoreError(error)
        }
    }

    fileprivate func document(_ column: Int) throws(PostgresError) -> JSONValue {
        let text: String = try decode(column)
        guard let document = try? JSONValue(parsing: text) else {
            throw .decoding(reason: "column \(column) is no JSON")
        }
        return document
    }
}
