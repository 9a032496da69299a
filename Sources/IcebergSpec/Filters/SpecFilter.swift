// SPDX-License-Identifier: Apache-2.0

/// A filter on rows made ready for the manifests and files of one partition spec.
package struct SpecFilter: Hashable, Sendable {
    /// What a partition field tells of a test.
    private struct Projection: Hashable, Sendable {
        /// The place of the partition field in its spec.
        let place: Int
        let question: ColumnQuestion
    }

    private let filter: RowFilter
    /// Those of each test, by its place.
    private let projections: [[Projection]]
    /// The types of the values of the spec's fields; nil for those that no test is about.
    package let types: [PrimitiveType?]

    /// Projects a filter through the transforms of a spec.
    package init(_ filter: RowFilter, _ spec: PartitionSpec) {
        self.filter = filter
        var projections = filter.tests.map { _ in [Projection]() }
        var types: [PrimitiveType?] = spec.fields.map { _ in nil }
        for (place, field) in spec.fields.enumerated() {
            for (index, test) in filter.tests.enumerated()
            where field.sourceIDs == [test.fieldID] && test.decidesPartitions {
                guard let type = test.type,
                    let question = test.question.projected(through: field.transform, type)
                else { continue }
                types[place] = field.transform.resultType(of: type)
                projections[index].append(Projection(place: place, question: question))
            }
        }
        self.types = types
        self.projections = projections
    }

    /// Whether a manifest with such summaries may list a file that may pass.
    package func mayPass(_ summaries: [PartitionFieldSummary]?) -> Bool {
        guard let summaries, summaries.count == types.count else { return true }
        let evidence = zip(summaries, types).map { ValueEvidence($0, $1) }
        return mayPass(evidence) { _ in true }
    }

    /// Whether a file may hold a row that passes.
    ///
    /// - Parameters:
    ///   - partition: What is known of the fields of its partition tuple, in order.
    ///   - columns: What is known of its columns, by field id; nil where nothing is.
    package func mayPass(
        partition: [ValueEvidence], columns: (Int) -> ValueEvidence?
    ) -> Bool {
        mayPass(partition) { test in
            columns(test.fieldID)?.mayPass(test.question) ?? true
        }
    }

    private func mayPass(
        _ partition: [ValueEvidence], _ columns: (RowFilter.Test) -> Bool
    ) -> Bool {
        filter.mayPass { index in
            let isPossible = projections[index].allSatisfy { projection in
                guard partition.indices.contains(projection.place) else { return true }
                return partition[projection.place].mayPass(projection.question)
            }
            return isPossible && columns(filter.tests[index])
        }
    }
}

extension ValueEvidence {
    /// What a manifest list says of a partition field.
    fileprivate init(_ summary: PartitionFieldSummary, _ type: PrimitiveType?) {
        self.init()
        guard let type else { return }
        mayBeNull = summary.containsNull
        mayBeNaN = type.hasNaN && summary.containsNaN ?? true
        bound(
            lower: summary.lowerBound.flatMap { OrderedValue(bound: $0, of: type) },
            upper: summary.upperBound.flatMap { OrderedValue(bound: $0, of: type) })
    }
}

extension PrimitiveType {
    /// Whether its values may be NaN.
    package var hasNaN: Bool { self == .float || self == .double }
}
