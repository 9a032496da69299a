// SPDX-License-Identifier: Apache-2.0

/// A request did not arrive whole in the time it had.
struct RequestReadTimeout: Error {}
