// SPDX-License-Identifier: Apache-2.0

/// Which sizes a rewrite aims at, and which files are out of size.
public struct FileSizes: Hashable, Sendable {
    /// The size that files should have.
    public let target: EffectiveValue<Int64>
    /// Files below this are too small.
    public let minimum: EffectiveValue<Int64>
    /// Files above this are too large.
    public let maximum: EffectiveValue<Int64>

    /// The smallest size that is not too small, as a part of the target.
    static let minimumRatio = 0.75
    /// The largest size that is not too large, as a part of the target.
    static let maximumRatio = 1.80
    /// What every piece of input is counted more, for what a file holds besides its rows.
    static let splitOverhead: Int64 = 5 * 1024

    /// Takes sizes; those left out follow from the target.
    ///
    /// - Throws: ``RewriteRefusal/contradiction(_:)`` unless minimum, target and maximum ascend:
    ///   every file that was written would be out of size again.
    public init(
        target: EffectiveValue<Int64>, minimum: EffectiveValue<Int64>? = nil,
        maximum: EffectiveValue<Int64>? = nil
    ) throws(RewriteRefusal) {
        self.target = target
        self.minimum =
            minimum
            ?? EffectiveValue(Self.scaled(target.value, by: Self.minimumRatio), .byDefault)
        self.maximum =
            maximum
            ?? EffectiveValue(Self.scaled(target.value, by: Self.maximumRatio), .byDefault)
        guard self.minimum.value < target.value else {
            throw .contradiction(
                "min-file-size-bytes (\(self.minimum.value), \(self.minimum.origin.text)) must be "
                    + "below target-file-size-bytes (\(target.value), \(target.origin.text))")
        }
        guard target.value < self.maximum.value else {
            throw .contradiction(
                "target-file-size-bytes (\(target.value), \(target.origin.text)) must be below "
                    + "max-file-size-bytes (\(self.maximum.value), \(self.maximum.origin.text))")
        }
    }

    private init(trustedTarget target: Int64) {
        self.target = EffectiveValue(target, .byDefault)
        minimum = EffectiveValue(Self.scaled(target, by: Self.minimumRatio), .byDefault)
        maximum = EffectiveValue(Self.scaled(target, by: Self.maximumRatio), .byDefault)
    }

    /// The sizes of data files where nobody says anything.
    public static let standard = FileSizes(
        trustedTarget: RewriteDataFilesSettings.defaultTargetSize)

    private static func scaled(_ size: Int64, by ratio: Double) -> Int64 {
        Int64(clampingDouble: Double(size) * ratio)
    }

    /// Whether a file of this size is too small or too large.
    public func isOutOfSize(_ size: Int64) -> Bool {
        size < minimum.value || size > maximum.value
    }

    /// How large a written file may become: the target and half of the way to the maximum.
    public var largestOutput: Int64 {
        Int64(
            clampingDouble: Double(target.value) + Double(maximum.value - target.value) * 0.5)
    }

    /// How many files a group of this size becomes.
    ///
    /// A remainder that is too small for a file of its own is spread over the others, as long as
    /// that makes them at most a tenth larger than the target.
    public func expectedOutputFiles(_ inputSize: Int64) -> Int64 {
        guard inputSize >= target.value else { return 1 }
        let without = inputSize / target.value
        let remainder = inputSize % target.value
        let with = without + (remainder > 0 ? 1 : 0)
        if remainder > minimum.value { return with }
        let average = inputSize / without
        return Double(average) < min(1.1 * Double(target.value), Double(largestOutput))
            ? without : with
    }

    /// How much of a group's input goes into one output file.
    public func inputSplitSize(_ inputSize: Int64) -> Int64 {
        let estimate = inputSize / expectedOutputFiles(inputSize) + Self.splitOverhead
        return estimate < target.value ? target.value : min(estimate, largestOutput)
    }
}

extension Int64 {
    /// The number without its fraction, or the nearest that there is.
    init(clampingDouble value: Double) {
        self = value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value)
    }
}
