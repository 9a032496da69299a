// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import WireFormat

/// What both file rewrites are told: sizes, and which groups are worth rewriting.
public struct GroupSettings: Hashable, Sendable {
    /// In which order groups are rewritten.
    public enum JobOrder: String, CaseIterable, Hashable, Sendable {
        /// The smallest group first.
        case bytesAscending = "bytes-asc"
        /// The largest group first.
        case bytesDescending = "bytes-desc"
        /// The group with the fewest files first.
        case filesAscending = "files-asc"
        /// The group with the most files first.
        case filesDescending = "files-desc"
        /// As planned.
        case none
    }

    /// The sizes aimed at.
    public var sizes: FileSizes
    /// How many files make a group worth rewriting.
    public var minInputFiles: EffectiveValue<Int64>
    /// Whether files are rewritten whatever their size.
    public var rewritesAll: EffectiveValue<Bool>
    /// The most bytes in a group, unless a single file has more.
    public var maxGroupBytes: EffectiveValue<Int64>
    /// The most files in a group.
    public var maxGroupFiles: EffectiveValue<Int64>
    /// In which order groups are rewritten.
    public var jobOrder: EffectiveValue<JobOrder>

    /// `min-input-files` where nobody says anything.
    public static let defaultMinInputFiles: Int64 = 5
    /// `max-file-group-size-bytes` where nobody says anything.
    public static let defaultMaxGroupBytes: Int64 = 107_374_182_400

    /// Settings for sizes; the rest as Iceberg has it.
    public init(sizes: FileSizes) {
        self.sizes = sizes
        minInputFiles = EffectiveValue(Self.defaultMinInputFiles, .byDefault)
        rewritesAll = EffectiveValue(false, .byDefault)
        maxGroupBytes = EffectiveValue(Self.defaultMaxGroupBytes, .byDefault)
        maxGroupFiles = EffectiveValue(.max, .byDefault)
        jobOrder = EffectiveValue(.none, .byDefault)
    }

    /// Reads what an action's options say; where they do not, `policy` decides, then Iceberg.
    init(
        sizes: FileSizes, options: ActionOptions, minInputFiles: EffectiveValue<Int64>? = nil,
        rewritesAll: EffectiveValue<Bool>? = nil
    ) {
        self.init(sizes: sizes)
        self.minInputFiles =
            options.requested("min-input-files") ?? minInputFiles ?? self.minInputFiles
        if let value = options.boolean("rewrite-all") {
            self.rewritesAll = EffectiveValue(value, .request)
        } else if let rewritesAll {
            self.rewritesAll = rewritesAll
        }
        maxGroupBytes = options.requested("max-file-group-size-bytes") ?? maxGroupBytes
        maxGroupFiles = options.requested("max-file-group-input-files") ?? maxGroupFiles
        if let word = options.text("rewrite-job-order"), let order = JobOrder(rawValue: word) {
            jobOrder = EffectiveValue(order, .request)
        }
    }
}

extension ActionOptions {
    /// A whole number that the request gives.
    func requested(_ name: String) -> EffectiveValue<Int64>? {
        values[name]?.int64Value.map { EffectiveValue($0, .request) }
    }

    /// A number that the request gives.
    func requestedFraction(_ name: String) -> EffectiveValue<Double>? {
        values[name]?.doubleValue.map { EffectiveValue($0, .request) }
    }

    /// The text of an option.
    func text(_ name: String) -> String? { values[name]?.stringValue }

    /// The sizes that the request gives, around a target that it may give too.
    func sizes(
        defaultTarget: EffectiveValue<Int64>
    ) throws(RewriteRefusal) -> FileSizes {
        try FileSizes(
            target: requested("target-file-size-bytes") ?? defaultTarget,
            minimum: requested("min-file-size-bytes"),
            maximum: requested("max-file-size-bytes"))
    }

    /// The files that `where` selects; nil for all.
    func filter(_ metadata: TableMetadata) throws(RewriteRefusal) -> RowFilter? {
        guard let text = text("where") else { return nil }
        do throws(ConditionError) {
            return try RowFilter(Condition(parsing: text), metadata: metadata)
        } catch {
            throw .condition(error)
        }
    }
}

extension TableProperties {
    /// A positive size, or nil when the property is absent.
    func fileSize(_ key: String) throws(RewriteRefusal) -> EffectiveValue<Int64>? {
        do throws(UnreadableProperty) {
            guard let size = try int64(key) else { return nil }
            guard size > 0 else {
                throw UnreadableProperty(
                    key: key, value: String(size), expected: "a number of bytes above 0")
            }
            return EffectiveValue(size, .tableProperty(key))
        } catch {
            throw .property(error)
        }
    }
}
