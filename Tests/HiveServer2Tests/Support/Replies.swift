// SPDX-License-Identifier: Apache-2.0

@testable import HiveServer2

/// Replies as a server writes them.
enum Replies {
    static let session = handle("session/00112233445566778899aabbccddeeff", SessionHandle.init)
    static let operation = handle(
        "operation/ffeeddccbbaa99887766554433221100",
        { OperationHandle($0, type: 0, hasResultSet: true) })

    private static func handle<Handle>(
        _ text: String, _ make: (HandleIdentifier) -> Handle
    ) -> Handle {
        let guid = text.split(separator: "/")[1]
        guard let identifier = HandleIdentifier(guid: guid, secret: String(guid.reversed())) else {
            preconditionFailure("a handle of the tests has 32 digits")
        }
        return make(identifier)
    }

    /// A result, with `0: success` as the closure writes it.
    static func reply(
        _ method: String, _ sequence: Int32, type: ThriftMessageType = .reply,
        _ success: (inout ThriftWriter) -> Void
    ) -> [UInt8] {
        var writer = ThriftWriter()
        writer.message(method, type: type, sequence: sequence)
        if type == .reply { writer.field(0, .structure) }
        success(&writer)
        writer.stop()
        if type == .reply { writer.stop() }
        return writer.bytes
    }

    static func plain(_ method: String, _ sequence: Int32) -> [UInt8] {
        reply(method, sequence) { $0.status() }
    }

    static func failure(
        _ method: String, _ sequence: Int32, code: Int32 = 3, sqlState: String? = nil,
        message: String?
    ) -> [UInt8] {
        reply(method, sequence) { $0.status(code, sqlState: sqlState, message: message) }
    }

    static func openSession(_ sequence: Int32, version: Int32 = 9) -> [UInt8] {
        reply("OpenSession", sequence) {
            $0.status()
            $0.field(2, .int32)
            $0.int32(version)
            $0.field(3, .structure)
            $0.identifier(session.identifier)
            $0.stop()
            $0.field(4, .map)
            $0.map(["a": "b"])
        }
    }

    static func execute(_ sequence: Int32) -> [UInt8] {
        reply("ExecuteStatement", sequence) {
            $0.status()
            $0.field(2, .structure)
            $0.identifier(operation.identifier)
            $0.field(2, .int32)
            $0.int32(0)
            $0.field(3, .bool)
            $0.bool(true)
            $0.field(4, .double)
            $0.int64(0)
            $0.stop()
        }
    }

    static func status(_ sequence: Int32, state: Int32 = 2) -> [UInt8] {
        reply("GetOperationStatus", sequence) {
            $0.status()
            $0.field(2, .int32)
            $0.int32(state)
            $0.field(6, .string)
            $0.string("[]")
        }
    }

    /// With all fields that there are.
    static func fullStatus(_ sequence: Int32) -> [UInt8] {
        reply("GetOperationStatus", sequence) {
            $0.status()
            $0.field(2, .int32)
            $0.int32(5)
            for (id, text) in [(3, "42601"), (5, "no\n\tat x"), (6, "[]")] as [(Int16, String)] {
                $0.field(id, .string)
                $0.string(text)
            }
            $0.field(4, .int32)
            $0.int32(7)
            $0.field(7, .int64)
            $0.int64(1000)
            $0.field(8, .int64)
            $0.int64(2000)
            $0.field(9, .bool)
            $0.bool(false)
            $0.field(10, .structure)
            $0.field(1, .list)
            $0.strings(["stage", "done"])
            $0.field(2, .list)
            $0.list(.list, 1)
            $0.strings(["map", "3"])
            $0.field(3, .double)
            $0.int64(Int64(bitPattern: (0.5).bitPattern))
            $0.field(4, .int32)
            $0.int32(1)
            $0.field(5, .string)
            $0.string("foot")
            $0.field(6, .int64)
            $0.int64(5)
            $0.stop()
        }
    }

    static func metadata(_ sequence: Int32, _ columns: [(String, Int32)]) -> [UInt8] {
        reply("GetResultSetMetadata", sequence) {
            $0.status()
            $0.field(2, .structure)
            $0.field(1, .list)
            $0.list(.structure, columns.count)
            for (position, (name, type)) in columns.enumerated() {
                $0.field(1, .string)
                $0.string(name)
                $0.field(2, .structure)
                $0.field(1, .list)
                $0.list(.structure, 1)
                $0.field(1, .structure)
                $0.field(1, .int32)
                $0.int32(type)
                $0.stop()
                $0.stop()
                $0.stop()
                $0.field(3, .int32)
                $0.int32(Int32(position))
                $0.stop()
            }
            $0.stop()
        }
    }

