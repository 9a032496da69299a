// SPDX-License-Identifier: Apache-2.0

import Foundation
import WireFormat

extension Timestamp {
    /// What this machine's clock says.
    static var now: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
