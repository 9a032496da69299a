// SPDX-License-Identifier: Apache-2.0

/// Whether pages of values, which could move as they are, are worth being compressed anew.
///
/// How small Zstandard makes a page depends on the writer's version and settings as well: of
/// numbers in sequences one writer's pages are half as large again as another's. Now and then a
/// page is compressed anew, and what that saves decides about those that follow.
struct CompressionProbe {
    private var paysOff = false
    /// Whether the page at hand decides about others.
    private var isTrial = false
    private var hasTried = false
    private var pagesToTrial = 0
    private var interval = Self.firstInterval

    private static let firstInterval = 16
    /// Small pages are gathered anyway, and large ones are not held twice.
    static let sizes = (16 << 10)...PageBody.largeSize

    /// Whether the next page is compressed anew, of so many bytes before it was compressed.
    mutating func next(_ size: Int) -> Bool {
        isTrial = false
        guard Self.sizes.contains(size) else { return false }
        isTrial = pagesToTrial == 0
        // Also where nothing will be noted of the page, because it is written in another way.
        pagesToTrial = (isTrial ? interval : pagesToTrial) - 1
        return isTrial || paysOff
    }

    /// Takes how large the page at hand became, and how large it was.
    mutating func note(stored: Int, before: Int) {
        guard isTrial else { return }
        let didPay = paysOff
        // A tenth less is what a rewrite promises at most to add.
        paysOff = stored * 10 <= before * 9
        interval = hasTried && paysOff == didPay ? interval * 2 : Self.firstInterval
        (hasTried, isTrial, pagesToTrial) = (true, false, interval - 1)
    }
}
