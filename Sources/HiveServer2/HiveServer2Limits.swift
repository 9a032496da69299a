// SPDX-License-Identifier: Apache-2.0

/// The most that is taken from a server, so that no reply can exhaust this process.
public struct HiveServer2Limits: Hashable, Sendable {
    /// The most bytes of one reply.
    public var messageBytes = 32 << 20
    /// The most bytes of one text or binary value.
    public var stringBytes = 8 << 20
    /// The most structures and collections within one another.
    public var depth = 32
    /// The most elements of one list, which are the rows of one page.
    public var elements = 100_000
    /// The most structures of one list, which are the columns of a result.
    public var columns = 1000
    /// The most rows that ``HiveServer2Client/rows(of:pageSize:limit:)`` collects.
    public var resultRows = 1_000_000
    /// The most bytes of replies that ``HiveServer2Client/rows(of:pageSize:limit:)`` collects.
    public var resultBytes = 256 << 20
    /// The most bytes of a statement, which is refused before anything is sent.
    public var statementBytes = 4 << 20

    /// The limits that fit maintenance: results of a few rows, or of many file names.
    public init() {}

    /// The most bytes of the name of a method.
    static let methodBytes = 64
    /// The most bytes of what a server says during authentication.
    static let challengeBytes = 64 << 10
}

/// Which limit was met.
public enum HiveServer2Limit: String, Hashable, Sendable, CustomStringConvertible {
    /// ``HiveServer2Limits/messageBytes``.
    case messageBytes
    /// ``HiveServer2Limits/stringBytes``.
    case stringBytes
    /// ``HiveServer2Limits/depth``.
    case depth
    /// ``HiveServer2Limits/elements``.
    case elements
    /// ``HiveServer2Limits/columns``.
    case columns
    /// ``HiveServer2Limits/resultRows``, or the caller's own limit.
    case resultRows
    /// ``HiveServer2Limits/resultBytes``.
    case resultBytes
    /// What a server may say during authentication.
    case challengeBytes

    /// The text for people.
    public var description: String { rawValue }
}
