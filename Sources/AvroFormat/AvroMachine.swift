// SPDX-License-Identifier: Apache-2.0

/// Runs a program over the bytes of records.
///
/// Every step either moves the cursor forward or goes on in the program, and programs have no
/// loops, so the work is bounded by the bytes that are there.
struct AvroMachine {
    let program: AvroProgram
    let steps: UnsafeBufferPointer<AvroStep>
    var cursor: AvroCursor

    /// Reads one record into slots, which must be as many as the program has.
    mutating func record(
        into slots: UnsafeMutableBufferPointer<AvroSlot>
    ) throws(AvroError) {
        for index in slots.indices { slots[index].length = -1 }
        try run(from: 0, into: slots, depth: 0)
    }

    private mutating func run(
        from start: Int, into slots: UnsafeMutableBufferPointer<AvroSlot>, depth: Int
    ) throws(AvroError) {
        guard depth < AvroLimits.maximumNesting else { throw cursor.failure(.nestedTooDeeply) }
        var next = start
        while true {
            let step = steps[next]
            next += 1
            switch step {
            case .skipFixed(let count): try cursor.skip(count)
            case .skipIntegers(let count): try cursor.skipIntegers(count)
            case .skipBytes: try cursor.skip(cursor.length())
            case .skipCollection(let index):
                try skipCollection(program.collections[Int(index)], into: slots, depth: depth)
            case .call(let part): try run(from: Int(part), into: slots, depth: depth + 1)
            case .finish: return
            case .jump(let target): next = Int(target)
            case .branch(let first, let count): next = try branch(first: first, count: count)
            case .skipNull(let nullBranch, let end):
                if try nullableBranch() == nullBranch { next = Int(end) }
            case .read(let value, let slot):
                try read(value, Int(slot), into: slots, depth: depth)
            }
        }
    }

    private mutating func branch(first: Int32, count: Int32) throws(AvroError) -> Int {
        let branch = try cursor.long()
        guard branch >= 0, branch < Int64(count) else {
            throw cursor.failure(.unknownBranch(branch))
        }
        return Int(program.branchStarts[Int(first) + Int(branch)])
    }

    @inline(__always)
    private mutating func nullableBranch() throws(AvroError) -> Int64 {
        let branch = try cursor.long()
        guard branch == 0 || branch == 1 else { throw cursor.failure(.unknownBranch(branch)) }
        return branch
    }

    private mutating func read(
        _ value: AvroValueStep, _ slot: Int, into slots: UnsafeMutableBufferPointer<AvroSlot>,
        depth: Int
    ) throws(AvroError) {
        switch value {
        case .boolean: slots[slot].set(try cursor.boolean() ? 1 : 0)
        case .int: slots[slot].set(try cursor.int())
        case .long: slots[slot].set(try cursor.long())
        case .float:
            let number = Double(Float(bitPattern: try cursor.fixedWidth(UInt32.self)))
            slots[slot].set(Int64(bitPattern: number.bitPattern))
        case .double:
            slots[slot].set(Int64(bitPattern: try cursor.fixedWidth(UInt64.self)))
        case .bytes:
            let length = try cursor.length()
            slots[slot].set(Int64(cursor.position), length: length)
            cursor.position += length
        case .fixed(let size):
            slots[slot].set(Int64(cursor.position), length: Int(size))
            try cursor.skip(Int(size))
        case .list(let list, let collection):
            let start = cursor.position
            try skipCollection(program.collections[Int(collection)], into: slots, depth: depth)
            slots[slot].set(Int64(start), length: cursor.position - start)
            slots[slot].list = list
        case .refuseNull:
            throw cursor.failure(.unexpectedNull(field: program.slotNames[slot]))
        }
    }

    private mutating func skipCollection(
        _ collection: AvroCollection, into slots: UnsafeMutableBufferPointer<AvroSlot>, depth: Int
    ) throws(AvroError) {
        while true {
            let block = try cursor.collectionBlock()
            if block.count == 0 { return }
            let least = collection.leastElementSize
            guard least == 0 || block.count <= Int64(cursor.remaining / least) else {
                throw cursor.failure(.lengthBeyondEnd(block.count))
            }
            if let byteSize = block.byteSize {
                cursor.position += byteSize
                continue
            }
            try skipElements(block.count, collection.shape, into: slots, depth: depth)
        }
    }

    private mutating func skipElements(
        _ count: Int64, _ shape: AvroCollection.Shape,
        into slots: UnsafeMutableBufferPointer<AvroSlot>, depth: Int
    ) throws(AvroError) {
        switch shape {
        // The count was checked against the bytes left, so no product overflows.
        case .fixed(let size): if size > 0 { try cursor.skip(Int(count) * size) }
        case .integers(let each): try cursor.skipIntegers(Int(count) * each)
        case .integerAndBytes:
            for _ in 0..<count {
                _ = try cursor.long()
                try cursor.skip(cursor.length())
            }
        case .part(let start):
            for _ in 0..<count { try run(from: Int(start), into: slots, depth: depth + 1) }
        }
    }
}

extension AvroSlot {
    @inline(__always)
    mutating func set(_ value: Int64, length: Int = 0) {
        self.value = value
        self.length = length
    }
}
