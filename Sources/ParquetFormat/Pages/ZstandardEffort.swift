// SPDX-License-Identifier: Apache-2.0

/// Which level of Zstandard the pages of a column are compressed with: the one that is asked for,
/// or the first where that makes them no larger.
///
/// Random digits and numbers that hardly repeat become no smaller by a longer search, and some even
/// larger, while it takes two to four times as long. Now and then a page is compressed both ways,
/// and what served it serves the pages that follow.
struct ZstandardEffort {
    /// How a page is compressed.
    enum Step: Hashable {
        /// With this level.
        case level(Int32)
        /// With both, to keep what is smaller.
        case both(Int32, quick: Int32)
    }

    private let wanted: Int32
    private var isQuick = false
    /// How many pages come before the next that is compressed both ways.
    private var pagesToTrial = 1
    private var interval = Self.firstInterval
    /// Whether the page before was compressed to so little that there is nothing to gain.
    private var isEasy = false

    private static let quick: Int32 = 1
    /// Smaller pages cost little, and larger ones are not held twice.
    private static let sizes = (16 << 10)...PageBody.largeSize
    private static let firstInterval = 16

    init(level: Int32) { wanted = level }

    /// What to do with a page of so many bytes.
    mutating func next(_ size: Int) -> Step {
        guard wanted > Self.quick, Self.sizes.contains(size) else { return .level(wanted) }
        if pagesToTrial == 0, !isEasy { return .both(wanted, quick: Self.quick) }
        pagesToTrial = max(pagesToTrial - 1, 0)
        return .level(isQuick ? Self.quick : wanted)
    }

    /// Takes to how much a page was compressed.
    mutating func note(_ size: Int, stored: Int) { isEasy = stored < size / 4 }

    /// Takes how large both ways made a page.
    mutating func note(wanted: Int, quick: Int) {
        let wasQuick = isQuick
        isQuick = quick <= wanted
        // What was so twice will hardly change.
        interval = isQuick == wasQuick ? interval * 2 : Self.firstInterval
        pagesToTrial = interval - 1
    }
}
