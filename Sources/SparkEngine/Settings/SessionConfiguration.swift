// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import Maintenance

/// The settings that a job's session is opened with, and what of the table's wishes was refused.
package struct SessionConfiguration: Hashable, Sendable {
    /// The settings by their names in Spark or Kyuubi.
    package private(set) var settings: [String: String]
    /// What was refused, in sentences.
    package private(set) var warnings: [String]

    /// Settings that a table's `icepack.spark.*` may make: those that size the work.
    ///
    /// A table's properties belong to whoever may write to the table. Anything that loads code,
    /// names files, hosts or credentials, or changes how a statement is read stays the operator's.
    package static let allowedPrefixes = [
        "spark.dynamicAllocation.", "spark.sql.adaptive.", "spark.sql.files.", "spark.sql.iceberg.",
        "spark.sql.shuffle.",
    ]
    /// Single settings of the same kind; of `spark.executor.` only these, for some of that family
    /// are command lines and class paths.
    package static let allowedNames: Set<String> = [
        "spark.driver.cores", "spark.driver.maxResultSize", "spark.driver.memory",
        "spark.driver.memoryOverhead", "spark.driver.memoryOverheadFactor",
        "spark.executor.cores", "spark.executor.instances", "spark.executor.memory",
        "spark.executor.memoryOverhead", "spark.executor.memoryOverheadFactor",
        "spark.executor.pyspark.memory",
    ]
    /// Settings under the prefixes with which a rewrite could lose rows and not say so.
    package static let deniedNames: Set<String> = [
        "spark.sql.files.ignoreCorruptFiles", "spark.sql.files.ignoreMissingFiles",
        // Names a class that Spark loads.
        "spark.sql.adaptive.customCostEvaluatorClass",
    ]
    /// The longest value that is taken.
    package static let longestValue = 200

    /// The application's name: with it the commits of an attempt are told from all others.
    package static func applicationName(of label: AttemptLabel) -> String {
        "icepack-\(label.jobID)-\(label.attemptID)"
    }

    /// Works out the session of an attempt on a table.
    package init(
        _ settings: SparkSettings, attempt: AttemptLabel, properties: TableProperties
    ) {
        var reader = PolicyReader(properties)
        var chosen: [String: String] = [:]
        var warnings: [String] = []
        for setting in reader.settings(startingWith: "spark.") {
            let reason = Self.objection(to: setting.name, setting.value, settings.sharing)
            if let reason {
                warnings.append("\(setting.property) is ignored: \(reason)")
            } else {
                chosen[setting.name] = setting.value
            }
        }
        chosen.merge(settings.session) { _, configured in configured }
        switch settings.sharing {
        case .perJob:
            let name = Self.applicationName(of: attempt)
            chosen["kyuubi.engine.share.level"] = "CONNECTION"
            chosen["kyuubi.session.name"] = name
            chosen["kyuubi.operation.progress.enabled"] = "true"
            chosen["kyuubi.operation.interrupt.on.cancel"] = "true"
            chosen["spark.app.name"] = name
        case .shared:
            break
        }
        // How the statement is read: nobody's choice, for its quoting counts on it.
        chosen["spark.sql.session.timeZone"] = "UTC"
        chosen["spark.sql.parser.escapedStringLiterals"] = "false"
        chosen["spark.sql.variable.substitute"] = "false"
        self.settings = chosen
        self.warnings = reader.warnings + warnings
    }

    /// Why a table may not make a setting; nil if it may.
    private static func objection(
        to name: String, _ value: String, _ sharing: SparkSettings.Sharing
    ) -> String? {
        let isAllowed =
            allowedNames.contains(name) || allowedPrefixes.contains { name.hasPrefix($0) }
        guard isAllowed, !deniedNames.contains(name) else {
            let prefixes = allowedPrefixes.map { "\($0)*" }.joined(separator: ", ")
            return "tables may set only \(prefixes) and the memory, cores and number of executors"
        }
        guard sharing == .perJob || name.hasPrefix("spark.sql.") else {
            return "the Spark application is shared, and this is set when it starts"
        }
        let isPlain = { (text: String) in text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
        guard isPlain(name), isPlain(value), !value.isEmpty, value.utf8.count <= longestValue else {
            return "its value must be at most \(longestValue) printable characters"
        }
        // Spark replaces references in settings too, with what only the operator may read.
        guard !value.contains("${"), !name.contains("${") else {
            return "it must not refer to other settings"
        }
        return nil
    }
}
