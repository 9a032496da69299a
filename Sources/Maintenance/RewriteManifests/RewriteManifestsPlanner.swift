// SPDX-License-Identifier: Apache-2.0

import AvroFormat
public import IcebergSpec
import IcebergTable

/// Decides which manifests of a table are written again.
///
/// Pure: metadata, the rows of the current manifest list and options in, a plan out.
///
/// Manifests are judged by what their entries take, which is their length less that of the head
/// that every manifest of the table has. A manifest between ``smallest`` and ``largest`` times the
/// target is good and stays. The others of each group are merged or split, if that leaves fewer
/// manifests or smaller ones. New manifests are between those bounds but for one in each group, so
/// a second run finds nothing to do.
public enum RewriteManifestsPlanner {
    /// The property that says how large manifests should be.
    public static let targetProperty = "commit.manifest.target-size-bytes"
    /// What it is where nobody says anything.
    public static let defaultTargetBytes: Int64 = 8 << 20
    /// The largest target that is honoured, since a manifest is held in memory while it is
    /// written.
    public static let maximumTargetBytes: Int64 = 128 << 20

    /// The share of the target below which a manifest is small.
    static let smallest = 0.4
    /// The multiple of the target above which a manifest is large.
    static let largest = 1.5

    /// Plans on the rows of the current manifest list.
    ///
    /// - Parameters:
    ///   - headBytes: the length of a manifest of a group without any entry.
    public static func plan(
        _ metadata: TableMetadata, manifests: [ManifestFile], options: RewriteManifestsOptions,
        headBytes: (ManifestGroupKey) -> Int64
    ) throws(RewriteManifestsRefusal) -> RewriteManifestsPlan {
        let target = try target(of: metadata)
        let orders = try orders(options, metadata)
        var keys: [ManifestGroupKey] = []
        var members: [ManifestGroupKey: [ManifestFile]] = [:]
        var emptied: [ManifestFile] = []
        for manifest in manifests {
            let specID = Int(manifest.partitionSpecID)
            guard metadata.partitionSpec(specID) != nil else {
                throw .unknownSpec(specID, of: manifest.path)
            }
            let key = ManifestGroupKey(specID: specID, content: manifest.content)
            guard options.specID == nil || options.specID == specID else { continue }
            guard manifest.mayHaveLiveFiles else {
                emptied.append(manifest)
                continue
            }
            if members[key] == nil { keys.append(key) }
            members[key, default: []].append(manifest)
        }
        let groups = keys.compactMap { key in
            ManifestGroupPlanner(
                key: key, manifests: members[key] ?? [], target: target,
                headBytes: headBytes(key), order: orders[key.specID],
                formatVersion: metadata.formatVersion
            ).group
        }
        let replaced = emptied.count + groups.reduce(0) { $0 + $1.sources.count }
        return RewriteManifestsPlan(
            targetBytes: target, groups: groups, emptied: emptied,
            keptCount: manifests.count - replaced, warnings: warnings(options))
    }

    /// Plans the same for manifests as this product writes them.
    public static func plan(
        _ metadata: TableMetadata, manifests: [ManifestFile],
        options: RewriteManifestsOptions = RewriteManifestsOptions()
    ) throws(RewriteManifestsRefusal) -> RewriteManifestsPlan {
        let keys = Set(
            manifests.lazy.filter(\.mayHaveLiveFiles).map {
                ManifestGroupKey(specID: Int($0.partitionSpecID), content: $0.content)
            })
        var heads: [ManifestGroupKey: Int64] = [:]
        // A spec that the table does not have is refused by the plan itself.
        for key in keys {
            heads[key] = try metadata.partitionSpec(key.specID).map {
                spec throws(RewriteManifestsRefusal) in
                try headBytes(spec, key.content, metadata)
            }
        }
        return try plan(metadata, manifests: manifests, options: options) { heads[$0] ?? 0 }
    }

    /// How long a manifest without any entry is.
    private static func headBytes(
        _ spec: PartitionSpec, _ content: ManifestContent, _ metadata: TableMetadata
    ) throws(RewriteManifestsRefusal) -> Int64 {
        let kind: ManifestKind
        do throws(UnknownPartitionType) {
            kind = try ManifestKind(of: metadata, spec: spec, content: content)
        } catch {
            throw .partition(error)
        }
        do throws(AvroError) { return Int64(try ManifestWriter(kind).byteCount) } catch {
            throw .partition(
                UnknownPartitionType(
                    specID: spec.id, field: "", reason: "cannot be written: \(error)"))
        }
    }

    private static func warnings(_ options: RewriteManifestsOptions) -> [String] {
        options.usesCaching
            ? ["use_caching has no effect here: the native engine caches nothing"] : []
    }

    /// The size that new manifests should have.
    static func target(
        of metadata: TableMetadata
    ) throws(RewriteManifestsRefusal) -> Int64 {
        let target: Int64
        do throws(UnreadableProperty) {
            target = try metadata.properties.int64(targetProperty) ?? defaultTargetBytes
        } catch {
            throw .property(error)
        }
        guard target > 0 else {
            throw .property(
                UnreadableProperty(
                    key: targetProperty, value: String(target), expected: "a positive integer"))
        }
        return min(target, maximumTargetBytes)
    }

