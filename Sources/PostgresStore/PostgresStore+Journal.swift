// SPDX-License-Identifier: Apache-2.0

public import Jobs
import Postgres

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension PostgresStore: FileJournal {
    /// Entries of one statement.
    static let journalBatch = 10_000
    /// Statements of one transaction; a call about more entries than both allow is several
    /// transactions, which is safe because repeating it adds nothing twice.
    static let journalBatchesAtOnce = 8

    public func append(
        _ entries: [FileJournalEntry], tableUUID: String, under claim: Claim
    ) async throws(JobStoreError) {
        try await runJournal(entries, Statement.appendJournal, under: claim) { batch in
            [.text(tableUUID), .texts(batch.map(\.path)), .texts(batch.map(\.kind))]
        }
    }

    public func close(paths: [String], under claim: Claim) async throws(JobStoreError) {
        try await runJournal(paths, Statement.closeJournal, under: claim) { [.texts(Array($0))] }
    }

    public func markUnknown(under claim: Claim) async throws(JobStoreError) {
        _ = try await run(
            Statement.markJournalUnknown, [.text(claim.jobID.rawValue)], effect: .writes)
    }

    public func openEntries(
        tableUUID: String, for job: JobID, after id: Int64, limit: Int
    ) async throws(JobStoreError) -> [OpenFileJournalEntry] {
        let bounded = min(max(limit, 0), OpenFileJournalEntry.maximumPage)
        let result = try await run(
            Statement.openJournal,
            [.text(tableUUID), .integer(id), .int(bounded), .text(job.rawValue)],
            effect: .reads)
        var entries: [OpenFileJournalEntry] = []
        do throws(PostgresError) {
            for row in result {
                guard let job = try row.jobID(1) else { continue }
                entries.append(
                    OpenFileJournalEntry(
                        id: try row.decode(0), jobID: job,
                        entry: FileJournalEntry(path: try row.decode(2), kind: try row.decode(3))))
            }
        } catch {
            throw JobStoreError(error)
        }
        return entries
    }

    public func closeReplayed(_ ids: [Int64], under claim: Claim) async throws(JobStoreError) {
        try await runJournal(ids, Statement.closeReplayedJournal, under: claim) {
            [.integers(Array($0))]
        }
    }

    /// Runs a statement on batches of elements; with none at all it still asks for the fence.
    private func runJournal<Element: Sendable>(
        _ elements: [Element], _ sql: String, under claim: Claim,
        parameters: (ArraySlice<Element>) -> [PostgresValue]
    ) async throws(JobStoreError) {
        var rest = elements[...]
        repeat {
            var statements: [PostgresStatement] = []
            repeat {
                let batch = rest.prefix(Self.journalBatch)
                rest = rest.dropFirst(Self.journalBatch)
                statements.append(PostgresStatement(sql, claim.parameters + parameters(batch)))
            } while !rest.isEmpty && statements.count < Self.journalBatchesAtOnce
            guard try await run(statements).allSatisfy(Self.isCounted) else { throw .fenced }
        } while !rest.isEmpty
    }
}
