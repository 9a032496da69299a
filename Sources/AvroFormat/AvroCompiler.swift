// SPDX-License-Identifier: Apache-2.0

extension AvroProgram {
    /// Works out how to read a projection from files of a schema.
    ///
    /// Fields are found by id. Only if no field of the whole schema has an id are they found by
    /// name; a record that must be read and has ids on some fields alone is refused.
    ///
    /// - Throws: ``AvroError/schemaMismatch(reason:)``.
    public static func compile(
        _ projection: AvroProjection, for schema: AvroSchema
    ) throws(AvroError) -> AvroProgram {
        guard case .named(let index) = schema.root,
            case .record = schema.definitions[index].kind
        else { throw .schemaMismatch(reason: "the file does not hold records") }
        return try compile(projection, for: schema.root, in: schema)
    }

    fileprivate static func compile(
        _ projection: AvroProjection, for type: AvroType, in schema: AvroSchema
    ) throws(AvroError) -> AvroProgram {
        var compiler = AvroCompiler(schema: schema, projection: projection)
        return try compiler.program(for: type)
    }
}

/// Turns types into steps, once per schema.
private struct AvroCompiler {
    let schema: AvroSchema
    let projection: AvroProjection
    let usesIDs: Bool
    private var steps: [AvroStep] = []
    private var branchStarts: [Int32] = []
    private var collections: [AvroCollection] = []
    private var lists: [AvroProgram] = []
    /// Steps before this one may be jumped to, so that nothing is merged into them.
    private var barrier = 0
    /// Parts that are called: what they step over, and which steps or collections are waiting for
    /// their position.
    private var parts: [(types: [AvroType], callers: [Caller])] = []
    private var partOfDefinition: [Int: Int] = [:]

    private enum NullBranch {
        case nothing
        case emits
    }

    private enum Caller {
        case step(Int)
        case collection(Int)
    }

    init(schema: AvroSchema, projection: AvroProjection) {
        self.schema = schema
        self.projection = projection
        usesIDs = schema.hasFieldIDs
    }

    mutating func program(for type: AvroType) throws(AvroError) -> AvroProgram {
        if projection.isPlainValue {
            try read(type, into: 0)
        } else {
            try readRecord(type, parent: nil)
        }
        steps.append(.finish)
        emitParts()
        return AvroProgram(
            steps: steps, branchStarts: branchStarts, collections: collections, lists: lists,
            slotNames: projection.fields.map { $0.names[0] })
    }

    // MARK: Reading

    private mutating func readRecord(_ type: AvroType, parent: Int?) throws(AvroError) {
        guard case .named(let index) = type,
            case .record(let fields) = schema.definitions[index].kind
        else { throw mismatch(parent, isNo: "record") }
        let wanted = projection.fields.indices.filter { projection.fields[$0].parent == parent }
        var found: Set<Int> = []
        for field in fields {
            guard usesIDs == (field.id != nil) else {
                let record = schema.definitions[index].name
                throw .schemaMismatch(
                    reason: "\(record).\(field.name) has no field id but others do")
            }
            let matches = wanted.filter { isMatch(projection.fields[$0], field) }
            guard let match = matches.first else {
                skip(field.type)
                continue
            }
            guard found.insert(match).inserted else {
                throw .schemaMismatch(reason: "\(name(of: match)) is there twice")
            }
            try read(field.type, into: match)
        }
        for slot in wanted where projection.fields[slot].isRequired && !found.contains(slot) {
            throw .schemaMismatch(reason: "\(name(of: slot)) is missing")
        }
    }

    private func isMatch(_ wanted: AvroProjection.Field, _ field: AvroField) -> Bool {
        usesIDs ? wanted.id == field.id : wanted.names.contains(field.name)
    }

    private mutating func read(_ type: AvroType, into slot: Int) throws(AvroError) {
        let target = Int32(slot)
        switch (projection.fields[slot].kind, type) {
        case (_, .union(let branches)): try readUnion(branches, into: slot)
        case (.record, _): try readRecord(type, parent: slot)
        case (.list(let elements), .array(let items)):
            try readList(of: items, elements, into: target)
        case (.boolean, .boolean): steps.append(.read(.boolean, slot: target))
        case (.int, .int), (.int, .long), (.long, .int): steps.append(.read(.int, slot: target))
        case (.long, .long): steps.append(.read(.long, slot: target))
        case (.double, .float): steps.append(.read(.float, slot: target))
        case (.double, .double): steps.append(.read(.double, slot: target))
        case (.bytes, .bytes), (.bytes, .string), (.string, .string):
            steps.append(.read(.bytes, slot: target))
        case (.bytes, .named(let index)):
            guard case .fixed(let size) = schema.definitions[index].kind else {
                throw mismatch(slot, isNo: "byte string")
            }
            steps.append(.read(.fixed(Int32(size)), slot: target))
        case (_, .null) where !projection.fields[slot].isRequired: break
        case (let kind, _): throw mismatch(slot, isNo: kind.name)
        }
    }

    private mutating func readUnion(_ branches: [AvroType], into slot: Int) throws(AvroError) {
        let onNull: NullBranch = projection.fields[slot].isRequired ? .emits : .nothing
        try emitUnion(branches, onNull: onNull) { (compiler, branch) throws(AvroError) in
            guard branch == .null else { return try compiler.read(branch, into: slot) }
            if compiler.projection.fields[slot].isRequired {
                compiler.steps.append(.read(.refuseNull, slot: Int32(slot)))
            }
        }
    }

