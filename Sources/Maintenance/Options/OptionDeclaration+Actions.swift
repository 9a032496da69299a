// SPDX-License-Identifier: Apache-2.0

extension OptionDeclaration {
    static let expireSnapshots: [OptionDeclaration] = [
        .init(
            "older_than", .timestamp,
            default: "now less the table's maximum snapshot age", .argument),
        .init(
            "retain_last", .positiveInt,
            default: "the table's minimum of snapshots to keep", .argument),
        .init("max_concurrent_deletes", .positiveInt, default: "chosen by the engine", .argument),
        .init("stream_results", .boolean, default: "false", .argument),
        .init("snapshot_ids", .integers, default: "none", .argument),
        .init("clean_expired_metadata", .boolean, default: "false", .argument),
    ]

    static let removeOrphanFiles: [OptionDeclaration] = [
        .init("older_than", .timestamp, default: "3 days ago", .argument),
        .init("location", .string, default: "the table's location", .argument),
        .init("dry_run", .boolean, default: "false", .argument),
        .init("max_concurrent_deletes", .positiveInt, default: "chosen by the engine", .argument),
        .init("file_list_view", .string, default: "none", .argument),
        .init("equal_schemes", .stringMap, default: "s3n and s3a equal s3", .argument),
        .init("equal_authorities", .stringMap, default: "none", .argument),
        .init(
            "prefix_mismatch_mode", .choice(["ERROR", "IGNORE", "DELETE"]), default: "ERROR",
            .argument),
        .init("prefix_listing", .boolean, default: "false", .argument),
        .init("stream_results", .boolean, default: "false", .argument),
        .init("mode", .choice(["quarantine", "delete"]), default: "quarantine", .own),
        .init("inventory", .string, default: "none", .own),
        .init("adopt_table_uuids", .strings, default: "none", .own),
        .init("ignore_tables", .strings, default: "none", .own),
        .init("skip_hidden", .boolean, default: "false", .own),
        .init("confirm_prefix_mismatch_delete", .boolean, default: "false", .own),
    ]

    static let rewriteDataFiles: [OptionDeclaration] =
        [
            .init("strategy", .choice(["binpack", "sort"]), default: "binpack", .argument),
            .init("sort_order", .string, default: "the table's sort order", .argument),
            .init("where", .string, default: "none", .argument),
            .init("branch", .string, default: "main", .argument),
        ]
        + commonRewriteOptions(targetDefault: "write.target-file-size-bytes (536870912)") + [
            .init(
                "partial-progress.max-failed-commits", .integer(0...Int64(Int32.max)),
                default: "partial-progress.max-commits", .option),
            .init("use-starting-sequence-number", .boolean, default: "true", .option),
            .init(
                "delete-file-threshold", .integer(0...Int64(Int32.max)), default: "2",
                .option),
            .init(
                "delete-ratio-threshold", .fraction(above: 0, through: 1), default: "0.1", .option),
            .init(
                "output-spec-id", .integer(0...Int64(Int32.max)), default: "the current spec",
                .option),
            .init("remove-dangling-deletes", .boolean, default: "false", .option),
            .init("max-files-to-rewrite", .positiveInt, default: "none", .option),
            .init(
                "compression-factor", .fraction(above: 0, through: 1_000_000), default: "1.0",
                .option),
            .init("shuffle-partitions-per-file", .positiveInt, default: "1", .option),
            .init("var-length-contribution", .positiveInt, default: "8", .option),
            .init("max-output-size", .positiveInt, default: "2147483647", .option),
            .init("overlap-threshold", .positiveInt, default: "none", .own),
            .init("verify", .choice(["full", "sample", "off"]), default: "full", .own),
        ]

    static let rewritePositionDeleteFiles: [OptionDeclaration] =
        [.init("where", .string, default: "none", .argument)]
        + commonRewriteOptions(targetDefault: "write.delete.target-file-size-bytes (67108864)") + [
            .init("convert-equality-deletes", .boolean, default: "false", .own),
            .init("verify", .boolean, default: "true", .own),
        ]

    static let rewriteManifests: [OptionDeclaration] = [
        .init("use_caching", .boolean, default: "false", .argument),
        .init(
            "spec_id", .integer(0...Int64(Int32.max)),
            default: "every spec; with Spark the current one", .argument),
        .init("sort_by", .strings, default: "none", .argument),
        .init("verify", .boolean, default: "true", .own),
    ]

    /// The options that both file rewrites share.
    private static func commonRewriteOptions(targetDefault: String) -> [OptionDeclaration] {
        [
            .init("max-concurrent-file-group-rewrites", .positiveInt, default: "5", .option),
            .init("partial-progress.enabled", .boolean, default: "false", .option),
            .init("partial-progress.max-commits", .positiveInt, default: "10", .option),
            .init(
                "rewrite-job-order",
                .choice(["bytes-asc", "bytes-desc", "files-asc", "files-desc", "none"]),
                default: "none", .option),
            .init("target-file-size-bytes", .positiveLong, default: targetDefault, .option),
            .init(
                "min-file-size-bytes", .integer(0...Int64.max), default: "75 % of the target",
                .option),
            .init("max-file-size-bytes", .positiveLong, default: "180 % of the target", .option),
            .init("min-input-files", .positiveInt, default: "5", .option),
            .init("rewrite-all", .boolean, default: "false", .option),
            .init("max-file-group-size-bytes", .positiveLong, default: "107374182400", .option),
            .init(
                "max-file-group-input-files", .positiveLong, default: "9223372036854775807",
                .option),
        ]
    }
}
