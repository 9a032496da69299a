// SPDX-License-Identifier: Apache-2.0

/// Walks over records, or the elements of a list, that lie one after the other in borrowed bytes.
struct AvroRows {
    let program: AvroProgram
    let bytes: UnsafeRawBufferPointer
    let origin: AvroOrigin
    let limits: AvroLimits

    /// Visits as many records as a block's head says, which must take up all of the bytes.
    func forEachRecord(
        count: Int64, _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) throws(AvroError) {
        try withMachine(in: 0..<bytes.count) { (machine, slots) throws(AvroError) in
            try visit(count, &machine, slots, body)
            guard machine.cursor.remaining == 0 else {
                throw machine.cursor.failure(.leftoverBytes(machine.cursor.remaining))
            }
        }
    }

    /// Visits the elements of a list whose blocks take up a range of the bytes.
    func forEachElement(
        in range: Range<Int>, _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) throws(AvroError) {
        try withMachine(in: range) { (machine, slots) throws(AvroError) in
            while true {
                let block = try machine.cursor.collectionBlock()
                if block.count == 0 { return }
                let end = block.byteSize.map { machine.cursor.position + $0 }
                try visit(block.count, &machine, slots, body)
                // Stepping over the list trusted the stated size, so reading must agree with it.
                guard end == nil || end == machine.cursor.position else {
                    let difference = (end ?? 0) - machine.cursor.position
                    throw machine.cursor.failure(.leftoverBytes(difference))
                }
            }
        }
    }

    private func visit(
        _ count: Int64, _ machine: inout AvroMachine,
        _ slots: UnsafeMutableBufferPointer<AvroSlot>,
        _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) throws(AvroError) {
        var visited: Int64 = 0
        var empty: Int64 = 0
        while visited < count {
            let before = machine.cursor.position
            try machine.record(into: slots)
            // Records without bytes cannot be bounded by the bytes that are there.
            if machine.cursor.position == before {
                empty += 1
                guard empty <= limits.emptyElements else {
                    throw .tooLarge(
                        part: "a count of empty records", size: count,
                        limit: Int64(limits.emptyElements), at: origin.position(of: before))
                }
            }
            let row = AvroRow(
                bytes: bytes, slots: slots, program: program, origin: origin, limits: limits)
            try body(row)
            visited += 1
        }
    }

    private func withMachine(
        in range: Range<Int>,
        _ body: (
            inout AvroMachine, UnsafeMutableBufferPointer<AvroSlot>
        ) throws(AvroError) -> Void
    ) throws(AvroError) {
        // An empty block may have no address; nothing is read from the stand-in.
        var standIn: UInt8 = 0
        try withUnsafePointer(to: &standIn) { (address) throws(AvroError) in
            try program.steps.withUnsafeBufferPointer { (steps) throws(AvroError) in
                let cursor = AvroCursor(
                    base: bytes.baseAddress ?? UnsafeRawPointer(address), end: range.upperBound,
                    position: range.lowerBound, origin: origin)
                var machine = AvroMachine(program: program, steps: steps, cursor: cursor)
                let count = program.slotNames.count
                try withUnsafeTemporaryAllocation(of: AvroSlot.self, capacity: count) {
                    (slots) throws(AvroError) in
                    slots.initialize(repeating: AvroSlot())
                    try body(&machine, slots)
                }
            }
        }
    }
}
