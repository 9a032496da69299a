// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Configuration {
    /// Reads the file, if there is one, lays the environment over it and checks everything.
    ///
    /// - Throws: ``ConfigurationProblems`` with all mistakes at once.
    public static func load(
        environment: [String: String], file path: String?
    ) throws(ConfigurationProblems) -> Configuration {
        var members: [(key: String, text: String)] = []
        if let path {
            do throws(ConfigurationProblem) {
                members = try ConfigurationFile.parse(try text(of: path), named: path)
            } catch {
                throw ConfigurationProblems(problems: [error])
            }
        }
        return try Configuration(ConfigurationValues(environment: environment, file: members))
    }

    private static func text(of path: String) throws(ConfigurationProblem) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationProblem(key: path, reason: "cannot be read")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationProblem(key: path, reason: "is not UTF-8")
        }
        return text
    }
}
