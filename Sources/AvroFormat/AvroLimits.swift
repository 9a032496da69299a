// SPDX-License-Identifier: Apache-2.0

/// The most that a reader holds at once, so that a damaged or hostile file cannot ask for more.
public struct AvroLimits: Hashable, Sendable {
    /// The longest header in bytes; it holds the schema of a possibly very wide table twice.
    public var headerBytes = 64 << 20
    /// The largest block in bytes as it is stored; writers cut blocks at tens of kilobytes.
    public var storedBlockBytes = 64 << 20
    /// The largest block in bytes once it is decompressed.
    public var decodedBlockBytes = 256 << 20
    /// The most elements of a list, or records of a block, that take no bytes at all; any other
    /// count is bounded by the bytes that are there.
    public var emptyElements = 65_536

    /// The usual limits.
    public init() {}

    /// How deeply records may nest while they are skipped.
    static let maximumNesting = 64
}
