// SPDX-License-Identifier: Apache-2.0

import HTTPExchange

/// Sends one HTTP request and tells what became of it; never sends one twice.
struct HTTPTransport: Sendable {
    private let exchanger: HTTPExchanger

    init(_ settings: S3Settings) {
        var exchange = HTTPExchanger.Settings()
        exchange.connectLimit = settings.connectLimit
        exchange.silenceLimit = settings.silenceLimit
        exchange.callLimit = settings.callLimit
        exchange.connectionsPerHost = settings.connectionsPerHost
        exchange.trustedCertificates = settings.trustedCertificates
        exchange.addressOverrides = settings.addressOverrides
        exchanger = HTTPExchanger(exchange)
    }

    /// The answer's head; its body is read through the reply.
    ///
    /// - Parameter limit: How long until the head must be there, if shorter than usual.
    func send(_ call: HTTPCall, limit: Duration? = nil) async throws(CallFailure) -> HTTPReply {
        do throws(HTTPFailure) {
            let response = try await exchanger.open(call, limit: limit)
            return HTTPReply(response, isHead: call.method == "HEAD")
        } catch {
            throw CallFailure(error)
        }
    }
}

extension CallFailure {
    init(_ failure: HTTPFailure) {
        switch failure {
        case .notSent(let reason): self = .notSent(reason: reason)
        case .broken(let reason): self = .broken(reason: reason)
        case .tooLarge: self = .tooLarge
        case .cancelled: self = .cancelled
        }
    }
}
