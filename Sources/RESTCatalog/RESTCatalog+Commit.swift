// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPExchange
public import IcebergCatalog
public import IcebergSpec
import ObjectStorage
import WireFormat

extension RESTCatalog {
    /// Has the server apply updates to the table if every requirement holds.
    ///
    /// 1. Load the table; it must be the version that the updates were planned on, and the updates
    ///    must be ones that we would apply ourselves.
    /// 2. Require of the server what the caller requires, and everything else about that version
    ///    that the protocol can name: nobody may have moved a branch since, or changed the schema.
    /// 3. Ask the guard, and send.
    ///
    /// The protocol cannot say "this very version", so a change of properties or a new reference
    /// between 1 and 3 is not noticed. Any answer of 500 and above, and none at all, is an unknown
    /// outcome. Only where the server announced that it knows a commit again by its
    /// `Idempotency-Key` is it sent again then, and only success settles it: what refuses the
    /// second delivery may be the first one.
    public func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        let commit: RESTCommit
        do throws(CommitRefusal) {
            let current = try await check(updates, requirements, on: base, of: identifier)
            guard !updates.isEmpty else { return .committed(current) }
            commit = try await prepare(updates, requirements, on: current, of: identifier)
        } catch {
            return .refused(error)
        }
        return await send(commit, under: commitGuard)
    }

    /// The table as it is now, if the updates may be applied to it.
    private func check(
        _ updates: [TableUpdate], _ requirements: [TableRequirement], on base: LoadedTable,
        of identifier: TableIdentifier
    ) async throws(CommitRefusal) -> LoadedTable {
        let current: LoadedTable
        do throws(CatalogError) { current = try await loadTable(identifier) } catch {
            throw CommitRefusal(reading: error)
        }
        guard current.metadataLocation == base.metadataLocation else {
            throw .conflict(reason: "\(identifier) was changed meanwhile")
        }
        for requirement in requirements {
            if let failure = requirement.failure(on: current.metadata) {
                throw .conflict(reason: failure)
            }
        }
        do throws(TableUpdateError) {
            // The server writes its own; this one only shows that there can be one.
            _ = try current.metadata.applying(
                updates, previousMetadataLocation: current.metadataLocation.rawValue,
                nowMilliseconds: current.metadata.lastUpdatedMilliseconds)
        } catch {
            throw .rejected(reason: error.description)
        }
        return current
    }

    private func prepare(
        _ updates: [TableUpdate], _ requirements: [TableRequirement], on current: LoadedTable,
        of identifier: TableIdentifier
    ) async throws(CommitRefusal) -> RESTCommit {
        do throws(RESTFailure) {
            let config = try await client.config()
            var random = SystemRandomNumberGenerator()
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            let key = config.keyLifetime.map { _ in
                IdempotencyKey(millisecondsSinceEpoch: now, using: &random)
            }
            return RESTCommit(
                base: current, url: config.endpoint.table(identifier),
                body: RESTCommit.body(
                    updates,
                    requirements + RESTCommit.requirements(of: current, beside: requirements),
                    identifier),
                key: key,
                resendTime: min(config.keyLifetime ?? .zero, RESTLimits.resendTime))
        } catch {
            throw error.isPassing
                ? .unavailable(reason: error.reason) : .rejected(reason: error.reason)
        }
    }

    private func send(_ commit: RESTCommit, under commitGuard: CommitGuard) async -> CommitOutcome {
        let began = client.surroundings.now()
        var doubt: String?
        var tries = 0
        while true {
            switch await sendOnce(commit, under: commitGuard) {
            case .committed(let table): return .committed(table)
            case .refused(let refusal):
                guard let doubt else { return .refused(refusal) }
                return .unknown(
                    reason: "\(doubt); sent again, the answer was: \(refusal.reason)",
                    metadataLocation: nil)
            case .unknown(let reason, _): doubt = doubt ?? reason
            }
            tries += 1
            let elapsed = began.duration(to: client.surroundings.now())
            guard await client.waitToResend(commit, tries, elapsed) else {
                return .unknown(
                    reason: doubt ?? "the server did not answer", metadataLocation: nil)
            }
        }
    }

    private func sendOnce(
        _ commit: RESTCommit, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        do throws(RESTFailure) {
            let reply = try await client.post(
                commit.url, commit.body,
                headers: commit.key.map { [HTTPField(IdempotencyKey.header, $0.description)] }
                    ?? [],
                limit: RESTLimits.tableReplyBytes, under: commitGuard)
            return .committed(
                try TableReply.table(
                    reply, commit.base.identifier, access: commit.base.storageAccess))
        } catch {
            return CommitOutcome(error)
        }
    }
}