    /// The order that was asked for, for each spec that has all of its fields.
    private static func orders(
        _ options: RewriteManifestsOptions, _ metadata: TableMetadata
    ) throws(RewriteManifestsRefusal) -> [Int: ClusterOrder] {
        if let id = options.specID, metadata.partitionSpec(id) == nil {
            throw .noSuchSpec(id, known: metadata.partitionSpecs.map(\.id))
        }
        guard !options.sortBy.isEmpty else { return [:] }
        let specs = metadata.partitionSpecs.filter {
            options.specID == nil || options.specID == $0.id
        }
        var found: [Int: ClusterOrder] = [:]
        for spec in specs {
            let names = spec.fields.map(\.name)
            let indices = options.sortBy.compactMap { names.firstIndex(of: $0) }
            guard indices.count == options.sortBy.count else { continue }
            do throws(UnknownPartitionType) {
                let types = try metadata.partitionType(of: spec).map(\.type)
                found[spec.id] = ClusterOrder(fields: indices, types: types)
            } catch {
                throw .partition(error)
            }
        }
        guard !found.isEmpty else {
            let known = specs.flatMap { $0.fields.map(\.name) }
            throw .noSuchField(options.sortBy, known: Set(known).sorted())
        }
        return found
    }
}

/// By which fields of a spec entries are to be clustered.
private struct ClusterOrder {
    /// Their indices.
    let fields: [Int]
    /// The types of all fields of the spec.
    let types: [PrimitiveType]
}

/// Plans for the manifests of one group.
private struct ManifestGroupPlanner {
    let key: ManifestGroupKey
    let manifests: [ManifestFile]
    let target: Int64
    let headBytes: Int64
    let order: ClusterOrder?
    let formatVersion: FormatVersion

    /// What is rewritten; nil if nothing is gained.
    var group: ManifestGroup? {
        if isUnclustered { return group(of: manifests, .clusters) }
        let candidates = manifests.filter { isSmall($0) || isLarge($0) || isIncomplete($0) }
        if candidates.contains(where: isIncomplete) { return group(of: candidates, .completes) }
        if candidates.contains(where: isLarge) { return group(of: candidates, .splits) }
        guard expectedCount(candidates) < candidates.count else { return nil }
        return group(of: candidates, .consolidates)
    }

    private func group(of sources: [ManifestFile], _ reason: ManifestGroup.Reason) -> ManifestGroup
    {
        ManifestGroup(
            key: key, sources: sources, expectedCount: expectedCount(sources), reason: reason,
            sortFields: order?.fields ?? [])
    }

    private func payload(_ manifest: ManifestFile) -> Int64 { max(0, manifest.length - headBytes) }

    private func expectedCount(_ sources: [ManifestFile]) -> Int {
        let total = sources.reduce(0.0) { $0 + Double(payload($1)) }
        return max(1, Int((total / Double(target)).rounded(.up)))
    }

    private func isSmall(_ manifest: ManifestFile) -> Bool {
        Double(payload(manifest)) < RewriteManifestsPlanner.smallest * Double(target)
    }

    /// Whether it can be split into manifests of the right size: a few huge entries cannot.
    private func isLarge(_ manifest: ManifestFile) -> Bool {
        guard Double(payload(manifest)) > RewriteManifestsPlanner.largest * Double(target) else {
            return false
        }
        return (manifest.entryCount ?? .max) >= Int64(2 * expectedCount([manifest]))
    }

    /// Whether a list of this table's format version could not name it as it is.
    private func isIncomplete(_ manifest: ManifestFile) -> Bool {
        if manifest.addedSnapshotID == nil { return true }
        guard formatVersion > .v1 else { return false }
        return manifest.entryCount == nil || manifest.addedRowsCount == nil
            || manifest.existingRowsCount == nil || manifest.deletedRowsCount == nil
    }

    /// Whether an order was asked for and the manifests' ranges of its first field overlap.
    private var isUnclustered: Bool {
        guard let order, let first = order.fields.first, manifests.count > 1 else { return false }
        let type = order.types[first]
        var ranges: [(lower: PartitionValue?, upper: PartitionValue?)] = []
        for manifest in manifests {
            guard let partitions = manifest.partitions, first < partitions.count else {
                return true
            }
            let summary = partitions[first]
            let lower = summary.lowerBound.flatMap { PartitionValue(serialized: $0, as: type) }
            let upper = summary.upperBound.flatMap { PartitionValue(serialized: $0, as: type) }
            // Nulls come first.
            ranges.append((summary.containsNull ? nil : lower, upper))
        }
        ranges.sort { left, right in
            if precedes(left.lower, right.lower) { return true }
            return !precedes(right.lower, left.lower) && precedes(left.upper, right.upper)
        }
        return zip(ranges, ranges.dropFirst()).contains { precedes($1.lower, $0.upper) }
    }

    private func precedes(_ left: PartitionValue?, _ right: PartitionValue?) -> Bool {
        guard let right else { return false }
        return left.map { $0.precedes(right) } ?? true
    }
}

/// Why manifests cannot be rewritten as asked; nothing was changed.
public enum RewriteManifestsRefusal: Error, Hashable, Sendable {
    /// A table property that decides about manifests cannot be read.
    case property(UnreadableProperty)
    /// `spec_id` names no spec of the table.
    case noSuchSpec(Int, known: [Int])
    /// `sort_by` names fields that no spec has.
    case noSuchField([String], known: [String])
    /// A spec whose tuples are not understood cannot be sorted.
    case partition(UnknownPartitionType)
    /// A manifest belongs to a spec that the table does not have.
    case unknownSpec(Int, of: String)
}

extension RewriteManifestsRefusal: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .property(let error): error.description
        case .noSuchSpec(let id, let known):
            "spec_id is \(id), and the table has the partition specs "
                + known.map { String($0) }.joined(separator: ", ")
        case .noSuchField(let names, let known):
            "sort_by is \(names.joined(separator: ", ")), and "
                + (known.isEmpty
                    ? "the table has no partition fields"
                    : "the partition fields are \(known.joined(separator: ", "))")
        case .partition(let error): error.description
        case .unknownSpec(let id, let path):
            "the manifest \(path) has the partition spec \(id), which the table does not have"
        }
    }
}
