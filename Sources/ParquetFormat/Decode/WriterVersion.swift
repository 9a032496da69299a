// SPDX-License-Identifier: Apache-2.0

/// Which program wrote a file, as far as its mistakes matter.
struct WriterVersion: Hashable {
    let application: String
    let major: Int
    let minor: Int
    let patch: Int

    /// Reads `application version 1.2.3 (build …)`.
    init(_ createdBy: String?) {
        let words = (createdBy ?? "").split(separator: " ", maxSplits: 3)
        guard words.count >= 3, words[1] == "version" else {
            application = words.first.map(String.init) ?? ""
            (major, minor, patch) = (0, 0, 0)
            return
        }
        application = String(words[0])
        let numbers = words[2].split(separator: ".").prefix(3).map { Int($0) ?? 0 }
        major = numbers.first ?? 0
        minor = numbers.count > 1 ? numbers[1] : 0
        patch = numbers.count > 2 ? numbers[2] : 0
    }

    /// Pages of such files do not stand alone (PARQUET-246).
    var hasBrokenDeltaByteArrays: Bool {
        application == "parquet-mr" && (major, minor) < (1, 8)
    }

    /// The sizes of their column chunks lack the header of the dictionary page (PARQUET-816).
    var understatesChunkSizes: Bool {
        application == "parquet-mr" && (major, minor, patch) < (1, 2, 9)
    }
}
