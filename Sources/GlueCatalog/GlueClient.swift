// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import IcebergCatalog
import WireFormat

/// Speaks Glue's protocol, AWS JSON 1.1: a POST for each operation.
final class GlueClient: Sendable {
    /// Tries of a call that changes nothing.
    static let tries = 4
    /// The first pause between them, which then doubles.
    static let firstPause = Duration.milliseconds(200)
    /// The most bytes of a reply: a page of tables, each with its columns.
    static let replyBytes = 64 << 20

    private let settings: GlueCatalogSettings
    private let exchanger: HTTPExchanger
    private let pause: @Sendable (Duration) async throws -> Void

    init(
        _ settings: GlueCatalogSettings, pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.settings = settings
        self.pause = pause
        exchanger = HTTPExchanger(settings.exchange)
    }

    /// The reply to an operation that changes nothing, tried again while that may help.
    func look(
        _ operation: String, _ arguments: JSONObject
    ) async throws(GlueFailure) -> JSONObject {
        var random = SystemRandomNumberGenerator()
        var tries = 0
        while true {
            let failure: GlueFailure
            do throws(GlueFailure) {
                return try await call(operation, arguments, under: .open)
            } catch {
                failure = error
            }
            tries += 1
            guard failure.isPassing, tries < Self.tries, !Task.isCancelled else { throw failure }
            let span = Self.firstPause * (1 << (tries - 1))
            do { try await pause(span * Double.random(in: 0.5...1, using: &random)) } catch {
                // Only a cancelled task's pause fails.
                throw failure
            }
        }
    }

    /// The reply to an operation, which is sent once; the guard is asked right before.
    func call(
        _ operation: String, _ arguments: JSONObject, under commitGuard: CommitGuard
    ) async throws(GlueFailure) -> JSONObject {
        var arguments = arguments
        if let id = settings.catalogID { arguments["CatalogId"] = .string(id) }
        var call = HTTPCall(
            "POST", settings.endpoint + "/",
            headers: [
                HTTPField("Content-Type", "application/x-amz-json-1.1"),
                HTTPField("X-Amz-Target", "AWSGlue.\(operation)"),
            ], body: JSONValue.object(arguments).bytes())
        do throws(SigningFailure) { call.headers += try await settings.signing(call) } catch {
            switch error {
            case .unavailable(let reason): throw .notSent(reason: reason)
            case .denied(let reason): throw .notAllowed(reason: reason)
            }
        }
        guard commitGuard.isOpen() else { throw .guardClosed }
        let answer: HTTPAnswer
        do throws(HTTPFailure) {
            answer = try await exchanger.send(call, limit: Self.replyBytes)
        } catch {
            throw GlueFailure(error)
        }
        guard answer.isSuccess else { throw GlueFailure(answer) }
        do throws(JSONSyntaxError) {
            // Some operations answer with nothing.
            guard !answer.body.isEmpty else { return JSONObject() }
            return try JSONValue(parsing: answer.body).objectValue ?? JSONObject()
        } catch {
            throw .nonsense(reason: "Glue's reply is no JSON: \(error)")
        }
    }
}