/// A commit as it is sent, each time with the same bytes.
struct RESTCommit: Sendable {
    let base: LoadedTable
    let url: String
    let body: [UInt8]
    /// Nil where the server does not know commits again.
    let key: IdempotencyKey?
    /// How long after the first try it may be sent again.
    let resendTime: Duration

    static func body(
        _ updates: [TableUpdate], _ requirements: [TableRequirement], _ identifier: TableIdentifier
    ) -> [UInt8] {
        let document: JSONValue = [
            "identifier": [
                "namespace": .array(identifier.namespace.map(JSONValue.string)),
                "name": .string(identifier.name),
            ],
            "requirements": .array(requirements.map(\.json)),
            "updates": .array(updates.map(\.json)),
        ]
        return document.bytes()
    }

    /// What the protocol can say of a version of a table, without what is said already.
    static func requirements(
        of table: LoadedTable, beside given: [TableRequirement]
    ) -> [TableRequirement] {
        let metadata = table.metadata
        var requirements: [TableRequirement] = []
        if let uuid = metadata.tableUUID { requirements.append(.assertTableUUID(uuid)) }
        requirements += metadata.refs.map {
            .assertRefSnapshotID(ref: $0.name, snapshotID: $0.reference.snapshotID)
        }
        if metadata.refs[SnapshotReference.mainName] == nil {
            requirements.append(
                .assertRefSnapshotID(ref: SnapshotReference.mainName, snapshotID: nil))
        }
        requirements += [
            .assertCurrentSchemaID(metadata.currentSchemaID),
            .assertDefaultSpecID(metadata.defaultSpecID),
        ]
        let known = Set(given)
        return requirements.filter { !known.contains($0) }
    }
}

extension RESTClient {
    /// Pauses before a commit is sent again; false if it must not be.
    func waitToResend(_ commit: RESTCommit, _ tries: Int, _ elapsed: Duration) async -> Bool {
        guard commit.key != nil, tries <= RESTLimits.resends else { return false }
        var random = SystemRandomNumberGenerator()
        let pause = RESTRetry.spread(RESTLimits.firstPause * (1 << (tries - 1)), using: &random)
        guard elapsed + pause < commit.resendTime else { return false }
        // Throws only when cancelled; the search for what became of the commit goes on then.
        do { try await surroundings.pause(pause) } catch { return false }
        return true
    }
}

extension CommitOutcome {
    /// What a failed commit means (P-30).
    init(_ failure: RESTFailure) {
        guard failure.isWithoutEffect else {
            self = .unknown(reason: failure.reason, metadataLocation: nil)
            return
        }
        guard case .refused(let refusal) = failure else {
            if case .guardClosed = failure {
                self = .refused(CommitGuard.refusal)
                return
            }
            self = .refused(
                failure.isPassing
                    ? .unavailable(reason: failure.reason) : .rejected(reason: failure.reason))
            return
        }
        switch refusal.status {
        case 409: self = .refused(.conflict(reason: failure.reason))
        case 429: self = .refused(.unavailable(reason: failure.reason))
        default: self = .refused(.rejected(reason: failure.reason))
        }
    }
}

extension CommitRefusal {
    /// The words alone.
    fileprivate var reason: String {
        switch self {
        case .conflict(let reason), .unavailable(let reason), .rejected(let reason): reason
        }
    }
}
