// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Why a request to the service did not get its answer.
enum ClientFailure: Error, CustomStringConvertible {
    /// The service answered with a problem document.
    case problem(status: Int, code: String?, detail: String, body: JSONValue)
    /// The service could not be reached or broke off.
    case unreachable(url: String, reason: String)
    /// What answered does not speak the contract.
    case unexpected(reason: String)

    var description: String {
        switch self {
        case .problem(_, let code, let detail, _): detail + (code.map { " [\($0)]" } ?? "")
        case .unreachable(let url, let reason):
            "no answer from \(url): \(reason). Is `icepack serve` running, "
                + "and is ICEPACK_API_URL right?"
        case .unexpected(let reason): reason
        }
    }

    var exitStatus: ExitStatus {
        switch self {
        case .problem(let status, _, _, _): status == 409 || status == 503 ? .tryLater : .refused
        case .unreachable, .unexpected: .unavailable
        }
    }
}
