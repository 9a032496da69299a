// SPDX-License-Identifier: Apache-2.0

/// A setting's value and where it came from.
public struct EffectiveValue<Value: Hashable & Sendable>: Hashable, Sendable {
    /// The value.
    public let value: Value
    /// Where it came from.
    public let origin: ValueOrigin

    /// Pairs a value with its origin.
    public init(_ value: Value, _ origin: ValueOrigin) {
        self.value = value
        self.origin = origin
    }
}

/// Where a setting's value came from, from the one that wins to the one that gives way.
public enum ValueOrigin: Hashable, Sendable {
    /// The request's options.
    case request
    /// A table property of this product, named in full.
    case policy(property: String)
    /// A table property of Iceberg, named in full.
    case tableProperty(String)
    /// The service's environment, by the name of the variable.
    case environment(String)
    /// The service's configuration file, by the name of the key.
    case file(String)
    /// Nobody said anything.
    case byDefault

    /// The origin as plans and recommendations show it.
    public var text: String {
        switch self {
        case .request: "request"
        case .policy(let property): "policy \(property)"
        case .tableProperty(let property): "table property \(property)"
        case .environment(let key): "environment \(key)"
        case .file(let key): "file \(key)"
        case .byDefault: "default"
        }
    }
}
