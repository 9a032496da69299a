// SPDX-License-Identifier: Apache-2.0

import S3Storage

extension Configuration {
    /// What is configured of the S3 API beside AWS's own environment.
    public struct S3Options: Hashable, Sendable {
        /// What the store is known to make of conditional writes.
        public enum ConditionalWrites: String, CaseIterable, Hashable, Sendable {
            /// It keeps to them, as is put to the test.
            case proven
            /// It ignores them: look first, and trust that nobody else writes.
            case lookFirst = "look-first"
        }

        /// Where the store answers; nil for Amazon's endpoint, unless AWS's environment names one.
        public let endpoint: String?
        /// Whether the bucket goes into the path; nil where the endpoint decides.
        public let isPathStyle: Bool?
        /// What the store is known to make of conditional writes.
        public let conditionalWrites: ConditionalWrites
    }

    static func readS3(_ reader: inout ConfigurationReader) -> S3Options {
        let endpoint = reader.text(.s3Endpoint)
        if let endpoint {
            do throws(S3Endpoint.Invalid) { _ = try S3Endpoint(url: endpoint) } catch {
                reader.fail(.s3Endpoint, "\(error)")
            }
        }
        let isPathStyle = reader.text(.s3PathStyle) == nil ? nil : reader.boolean(.s3PathStyle)
        return S3Options(
            endpoint: endpoint, isPathStyle: isPathStyle,
            conditionalWrites: reader.choice(.s3ConditionalWrites, .proven))
    }
}
