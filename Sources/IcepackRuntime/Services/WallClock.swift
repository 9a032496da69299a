// SPDX-License-Identifier: Apache-2.0

import Foundation
package import WireFormat

extension Timestamp {
    /// What this machine's clock says, for logs and for the ages that tables are judged by; leases
    /// use the store's clock.
    package static var now: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }
}
