// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TidyRules

/// Each rule with a sample that breaks it and one that does not.
@Suite struct RuleTests {
    private let header = "// SPDX-License-Identifier: Apache-2.0\n"

    /// The names of the rules that a text breaks.
    private func broken(_ text: String, path: String = "Sources/Jobs/A.swift") -> [String] {
        HouseRules.issues(in: SourceFile(path: path, text: text)).map(\.rule)
    }

    private func broken(swift text: String, path: String = "Sources/Jobs/A.swift") -> [String] {
        broken(header + text + "\n", path: path)
    }

    // MARK: - Lengths

    @Test func `a file of 500 lines is fine and one more is not`() {
        let full = header + String(repeating: "//\n", count: 499)
        #expect(broken(full).isEmpty)
        #expect(broken(full + "//\n") == ["file-length"])
        #expect(broken(full + "//\n", path: "Tests/JobsTests/A.swift").isEmpty)
    }

    @Test func `a test file of 800 lines is fine and one more is not`() {
        let full = header + String(repeating: "//\n", count: 799)
        #expect(broken(full, path: "Tests/JobsTests/A.swift").isEmpty)
        #expect(broken(full + "//\n", path: "Tests/JobsTests/A.swift") == ["file-length"])
    }

    @Test func `a line of 100 columns is fine, one more is not, and a link may be long`() {
        #expect(broken(swift: "//" + String(repeating: "é", count: 98)).isEmpty)
        #expect(broken(swift: "//" + String(repeating: "é", count: 99)) == ["line-length"])
        #expect(broken(swift: "// https://x/" + String(repeating: "a", count: 99)).isEmpty)
    }

    @Test(arguments: [
        "func a(b: () -> Void = {}) async throws(E) -> [Int: Int] where T: P {", "init() {",
        "deinit {", "subscript(a: Int) -> Int {", "var a: [Int] {", "static func < (a: A) {",
    ])
    func `a function of 60 lines is fine and one more is not`(opening: String) {
        let body = String(repeating: "\n    _ = { }", count: 58)
        #expect(broken(swift: "\(opening)\(body)\n}").isEmpty)
        #expect(broken(swift: "\(opening)\(body)\n\n}") == ["function-length"])
    }

    @Test func `a type of many short functions is not a long function`() {
        let requirement = "protocol P {\n    func a() async\n    var b: Int { get }\n}\n"
        let members = String(repeating: "    func a() {\n    }\n    init(b: Int)\n", count: 30)
        #expect(broken(swift: requirement + "struct S {\n\(members)}").isEmpty)
        let call = "let a = B.init(1) { c in\n" + String(repeating: "\n", count: 70) + "}"
        #expect(broken(swift: call).isEmpty)
    }

    @Test func `a property that is one literal may be a long table`() {
        let table = "var a: [Int] {\n    [\n" + String(repeating: "1,\n", count: 70) + "]\n}"
        #expect(broken(swift: table).isEmpty)
    }

    // MARK: - Words

    @Test(arguments: [
        "fatalError(\"no\")", "let a = try! b()", "let a = b as! C", "unowned let a: B",
        "let a = \"\\(try! b())\"",
    ])
    func `banned words are found in code`(code: String) {
        #expect(broken(swift: code) == ["banned-word"])
    }

    @Test(arguments: [
        "// fatalError(), try! and as! are banned.", "let a = try !b()",
        "let a = \"fatalError() try! as!\"",
        "let a = try b() as? C", "func `fatalError() is banned`() {}",
    ])
    func `banned words are free in prose, strings and names`(code: String) {
        #expect(broken(swift: code).isEmpty)
    }

    @Test(arguments: [
        "Task { a() }", "Task.detached { a() }", "let a = Task<Int, any Error> { 1 }",
        "Task(priority: .high) { a() }",
    ])
    func `an unstructured task needs a comment above`(code: String) {
        #expect(broken(swift: code) == ["bare-task"])
        #expect(broken(swift: "// `stop()` waits for it.\n" + code).isEmpty)
    }

    @Test(arguments: ["Task.isCancelled", "try await Task.yield()", "group.addTask { a() }"])
    func `what a task offers is free`(code: String) {
        #expect(broken(swift: code).isEmpty)
    }

