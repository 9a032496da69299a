// SPDX-License-Identifier: Apache-2.0

/// What holds for text of any kind.
enum TextRules {
    /// First folders of paths that exist on one machine only.
    private static let machineFolders = ["work", "root", "home", "Users"]

    /// Hosts of package registries: which one serves a machine is that machine's business.
    private static let registryHosts = [
        ["pypi", "org"], ["pythonhosted", "org"], ["npmjs", "org"], ["maven", "org"],
        ["maven", "apache", "org"], ["deb", "debian", "org"], ["proxy", "golang", "org"],
        ["crates", "io"], ["rubygems", "org"], ["docker", "io"], ["ghcr", "io"], ["quay", "io"],
    ].map { labels in
        (
            first: Array(labels[0].utf8),
            rest: Array(labels.dropFirst().map { "." + $0 }.joined().utf8)
        )
    }

    static func header(_ file: SourceFile) -> [Issue] {
        let wanted: String
        switch file.fileExtension {
        case "swift", "h", "c": wanted = "// SPDX-License-Identifier: Apache-2.0"
        case "py", "sh": wanted = "# SPDX-License-Identifier: Apache-2.0"
        default: return []
        }
        // The tools version of a manifest and the interpreter of a script must come first.
        let first = file.lines.first.map(String.init) ?? ""
        let isSecond = first.hasPrefix("// swift-tools-version") || first.hasPrefix("#!")
        let line = isSecond ? file.lines.dropFirst().first.map(String.init) : first
        guard line != wanted else { return [] }
        return [file.issue("header", line: isSecond ? 2 : 1, "the line must be: \(wanted)")]
    }

    static func whitespace(_ file: SourceFile) -> [Issue] {
        var issues: [Issue] = []
        for (index, line) in file.lines.enumerated() {
            guard let last = line.utf8.last else { continue }
            if last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") {
                issues.append(file.issue("whitespace", line: index + 1, "trailing white space"))
            } else if last == UInt8(ascii: "\r") {
                issues.append(file.issue("whitespace", line: index + 1, "a line ends in CR LF"))
            }
        }
        if !file.lines.isEmpty, !file.endsWithNewline || file.lines.last?.isEmpty == true {
            let message = "the file must end in exactly one line end"
            issues.append(file.issue("whitespace", line: file.lines.count, message))
        }
        return issues
    }

    /// No path that exists on one machine only, and no registry's host.
    static func places(_ file: SourceFile) -> [Issue] {
        var issues: [Issue] = []
        for (index, line) in file.lines.enumerated() {
            let bytes = Array(line.utf8)
            if let folder = machineFolder(in: bytes) {
                let message = "/\(folder)/… exists on one machine only"
                issues.append(file.issue("machine-path", line: index + 1, message))
            }
            if namesRegistry(bytes) {
                let message = "leave the registry to the machine's configuration"
                issues.append(file.issue("registry-host", line: index + 1, message))
            }
        }
        return issues
    }

    /// Whether a registry's host is named; looked for around its first dot, for speed.
    private static func namesRegistry(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while let dot = rest.firstIndex(of: UInt8(ascii: ".")) {
            for host in registryHosts where bytes[..<dot].last == host.first.last {
                let isNamed =
                    bytes[dot...].starts(with: host.rest)
                    && bytes[..<dot].suffix(host.first.count).elementsEqual(host.first)
                if isNamed { return true }
            }
            rest = bytes[(dot + 1)...]
        }
        return false
    }

    /// The folder when the line names an absolute path under one of them.
    private static func machineFolder(in bytes: [UInt8]) -> String? {
        let slash = UInt8(ascii: "/")
        for start in bytes.indices where bytes[start] == slash {
            // `file:///x` and `"/x` are absolute; `a/x`, `./x` and `}/x` are not.
            if start > 0, bytes[start - 1] != slash, continuesAPath(bytes[start - 1]) { continue }
            for folder in machineFolders {
                let end = start + 1 + folder.utf8.count
                guard end < bytes.count, bytes[end] == slash else { continue }
                if bytes[(start + 1)..<end].elementsEqual(folder.utf8) { return folder }
            }
        }
        return nil
    }

    private static func continuesAPath(_ byte: UInt8) -> Bool {
        let scalar = UnicodeScalar(byte)
        return scalar.properties.isAlphabetic || (byte >= 48 && byte <= 57)
            || "._-~)}]>*$".unicodeScalars.contains(scalar)
    }
}