    private mutating func readList(
        of items: AvroType, _ elements: AvroProjection, into slot: Int32
    ) throws(AvroError) {
        let program = try AvroProgram.compile(elements, for: items, in: schema)
        let collection = addCollection([items])
        lists.append(program)
        steps.append(
            .read(.list(Int32(lists.count - 1), collection: collection), slot: slot))
    }

    // MARK: Skipping

    private mutating func skip(_ type: AvroType) {
        if let size = size(of: type) {
            guard size > 0 else { return }
            if steps.count > barrier, case .skipFixed(let before)? = steps.last {
                let (sum, overflow) = before.addingReportingOverflow(size)
                if !overflow {
                    steps[steps.count - 1] = .skipFixed(sum)
                    return
                }
            }
            steps.append(.skipFixed(size))
            return
        }
        switch type {
        case .int, .long: skipInteger()
        case .bytes, .string: steps.append(.skipBytes)
        case .array(let items): steps.append(.skipCollection(addCollection([items])))
        case .map(let values): steps.append(.skipCollection(addCollection([.string, values])))
        case .union(let branches): skipUnion(branches)
        case .named(let index): skipDefinition(index)
        // These have a fixed size.
        case .null, .boolean, .float, .double: break
        }
    }

    private mutating func skipInteger() {
        if steps.count > barrier, case .skipIntegers(let before)? = steps.last {
            steps[steps.count - 1] = .skipIntegers(before + 1)
        } else {
            steps.append(.skipIntegers(1))
        }
    }

    private mutating func skipUnion(_ branches: [AvroType]) {
        emitUnion(branches, onNull: .nothing) { compiler, branch in compiler.skip(branch) }
    }

    private mutating func skipDefinition(_ index: Int) {
        switch schema.definitions[index].kind {
        case .enumeration: skipInteger()
        case .fixed(let size): steps.append(.skipFixed(size))
        case .record:
            // A call, because inlining a type wherever it is used can grow without bound.
            let part = part(for: [.named(index)])
            parts[part].callers.append(.step(steps.count))
            steps.append(.call(0))
        }
    }

    private mutating func addCollection(_ members: [AvroType]) -> Int32 {
        let shape = knownShape(of: members)
        collections.append(AvroCollection(shape: shape ?? .part(0)))
        let index = collections.count - 1
        if shape == nil {
            let part = part(for: members)
            parts[part].callers.append(.collection(index))
        }
        return Int32(index)
    }

    /// The shapes that have a loop of their own.
    private func knownShape(of members: [AvroType]) -> AvroCollection.Shape? {
        var flat = members
        if members.count == 1, case .named(let index) = members[0],
            case .record(let fields) = schema.definitions[index].kind
        {
            flat = fields.map(\.type)
        }
        if members.count == 1, let size = size(of: members[0]) { return .fixed(size) }
        if flat.allSatisfy({ $0 == .int || $0 == .long }) { return .integers(flat.count) }
        if flat.count == 2, flat[0] == .int || flat[0] == .long,
            flat[1] == .bytes || flat[1] == .string
        {
            return .integerAndBytes
        }
        return nil
    }

    // MARK: Parts and unions

    /// The part that steps over these types one after the other; one per record of the schema.
    private mutating func part(for types: [AvroType]) -> Int {
        if types.count == 1, case .named(let index) = types[0],
            case .record(let fields) = schema.definitions[index].kind
        {
            if let known = partOfDefinition[index] { return known }
            partOfDefinition[index] = parts.count
            parts.append((types: fields.map(\.type), callers: []))
        } else {
            parts.append((types: types, callers: []))
        }
        return parts.count - 1
    }

    /// Emits every part that is called; emitting one may add more.
    private mutating func emitParts() {
        var starts: [Int32] = []
        while starts.count < parts.count {
            barrier = steps.count
            let types = parts[starts.count].types
            starts.append(Int32(steps.count))
            for type in types { skip(type) }
            steps.append(.finish)
        }
        for (part, start) in zip(parts, starts) {
            for caller in part.callers {
                switch caller {
                case .step(let index): steps[index] = .call(start)
                case .collection(let index):
                    collections[index] = AvroCollection(shape: .part(start))
                }
            }
        }
    }

    private mutating func emitUnion<Failure: Error>(
        _ branches: [AvroType], onNull: NullBranch,
        each emit: (inout AvroCompiler, AvroType) throws(Failure) -> Void
    ) throws(Failure) {
        if branches.count == 2, let null = branches.firstIndex(of: .null), onNull == .nothing {
            let test = steps.count
            steps.append(.skipNull(nullBranch: Int64(null), end: 0))
            barrier = steps.count
            try emit(&self, branches[1 - null])
            steps[test] = .skipNull(nullBranch: Int64(null), end: Int32(steps.count))
            barrier = steps.count
            return
        }
        let first = branchStarts.count
        branchStarts.append(contentsOf: repeatElement(0, count: branches.count))
        steps.append(.branch(first: Int32(first), count: Int32(branches.count)))
        var exits: [Int] = []
        for (offset, branch) in branches.enumerated() {
            barrier = steps.count
            branchStarts[first + offset] = Int32(steps.count)
            try emit(&self, branch)
            exits.append(steps.count)
            steps.append(.jump(0))
        }
        barrier = steps.count
        for exit in exits { steps[exit] = .jump(Int32(steps.count)) }
    }

    private func size(of type: AvroType) -> Int? {
        type.size { schema.definitions[$0].size }
    }

    private func name(of slot: Int) -> String {
        let field = projection.fields[slot]
        return "\(field.names[0]) (field id \(field.id))"
    }

    private func mismatch(_ slot: Int?, isNo kind: String) -> AvroError {
        .schemaMismatch(reason: "\(slot.map(name) ?? "an element") is no \(kind)")
    }
}