    @Test func `a test may not sleep, and the helper that polls says why`() {
        let code = "try await Task.sleep(for: .seconds(1))"
        #expect(broken(swift: code, path: "Tests/JobsTests/A.swift") == ["sleep"])
        #expect(broken(swift: code, path: "Tests/TestSupport/A.swift") == ["sleep"])
        #expect(broken(swift: "// Polls.\n" + code, path: "Tests/TestSupport/A.swift").isEmpty)
        #expect(broken(swift: code).isEmpty)
        #expect(broken(swift: "func sleep(a: Int) {}", path: "Tests/JobsTests/A.swift").isEmpty)
        #expect(broken(swift: "a == .sleep(until: b)", path: "Tests/JobsTests/A.swift").isEmpty)
    }

    @Test func `a library never prints, the executable may`() {
        #expect(broken(swift: "print(1)") == ["print"])
        #expect(broken(swift: "print(1)", path: "Sources/icepack/A.swift").isEmpty)
        #expect(broken(swift: "printer.print(1)").isEmpty)
    }

    @Test(arguments: [
        "final class A: @unchecked Sendable {}", "nonisolated(unsafe) var a = 1",
    ])
    func `a promise of thread safety carries its proof`(code: String) {
        #expect(broken(swift: code) == ["unproven-sendable"])
        #expect(broken(swift: "// A fine class.\n" + code) == ["unproven-sendable"])
        #expect(broken(swift: "// Only its own thread touches it.\n@a\n" + code).isEmpty)
        #expect(broken(swift: code + "\n// Guarded by the lock.").isEmpty)
    }

    @Test func `unfinished work names its issue`() {
        #expect(broken(swift: "// TO" + "DO: later") == ["unfinished"])
        #expect(broken(swift: "let a = 1  // FIX" + "ME") == ["unfinished"])
        #expect(broken(swift: "// TO" + "DO(#12): later").isEmpty)
    }

    // MARK: - Documentation

    @Test(arguments: [
        "public struct A {}", "package func a() {}", "public private(set) var a = 1",
        "@frozen\npublic enum A {}", "public static let a = 1", "package init() {}",
        "extension A where B: C {\n    package func a() {}\n}", "public class func a() {}",
    ])
    func `what other targets see has a doc comment`(code: String) {
        #expect(broken(swift: code) == ["documentation"])
    }

    @Test(arguments: [
        "/// An A.\npublic struct A {}", "/// An A.\n@frozen\npublic enum A {}",
        "public import WireFormat", "package extension A {}", "package(set) var a = 1",
        "extension A: B {\n    package func a() {}\n}", "func a() {}",
        "package static func == (a: A, b: A) -> Bool {}", "public var description: String { a }",
    ])
    func `members of conformances and what nobody sees may go without`(code: String) {
        #expect(broken(swift: code).isEmpty)
    }

    @Test func `a member that a protocol of ours documents may go without`() {
        let port = SourceFile(
            path: "Sources/Jobs/P.swift",
            text: "protocol P {\n    func a() async\n    var b: Int { get }\n}\nfunc c() {}\n")
        let requirements = HouseRules.requirements(in: [port])
        #expect(requirements == ["a", "b"])
        func issues(_ text: String) -> [String] {
            let file = SourceFile(path: "Sources/Jobs/A.swift", text: header + text + "\n")
            return HouseRules.issues(in: file, requirements: requirements).map(\.rule)
        }
        #expect(issues("extension A {\n    public func a() async {}\n}").isEmpty)
        #expect(issues("extension A {\n    public func c() {}\n}") == ["documentation"])
        #expect(issues("public struct a {}") == ["documentation"])
    }

    // MARK: - Layers

    @Test func `a target imports what the table allows and nothing above it`() {
        #expect(broken(swift: "public import WireFormat").isEmpty)
        #expect(broken(swift: "import SQLiteStore") == ["layer"])
        #expect(broken(swift: "import struct Maintenance.Plan") == ["layer"])
        #expect(broken(swift: "import A", path: "Sources/NewTarget/A.swift") == ["layer"])
    }

    @Test func `test code stays out of the product`() {
        #expect(broken(swift: "import TestSupport") == ["layer"])
        #expect(broken(swift: "import Testing", path: "Sources/icepack/A.swift") == ["layer"])
        #expect(broken(swift: "import Testing", path: "Tests/JobsTests/A.swift").isEmpty)
    }

