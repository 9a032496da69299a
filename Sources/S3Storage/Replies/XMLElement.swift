// SPDX-License-Identifier: Apache-2.0

/// An element of a server's answer, with the text directly in it.
///
/// Attributes are left out: nothing in S3's answers is said in one.
struct XMLElement: Hashable, Sendable {
    let name: String
    var text = ""
    var children: [XMLElement] = []

    /// Why bytes are no answer.
    struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        let description: String
    }

    init(name: String) { self.name = name }

    init(parsing bytes: [UInt8]) throws(Invalid) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Invalid(description: "it is not UTF-8")
        }
        var reader = XMLReader(bytes)
        self = try reader.document()
    }

    /// The first child of that name.
    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// All children of that name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }
}
