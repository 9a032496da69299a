// SPDX-License-Identifier: Apache-2.0

/// One record, seen through a projection; it lives no longer than the closure that is given it.
///
/// Slots come from the projection that the program was compiled from; those of another one trap
/// or return another field.
public struct AvroRow: ~Copyable {
    private let bytes: UnsafeRawBufferPointer
    private let slots: UnsafeMutableBufferPointer<AvroSlot>
    private let program: AvroProgram
    private let origin: AvroOrigin
    private let limits: AvroLimits

    init(
        bytes: UnsafeRawBufferPointer, slots: UnsafeMutableBufferPointer<AvroSlot>,
        program: AvroProgram, origin: AvroOrigin, limits: AvroLimits
    ) {
        self.bytes = bytes
        self.slots = slots
        self.program = program
        self.origin = origin
        self.limits = limits
    }

    /// The value of an `int` field.
    public func value(_ slot: AvroRequired<Int32>) -> Int32 {
        Int32(truncatingIfNeeded: slots[slot.index].value)
    }

    /// The value of an `int` field, or nil.
    public func value(_ slot: AvroOptional<Int32>) -> Int32? {
        number(slot.index).map { Int32(truncatingIfNeeded: $0) }
    }

    /// The value of a `long` field.
    public func value(_ slot: AvroRequired<Int64>) -> Int64 { slots[slot.index].value }

    /// The value of a `long` field, or nil.
    public func value(_ slot: AvroOptional<Int64>) -> Int64? { number(slot.index) }

    /// The value of a `boolean` field.
    public func value(_ slot: AvroRequired<Bool>) -> Bool { slots[slot.index].value != 0 }

    /// The value of a `boolean` field, or nil.
    public func value(_ slot: AvroOptional<Bool>) -> Bool? { number(slot.index).map { $0 != 0 } }

    /// The value of a `double` field.
    public func value(_ slot: AvroRequired<Double>) -> Double {
        Double(bitPattern: UInt64(bitPattern: slots[slot.index].value))
    }

    /// The value of a `double` field, or nil.
    public func value(_ slot: AvroOptional<Double>) -> Double? {
        number(slot.index).map { Double(bitPattern: UInt64(bitPattern: $0)) }
    }

    /// A copy of the bytes of a field.
    public func value(_ slot: AvroRequired<[UInt8]>) -> [UInt8] { Array(view(slot.index)) }

    /// A copy of the bytes of a field, or nil.
    public func value(_ slot: AvroOptional<[UInt8]>) -> [UInt8]? {
        isPresent(slot.index) ? Array(view(slot.index)) : nil
    }

    /// The text of a field.
    ///
    /// - Throws: ``AvroFault/invalidText(field:)`` if it is not UTF-8.
    public func value(_ slot: AvroRequired<String>) throws(AvroError) -> String {
        try text(slot.index)
    }

    /// The text of a field, or nil.
    ///
    /// - Throws: ``AvroFault/invalidText(field:)`` if it is not UTF-8.
    public func value(_ slot: AvroOptional<String>) throws(AvroError) -> String? {
        isPresent(slot.index) ? try text(slot.index) : nil
    }

    /// The bytes of a text field as they are, neither checked nor copied.
    ///
    /// Valid only as long as the row.
    public func borrowedBytes(_ slot: AvroRequired<String>) -> UnsafeRawBufferPointer {
        view(slot.index)
    }

    /// Whether a list has a value, be it empty.
    public func isPresent(_ list: AvroList) -> Bool { isPresent(list.index) }

    /// Visits the elements of a list in order; none if it is null.
    public func forEach(
        _ list: AvroList, _ body: (borrowing AvroRow) throws(AvroError) -> Void
    ) throws(AvroError) {
        guard isPresent(list.index) else { return }
        let slot = slots[list.index]
        let elements = program.lists[Int(slot.list)]
        let start = Int(slot.value)
        let rows = AvroRows(program: elements, bytes: bytes, origin: origin, limits: limits)
        try rows.forEachElement(in: start..<(start + slot.length), body)
    }

    /// The error for a value that makes no sense for its field.
    public func refusal<Value>(_ slot: AvroRequired<Value>, _ reason: String) -> AvroError {
        refusal(slot.index, reason)
    }

    /// The error for a value that makes no sense for its field.
    public func refusal<Value>(_ slot: AvroOptional<Value>, _ reason: String) -> AvroError {
        refusal(slot.index, reason)
    }

    private func refusal(_ index: Int, _ reason: String) -> AvroError {
        .invalidValue(
            field: program.slotNames[index], reason: reason, at: origin.position(of: place(index)))
    }

    @inline(__always)
    private func isPresent(_ index: Int) -> Bool { slots[index].length >= 0 }

    @inline(__always)
    private func number(_ index: Int) -> Int64? {
        isPresent(index) ? slots[index].value : nil
    }

    private func view(_ index: Int) -> UnsafeRawBufferPointer {
        let start = Int(slots[index].value)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + slots[index].length)])
    }

    private func text(_ index: Int) throws(AvroError) -> String {
        guard let text = String(validating: view(index), as: UTF8.self) else {
            throw .malformed(
                .invalidText(field: program.slotNames[index]),
                at: origin.position(of: place(index)))
        }
        return text
    }

    /// Where a field's bytes begin; for a number, which keeps no place, the end of the record's
    /// bytes is all that is known, so the start of the block stands in.
    private func place(_ index: Int) -> Int {
        slots[index].length > 0 ? Int(slots[index].value) : 0
    }
}
