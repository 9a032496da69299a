// SPDX-License-Identifier: Apache-2.0

/// A projection worked out for one writer's schema: a flat list of steps over a record's bytes.
///
/// Compiling it once keeps names, ids and types out of the loop over records. Immutable, so that
/// one program serves any number of readers.
public final class AvroProgram: Sendable {
    let steps: [AvroStep]
    /// Where the branches of unions begin, one run per union.
    let branchStarts: [Int32]
    /// The collections that are stepped over.
    let collections: [AvroCollection]
    /// The projected lists: what is read of each element.
    let lists: [AvroProgram]
    /// The names of the slots' fields, for messages.
    let slotNames: [String]

    init(
        steps: [AvroStep], branchStarts: [Int32], collections: [AvroCollection],
        lists: [AvroProgram], slotNames: [String]
    ) {
        self.steps = steps
        self.branchStarts = branchStarts
        self.collections = collections
        self.lists = lists
        self.slotNames = slotNames
    }
}

/// One thing to do with the bytes at the cursor.
///
/// Program positions are absolute.
enum AvroStep: Hashable, Sendable {
    /// Step over bytes.
    case skipFixed(Int)
    /// Step over integers of variable length.
    case skipIntegers(Int)
    /// Step over a length and its bytes.
    case skipBytes
    /// Step over a collection, by its index.
    case skipCollection(Int32)
    /// Run a part of the program that ends in `finish`, then go on.
    case call(Int32)
    /// The end of a part, or of the record.
    case finish
    /// Go on elsewhere.
    case jump(Int32)
    /// Read a branch number and go on at that branch.
    case branch(first: Int32, count: Int32)
    /// The same for two branches of which one is null: there, go on at `end`.
    case skipNull(nullBranch: Int64, end: Int32)
    /// Read a value into a slot.
    case read(AvroValueStep, slot: Int32)
}

/// What a slot is given.
enum AvroValueStep: Hashable, Sendable {
    /// Nothing: a null where the field must have a value.
    case refuseNull
    /// One byte, 0 or 1.
    case boolean
    /// An integer within 32 bits.
    case int
    /// An integer.
    case long
    /// Four bytes.
    case float
    /// Eight bytes.
    case double
    /// The place of bytes that follow their length.
    case bytes
    /// The place of so many bytes.
    case fixed(Int32)
    /// The place of a list, stepped over as a collection.
    case list(Int32, collection: Int32)
}

/// How the elements of a collection are stepped over.
struct AvroCollection: Hashable, Sendable {
    enum Shape: Hashable, Sendable {
        /// Every element takes this many bytes.
        case fixed(Int)
        /// Every element is this many integers: Iceberg's maps of counts and sizes.
        case integers(Int)
        /// Every element is an integer and bytes: Iceberg's maps of bounds.
        case integerAndBytes
        /// Every element is what the part of the program at this position says.
        case part(Int32)
    }
    let shape: Shape

    /// The least that an element can take.
    var leastElementSize: Int {
        switch shape {
        case .fixed(let size): size
        case .integers(let count): count
        case .integerAndBytes: 2
        case .part: 1
        }
    }
}

/// One value of a row: a number, or where its bytes are.
struct AvroSlot {
    /// The number, the bits of a floating-point number, or the offset of the bytes.
    var value: Int64 = 0
    /// How many bytes; negative while the field has no value.
    var length = -1
    /// Which of the program's lists this is.
    var list: Int32 = 0
}
