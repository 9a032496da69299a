// SPDX-License-Identifier: Apache-2.0

/// The name of a job: 32 lower-case hexadecimal characters, a version 4 UUID without dashes.
public struct JobID: Hashable, Sendable, CustomStringConvertible {
    /// The 32 characters.
    public let rawValue: String

    /// Checks a text from outside; nil if it is not 32 lower-case hexadecimal characters.
    public init?(_ text: String) {
        guard HexIdentifier.isValid(text) else { return nil }
        rawValue = text
    }

    /// A new random name.
    public init(using generator: inout some RandomNumberGenerator) {
        rawValue = HexIdentifier.random(using: &generator)
    }

    /// A new random name from the system's generator.
    public static func random() -> JobID {
        var generator = SystemRandomNumberGenerator()
        return JobID(using: &generator)
    }

    /// The text form, for logs and messages.
    public var description: String { rawValue }
}

/// The fence: a new one for every claim of a job.
///
/// 32 lower-case hexadecimal characters.
public struct AttemptID: Hashable, Sendable, CustomStringConvertible {
    /// The 32 characters.
    public let rawValue: String

    /// Checks a text from outside; nil if it is not 32 lower-case hexadecimal characters.
    public init?(_ text: String) {
        guard HexIdentifier.isValid(text) else { return nil }
        rawValue = text
    }

    /// A new random fence.
    public init(using generator: inout some RandomNumberGenerator) {
        rawValue = HexIdentifier.random(using: &generator)
    }

    /// A new random fence from the system's generator.
    public static func random() -> AttemptID {
        var generator = SystemRandomNumberGenerator()
        return AttemptID(using: &generator)
    }

    /// The text form, for logs and messages.
    public var description: String { rawValue }
}

/// A job that a worker holds, and the proof that it does.
///
/// Every write about a running job takes a claim, never a bare ``JobID``, so a worker that
/// outslept its lease has nothing with which to overwrite its successor.
public struct Claim: Hashable, Sendable {
    /// The job that is held.
    public let jobID: JobID
    /// The tenancy under which it is held.
    public let attemptID: AttemptID

    /// Pairs a job with a fence.
    public init(jobID: JobID, attemptID: AttemptID) {
        self.jobID = jobID
        self.attemptID = attemptID
    }
}

/// Who claims: `host:pid:slot`, for people who read `job_queue.claimed_by`; no decision rests on
/// it.
public struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    /// The text.
    public let rawValue: String

    /// Takes any text.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// The text form, for logs and messages.
    public var description: String { rawValue }
}

/// Shared by the two identifier types.
private enum HexIdentifier {
    static func isValid(_ text: String) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    static func random(using generator: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef")
        var high = UInt64.random(in: .min ... .max, using: &generator)
        var low = UInt64.random(in: .min ... .max, using: &generator)
        // RFC 9562 section 5.4: version 4, variant 10.
        high = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return String(
            [high, low].flatMap { word in
                stride(from: 60, through: 0, by: -4).map { digits[Int(word >> UInt64($0) & 0xF)] }
            })
    }
}
