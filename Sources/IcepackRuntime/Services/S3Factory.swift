// SPDX-License-Identifier: Apache-2.0

import S3Storage

extension Configuration {
    /// The region where nothing names one, as Iceberg's and AWS's own tools have it.
    static let usualRegion = "us-east-1"

    /// The store behind `s3`, `s3a` and `s3n` locations.
    ///
    /// - Throws: ``StartupFailure`` when AWS's environment names an endpoint that is none, or files
    ///   that cannot be read.
    func makeS3Storage() throws(StartupFailure) -> S3Storage {
        let environment = CredentialsEnvironment(variables: values.aws)
        return S3Storage(
            try s3Settings(environment),
            credentials: CredentialsCache(CredentialsChain(environment)))
    }

    /// The settings of that store.
    func s3Settings(_ environment: CredentialsEnvironment) throws(StartupFailure) -> S3Settings {
        let region = try awsRegion()
        var settings = S3Settings(endpoint: try s3Endpoint(environment, region), region: region)
        switch s3.conditionalWrites {
        case .proven: settings.conditionalWrites = .proven
        case .lookFirst: settings.conditionalWrites = .lookFirst
        }
        settings.trustedCertificates = environment.trustedCertificates
        return settings
    }

    private func s3Endpoint(
        _ environment: CredentialsEnvironment, _ region: String
    ) throws(StartupFailure) -> S3Endpoint {
        guard let url = s3.endpoint ?? environment.s3EndpointURL else {
            return S3Endpoint(region: region, style: s3.isPathStyle == true ? .path : .virtualHost)
        }
        do throws(S3Endpoint.Invalid) {
            // Few stores of one's own have a host name for every bucket.
            return try S3Endpoint(url: url, style: s3.isPathStyle == false ? .virtualHost : .path)
        } catch {
            throw StartupFailure("the endpoint of S3 in AWS_ENDPOINT_URL or _S3 \(error)")
        }
    }
}