    @Test func `adapters are named by the runtime alone, but for what makes the demonstration`() {
        let adapters = [
            "FileSystemCatalog", "NativeEngine", "PostgresStore", "SQLCatalog", "SQLiteStore",
        ]
        let makers: [String: [String]] = [
            "FileSystemCatalog": ["Demonstration"], "NativeEngine": ["Demonstration"],
        ]
        for adapter in adapters {
            let users = LayerRule.layers.filter { $0.value.contains(adapter) }.keys
            #expect(users.sorted() == (makers[adapter] ?? []) + ["IcepackRuntime"], "\(adapter)")
        }
    }

    @Test func `no layer reaches itself`() {
        func reaches(_ target: String, _ goal: String) -> Bool {
            (LayerRule.layers[target] ?? []).contains { $0 == goal || reaches($0, goal) }
        }
        for target in LayerRule.layers.keys {
            #expect(!reaches(target, target), "\(target)")
        }
    }

    @Test func `libraries of others stay where they belong`() {
        #expect(broken(swift: "import GRDB") == ["layer"])
        #expect(broken(swift: "import GRDB", path: "Sources/SQLiteStore/A.swift").isEmpty)
        #expect(broken(swift: "import Foundation") == ["layer"])
        #expect(broken(swift: "import FoundationEssentials").isEmpty)
    }

    @Test func `the architecture has a paragraph for each target and none for others`() {
        let source = SourceFile(path: "Sources/Jobs/A.swift", text: header)
        func issues(_ text: String) -> [Int] {
            let document = SourceFile(path: "docs/ARCHITECTURE.md", text: text)
            return LayerRule.architecture([source, document]).map(\.line)
        }
        #expect(LayerRule.architecture([source]).count == 1)
        #expect(issues("### `Jobs`\n").isEmpty)
        #expect(issues("# Rooms\n") == [1])
        #expect(issues("### `Jobs`\n### `Ghost`\n") == [2])
    }

    // MARK: - Texts

    @Test(arguments: [
        ("Sources/Jobs/A.swift", "import WireFormat\n"),
        ("Package.swift", "// swift-tools-version: 6.2\n"),
        ("Tests/Oracles/a.py", "#!/usr/bin/env python3\nimport os\n"),
    ])
    func `a source names its licence at the top`(path: String, text: String) {
        #expect(broken(text, path: path) == ["header"])
    }

    @Test func `the licence comes after what must be first`() {
        #expect(broken("// swift-tools-version: 6.2\n" + header, path: "Package.swift").isEmpty)
        let script = "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"
        #expect(broken(script, path: "scripts/a.sh").isEmpty)
    }

    @Test(arguments: ["a \n", "a\t\n", "a\r\n", "a", "a\n\n"])
    func `lines end where their text ends`(text: String) {
        #expect(broken(text, path: "docs/a.md") == ["whitespace"])
    }

    @Test(arguments: ["work", "root", "home", "Users"])
    func `no file names a path of one machine`(folder: String) {
        #expect(broken("at /\(folder)/a\n", path: "docs/a.md") == ["machine-path"])
        #expect(broken("file:///\(folder)/a\n", path: "a.yaml") == ["machine-path"])
        #expect(broken("a/\(folder)/a ./\(folder)/a /\(folder)\n", path: "docs/a.md").isEmpty)
    }

    @Test func `no file names a registry's host`() {
        let host = ["pypi", "org"].joined(separator: ".")
        #expect(broken("from https://\(host)/simple\n", path: "a.txt") == ["registry-host"])
    }

    @Test func `keywords of SQL are capitals`() {
        func issues(_ text: String) -> [String] { broken(text, path: "Sources/Jobs/a.sql") }
        #expect(issues("select a FROM b\n") == ["sql-keyword"])
        #expect(issues("SELECT a FROM b -- where to\n").isEmpty)
        #expect(issues("SELECT 'from\nwhere' AS \"order\", t.limit, now()\n").isEmpty)
        #expect(issues("\\set limit 5\nSELECT 1;\n").isEmpty)
    }

    @Test func `decision records have a number of their own and their four parts`() {
        let parts = "## Context\n## Decision\n## Alternatives\n## Consequences\n"
        func issues(_ paths: String..., text: String) -> Int {
            DecisionRecordRule.check(
                paths.map { SourceFile(path: "docs/adr/" + $0, text: text) }
            ).count
        }
        #expect(issues("0001-a.md", "0002-b.md", text: parts) == 0)
        #expect(issues("0001-a.md", "0001-b.md", text: parts) == 1)
        #expect(issues("1-a.md", text: parts) == 1)
        #expect(issues("0001-a.md", text: "## Context\n") == 3)
    }
}
