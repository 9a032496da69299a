// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import WireFormat

extension RESTCatalog {
    /// Every table of every namespace, in order.
    ///
    /// A namespace that is dropped meanwhile is left out; one that may not be listed fails the
    /// whole call, as half a list would look like tables that were dropped.
    public func listTables() async throws(CatalogError) -> [TableIdentifier] {
        let listing = RESTListing(client: client)
        do throws(RESTFailure) { return try await listing.tables() } catch {
            throw CatalogError(error)
        }
    }
}

/// One walk through all namespaces, level by level.
///
/// 1. List the outermost namespaces.
/// 2. For each namespace of a level, some at once: list its tables, and the namespaces below it.
/// 3. Go on with those, unless they were seen before, until a level is empty.
struct RESTListing: Sendable {
    let client: RESTClient

    private struct Found: Sendable {
        var tables: [TableIdentifier] = []
        var namespaces: [[String]] = []
    }

    func tables() async throws(RESTFailure) -> [TableIdentifier] {
        let endpoint = try await client.config().endpoint
        var level = try await namespaces(below: [], endpoint)
        var seen: Set<[String]> = []
        var tables: Set<TableIdentifier> = []
        while !level.isEmpty {
            for namespace in level {
                guard seen.insert(namespace).inserted else { continue }
                guard endpoint.canName(namespace) else {
                    throw .nonsense(reason: "the namespace \(namespace) cannot be asked for")
                }
            }
            guard seen.count <= RESTLimits.namespaces else {
                throw .nonsense(
                    reason: "the catalog has more than \(RESTLimits.namespaces) namespaces")
            }
            var next: Set<[String]> = []
            for found in try await look(into: level, endpoint) {
                tables.formUnion(found.tables)
                next.formUnion(found.namespaces)
            }
            guard tables.count <= RESTLimits.tables else {
                throw .nonsense(reason: "the catalog has more than \(RESTLimits.tables) tables")
            }
            level = next.subtracting(seen).sorted { $0.lexicographicallyPrecedes($1) }
        }
        return tables.sorted()
    }

    private func look(
        into namespaces: [[String]], _ endpoint: RESTEndpoint
    ) async throws(RESTFailure) -> [Found] {
        let results = await withTaskGroup(of: Result<Found, RESTFailure>.self) { group in
            var found: [Result<Found, RESTFailure>] = []
            for (index, namespace) in namespaces.enumerated() {
                if index >= RESTLimits.listingWidth, let done = await group.next() {
                    found.append(done)
                    if case .failure = done { break }
                }
                group.addTask {
                    do throws(RESTFailure) {
                        return .success(try await look(into: namespace, endpoint))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            for await done in group { found.append(done) }
            return found
        }
        return try results.map { (result) throws(RESTFailure) in try result.get() }
    }

    private func look(
        into namespace: [String], _ endpoint: RESTEndpoint
    ) async throws(RESTFailure) -> Found {
        do throws(RESTFailure) {
            let tables = try await tables(of: namespace, endpoint)
            return Found(
                tables: tables, namespaces: try await namespaces(below: namespace, endpoint))
        } catch {
            // Dropped between its listing and ours, with everything in it.
            if case .refused(let refusal) = error, refusal.isMissing { return Found() }
            throw error
        }
    }

    private func tables(
        of namespace: [String], _ endpoint: RESTEndpoint
    ) async throws(RESTFailure) -> [TableIdentifier] {
        try await pages("identifiers") { endpoint.tables(of: namespace, page: $0) }
            .map { (value) throws(RESTFailure) in
                guard let object = value.objectValue, let name = object["name"]?.stringValue,
                    !name.isEmpty, let levels = Self.levels(object["namespace"])
                else { throw .nonsense(reason: "one of the server's identifiers has no name") }
                return TableIdentifier(namespace: levels, name: name)
            }
    }

    /// The namespaces right below another.
    ///
    /// Servers without namespaces of many levels reject the question, or answer it as if there
    /// were no parent: what does not lie below the parent is not taken.
    private func namespaces(
        below parent: [String], _ endpoint: RESTEndpoint
    ) async throws(RESTFailure) -> [[String]] {
        guard parent.count < RESTLimits.levels else {
            throw .nonsense(reason: "a namespace has more than \(RESTLimits.levels) levels")
        }
        let values: [JSONValue]
        do throws(RESTFailure) {
            values = try await pages("namespaces") { endpoint.namespaces(below: parent, page: $0) }
        } catch {
            if !parent.isEmpty, case .refused(let refusal) = error,
                [400, 405, 406, 501].contains(refusal.status)
            {
                return []
            }
            throw error
        }
        return try values.map { (value) throws(RESTFailure) in
            guard let levels = Self.levels(value), !levels.isEmpty else {
                throw .nonsense(reason: "one of the server's namespaces has no name")
            }
            return levels
        }.filter { $0.count > parent.count && $0.starts(with: parent) }
    }

    private static func levels(_ value: JSONValue?) -> [String]? {
        guard let values = value?.arrayValue else { return nil }
        let levels = values.compactMap(\.stringValue)
        return levels.count == values.count ? levels : nil
    }

    /// The elements of all pages of a list.
    private func pages(
        _ member: String, url: (String) -> String
    ) async throws(RESTFailure) -> [JSONValue] {
        var elements: [JSONValue] = []
        var page = ""
        for _ in 0..<RESTLimits.pages {
            let reply = try await client.get(url(page), limit: RESTLimits.pageBytes)
            guard let more = reply[member]?.arrayValue else {
                throw .nonsense(reason: "the server's reply has no list of \(member)")
            }
            elements += more
            guard elements.count <= RESTLimits.tables else {
                throw .nonsense(reason: "a list has more than \(RESTLimits.tables) \(member)")
            }
            guard let next = reply["next-page-token"]?.stringValue, !next.isEmpty else {
                return elements
            }
            guard next != page else {
                throw .nonsense(reason: "the server's list of \(member) leads to the same page")
            }
            page = next
        }
        throw .nonsense(reason: "a list of \(member) has more than \(RESTLimits.pages) pages")
    }
}
