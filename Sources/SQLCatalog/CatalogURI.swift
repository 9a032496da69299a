// SPDX-License-Identifier: Apache-2.0

import Postgres

/// The database that a catalog URI names, in the spellings of SQLAlchemy and of libpq.
///
/// - `sqlite:////absolute/path`, `sqlite:/absolute/path`
/// - `sqlite:///relative/path`, `sqlite:relative/path`, relative to the working directory
/// - `postgres://…`, `postgresql://…` as libpq reads them
///
/// A driver as in `postgresql+psycopg2://` is ignored.
enum CatalogURI: Hashable, Sendable {
    case sqlite(path: String)
    case postgres(PostgresConfiguration)

    init(_ text: String) throws(InvalidCatalogURI) {
        guard let colon = text.firstIndex(of: ":") else {
            throw InvalidCatalogURI(reason: "it has no scheme")
        }
        let rest = text[text.index(after: colon)...]
        switch text[..<colon].split(separator: "+", omittingEmptySubsequences: false).first {
        case "sqlite": self = .sqlite(path: try Self.path(String(rest)))
        case "postgres", "postgresql":
            do throws(PostgresError) {
                self = .postgres(try PostgresConfiguration(url: "postgresql:\(rest)"))
            } catch {
                throw InvalidCatalogURI(reason: error.description)
            }
        default: throw InvalidCatalogURI(reason: "its scheme is neither sqlite nor postgres")
        }
    }

    private static func path(_ rest: String) throws(InvalidCatalogURI) -> String {
        let path = rest.hasPrefix("///") ? String(rest.dropFirst(3)) : rest
        guard !path.hasPrefix("//") else {
            throw InvalidCatalogURI(
                reason: "after sqlite: come three slashes and a relative path, or four and an"
                    + " absolute one")
        }
        guard !path.isEmpty, path != ":memory:" else {
            throw InvalidCatalogURI(reason: "a catalog in memory would be empty")
        }
        guard !path.utf8.contains(0), !path.contains("?") else {
            throw InvalidCatalogURI(reason: "a path with parameters is not supported")
        }
        return path
    }
}

/// Why a text names no database.
struct InvalidCatalogURI: Error, Hashable, CustomStringConvertible {
    /// What is wrong, without quoting the URI, which may hold a password.
    let reason: String

    var description: String {
        "the catalog URI cannot be used: \(reason); expected sqlite:////absolute/path,"
            + " sqlite:relative/path or postgres://user@host/database"
    }
}
