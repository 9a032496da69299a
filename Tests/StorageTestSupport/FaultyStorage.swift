// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage
import Synchronization

/// A storage that fails on request, before or after the effect: the second is a lost reply.
public final class FaultyStorage<Base: ObjectStorage>: ForwardingStorage {
    /// The storage that does the work.
    public let base: Base
    private let faults = Mutex<[StorageFault]>([])
    private let calls = Mutex<[StorageFault.Call: Int]>([:])

    /// Works as its base until told otherwise.
    public init(_ base: Base) { self.base = base }

    /// Makes the next matching call fail; each fault happens once, in the order they were added.
    public func inject(_ fault: StorageFault) { faults.withLock { $0.append(fault) } }

    /// How often a call was made.
    public func count(of call: StorageFault.Call) -> Int { calls.withLock { $0[call, default: 0] } }

    private func fault(_ call: StorageFault.Call, _ location: Location) -> StorageFault? {
        calls.withLock { $0[call, default: 0] += 1 }
        return faults.withLock { faults in
            let index = faults.firstIndex { $0.call == call && $0.matches(location) }
            return index.map { faults.remove(at: $0) }
        }
    }

    private func run<Value>(
        _ call: StorageFault.Call, _ location: Location,
        _ body: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let fault = fault(call, location)
        if let fault, fault.moment == .before { throw fault.error(location) }
        let value = try await body()
        if let fault { throw fault.error(location) }
        return value
    }

    /// The whole object.
    public func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try await run(.read, location) { () throws(StorageError) in
            try await base.read(location, limit: limit)
        }
    }

    /// The bytes of a range.
    public func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        try await run(.read, location) { () throws(StorageError) in
            try await base.read(location, range: range)
        }
    }

    /// What is known of an object, or nil.
    public func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try await run(.stat, location) { () throws(StorageError) in try await base.stat(location) }
    }

    /// Writes a whole object.
    @discardableResult
    public func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try await run(.write, location) { () throws(StorageError) in
            try await base.write(bytes, to: location, condition: condition)
        }
    }

    /// Writes an object as its bytes come.
    @discardableResult
    public func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        try await run(.write, location) { () throws(StorageError) in
            try await base.write(chunks: chunks, to: location, condition: condition)
        }
    }

    /// Every object under a prefix.
    public func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        guard let fault = fault(.list, prefix) else { return base.list(prefix) }
        return AsyncThrowingStream { $0.finish(throwing: fault.error(prefix)) }
    }

    /// What lies directly under a prefix.
    public func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try await run(.list, prefix) { () throws(StorageError) in
            try await base.children(of: prefix)
        }
    }

    /// Removes objects; each has its own outcome.
    public func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        var outcomes: [RemovalOutcome] = []
        for location in locations {
            let fault = fault(.remove, location)
            if let fault, fault.moment == .before {
                outcomes.append(.failed(fault.error(location)))
                continue
            }
            let outcome = await base.remove([location])
            outcomes += fault.map { [.failed($0.error(location))] } ?? outcome
        }
        return outcomes
    }
}

/// One failure to come.
public struct StorageFault: Sendable {
    /// The kinds of calls.
    public enum Call: Hashable, Sendable {
        /// Of a whole object or a range.
        case read
        /// Of one object.
        case stat
        /// Of one object.
        case write
        /// Recursive or not.
        case list
        /// Of each object on its own.
        case remove
    }

    /// When a call fails.
    public enum Moment: Hashable, Sendable {
        /// Nothing happened.
        case before
        /// It happened, but the caller does not learn of it.
        case after
    }

    let call: Call
    let moment: Moment
    let matches: @Sendable (Location) -> Bool

    /// A failure of a call whose location contains a text.
    public init(_ call: Call, _ moment: Moment, of text: String = "") {
        self.call = call
        self.moment = moment
        matches = { text.isEmpty || $0.rawValue.contains(text) }
    }

    func error(_ location: Location) -> StorageError {
        switch (call, moment) {
        case (.write, .after): .outcomeUnknown(location, reason: "injected after the effect")
        case (_, .before): .unavailable(location, reason: "injected before the effect")
        case (_, .after): .unavailable(location, reason: "injected after the effect")
        }
    }
}
