// SPDX-License-Identifier: Apache-2.0

/// The limits of the S3 API, and those that we add so that no server's answer fills our memory.
public enum S3Limits {
    /// The longest key that is written, in UTF-8 bytes.
    public static let keyBytes = 1024
    /// The most objects of one bulk removal.
    public static let removalsPerCall = 1000
    /// The most keys of one page of a listing.
    public static let keysPerPage = 1000
    /// The smallest part of a multipart upload but the last.
    public static let smallestPartBytes = 5 << 20
    /// The largest part of a multipart upload, and the largest object written or copied in one
    /// call.
    public static let largestPartBytes = 5 << 30
    /// The most parts of a multipart upload.
    public static let parts = 10_000

    /// The longest XML answer that is read, ours: a page of the longest keys is under 8 MiB.
    public static let replyBytes = 16 << 20
    /// The longest error answer that is read, ours.
    public static let errorBytes = 64 << 10
    /// The deepest that elements of an answer nest, ours; S3's reach five.
    public static let replyDepth = 16
    /// The most text of a server's that goes into a message of ours, in characters.
    public static let reasonCharacters = 300
    /// The most calls that one removal or one copy of many objects has under way.
    public static let callsUnderWay = 4
    /// The length of the parts of an object that is copied in parts, ours: the largest object of
    /// all, 5 TiB, then has half as many as it may.
    public static let copiedPartBytes = 1 << 30
}
