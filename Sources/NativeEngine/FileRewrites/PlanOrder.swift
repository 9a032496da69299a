// SPDX-License-Identifier: Apache-2.0

/// Brings what comes in any order back into that of the plan.
struct PlanOrder<Element> {
    private var early: [Int: Element] = [:]
    private var place = 0

    /// What came before its turn.
    var waiting: [Element] { Array(early.values) }

    /// Takes what belongs at a place, each once.
    mutating func add(_ element: Element, at place: Int) { early[place] = element }

    /// The next in order, if it is there.
    mutating func next() -> Element? {
        guard let element = early.removeValue(forKey: place) else { return nil }
        place += 1
        return element
    }
}
