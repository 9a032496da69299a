// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The validated options of one action; null members are left out.
public struct ActionOptions: Hashable, Sendable {
    /// The options by their published names, in the request's order.
    public let values: JSONObject

    /// Takes options that are known to be valid.
    package init(validated values: JSONObject) { self.values = values }

    /// No options.
    public static let none = ActionOptions(validated: JSONObject())
}
