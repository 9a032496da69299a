// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging

/// What the server hands over with a request.
struct RequestScope: InitializableFromSource {
    let logger: Logger

    init(source: ApplicationRequestContextSource) { logger = source.logger }
}