    /// A page; nil stands for a row set that has no columns.
    static func page(_ sequence: Int32, _ columns: [ColumnValues]?) -> [UInt8] {
        reply("FetchResults", sequence) {
            $0.status()
            $0.field(2, .bool)
            $0.bool(false)
            $0.field(3, .structure)
            $0.field(1, .int64)
            $0.int64(0)
            $0.field(2, .list)
            $0.list(.structure, 0)
            if let columns {
                $0.field(3, .list)
                $0.list(.structure, columns.count)
                for column in columns { $0.column(column) }
            }
            $0.stop()
        }
    }

    /// One of each kind, for tests that break them.
    static func all(_ sequence: Int32) -> [[UInt8]] {
        [
            openSession(sequence), execute(sequence), status(sequence), fullStatus(sequence),
            metadata(sequence, [("a", 3), ("b", 7)]),
            page(sequence, everyColumn), page(sequence, nil), plain("CloseSession", sequence),
            failure("FetchResults", sequence, sqlState: "42601", message: "no\nstack"),
            reply("OpenSession", sequence, type: .exception) {
                $0.field(1, .string)
                $0.string("Internal error")
                $0.field(2, .int32)
                $0.int32(6)
            },
        ]
    }

    static let everyColumn: [ColumnValues] = [
        ColumnValues(storage: .booleans([true, false]), nulls: [0]),
        ColumnValues(storage: .bytes([-1, 1]), nulls: []),
        ColumnValues(storage: .shorts([-2, 2]), nulls: [2]),
        ColumnValues(storage: .integers([-3, 3]), nulls: [0]),
        ColumnValues(storage: .longs([-4, 4]), nulls: [0]),
        ColumnValues(storage: .doubles([0.5, -1]), nulls: [0]),
        ColumnValues(storage: .strings(["x", "Grüße"]), nulls: [1]),
        ColumnValues(storage: .binaries([[0, 255], []]), nulls: [0]),
    ]
}

extension ThriftWriter {
    mutating func status(_ code: Int32 = 0, sqlState: String? = nil, message: String? = nil) {
        field(1, .structure)
        field(1, .int32)
        int32(code)
        if let message {
            field(2, .list)
            strings(["*" + message])
        }
        if let sqlState {
            field(3, .string)
            string(sqlState)
        }
        if let message {
            field(5, .string)
            string(message)
        }
        stop()
    }

    mutating func identifier(_ identifier: HandleIdentifier) {
        field(1, .structure)
        field(1, .string)
        binary(identifier.guid)
        field(2, .string)
        binary(identifier.secret)
        stop()
    }

    /// The head of a list; its elements follow.
    mutating func list(_ type: ThriftType, _ count: Int) {
        byte(type.rawValue)
        int32(Int32(count))
    }

    mutating func strings(_ texts: [String]) {
        list(.string, texts.count)
        for text in texts { string(text) }
    }

    fileprivate mutating func column(_ column: ColumnValues) {
        switch column.storage {
        case .booleans(let values): list(1, .bool, values) { $0.bool($1) }
        case .bytes(let values): list(2, .byte, values) { $0.byte(UInt8(bitPattern: $1)) }
        case .shorts(let values): list(3, .int16, values) { $0.int16($1) }
        case .integers(let values): list(4, .int32, values) { $0.int32($1) }
        case .longs(let values): list(5, .int64, values) { $0.int64($1) }
        case .doubles(let values):
            list(6, .double, values) { $0.int64(Int64(bitPattern: $1.bitPattern)) }
        case .strings(let values): list(7, .string, values) { $0.string($1) }
        case .binaries(let values): list(8, .string, values) { $0.binary($1) }
        }
        field(2, .string)
        binary(column.nulls)
        stop()
        stop()
    }

    private mutating func list<Element>(
        _ id: Int16, _ type: ThriftType, _ values: [Element],
        _ write: (inout ThriftWriter, Element) -> Void
    ) {
        field(id, .structure)
        field(1, .list)
        list(type, values.count)
        for value in values { write(&self, value) }
    }
}
