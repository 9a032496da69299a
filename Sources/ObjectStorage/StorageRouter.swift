// SPDX-License-Identifier: Apache-2.0

/// Several stores as one: each call goes to the store that serves its location's scheme.
///
/// A scheme that nobody serves is refused, never guessed (P-04).
public struct StorageRouter: RoutedStorage {
    /// The stores that there are.
    public let stores: [any ObjectStorage]
    /// Where among them the store of a scheme is; of plain paths under nil.
    private let indexes: [String?: Int]

    /// Takes a store for plain paths, if they are served, and stores by scheme in lower case.
    public init(plainPaths: (any ObjectStorage)?, schemes: [String: any ObjectStorage]) {
        var routes = schemes.map { (scheme: Optional($0), store: $1) }
        if let plainPaths { routes.append((nil, plainPaths)) }
        stores = routes.map(\.store)
        indexes = Dictionary(uniqueKeysWithValues: zip(routes.map(\.scheme), routes.indices))
    }

    /// The store of its scheme.
    public func index(for location: Location) throws(StorageError) -> Int {
        if let index = indexes[location.scheme] { return index }
        guard let scheme = location.scheme else {
            throw .unsupported(location, reason: "no store is configured for plain paths")
        }
        let known = indexes.keys.compactMap(\.self).sorted().joined(separator: ", ")
        throw .unsupported(
            location, reason: "no store is configured for \(scheme); there are: \(known)")
    }
}
