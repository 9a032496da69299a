// SPDX-License-Identifier: Apache-2.0

/// Writes strict TBinaryProtocol.
///
/// The caller keeps to the order of the protocol: a message, its structure's fields, a stop for
/// each structure.
struct ThriftWriter {
    /// What was written so far.
    private(set) var bytes: [UInt8] = []

    /// The upper half of the first word of a strict message.
    static let version: UInt32 = 0x8001_0000

    /// Begins a message.
    mutating func message(_ method: String, type: ThriftMessageType, sequence: Int32) {
        bigEndian(Self.version | UInt32(type.rawValue))
        string(method)
        bigEndian(sequence)
    }

    /// Begins a field; its value follows.
    mutating func field(_ id: Int16, _ type: ThriftType) {
        bytes.append(type.rawValue)
        bigEndian(id)
    }

    /// Ends a structure.
    mutating func stop() { bytes.append(ThriftType.stop) }

    mutating func bool(_ value: Bool) { byte(value ? 1 : 0) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func int16(_ value: Int16) { bigEndian(value) }

    mutating func int32(_ value: Int32) { bigEndian(value) }

    mutating func int64(_ value: Int64) { bigEndian(value) }

    mutating func string(_ value: String) { binary(Array(value.utf8)) }

    mutating func binary(_ value: [UInt8]) {
        // What is sent is bounded by `HiveServer2Limits.statementBytes`, far below 2 GiB.
        bigEndian(Int32(truncatingIfNeeded: value.count))
        bytes += value
    }

    /// Writes a map of texts, in the order of its keys so that equal maps give equal bytes.
    mutating func map(_ value: [String: String]) {
        bytes.append(ThriftType.string.rawValue)
        bytes.append(ThriftType.string.rawValue)
        bigEndian(Int32(truncatingIfNeeded: value.count))
        for (key, value) in value.sorted(by: { $0.key < $1.key }) {
            string(key)
            string(value)
        }
    }

    private mutating func bigEndian(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes += $0 }
    }
}

/// What a message is.
enum ThriftMessageType: UInt8, Sendable {
    case call = 1
    case reply = 2
    case exception = 3
}
