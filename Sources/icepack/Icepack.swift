// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The one executable.
///
/// Each command is one file in `Commands`.
@main
struct Icepack: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "icepack",
        abstract: "Keeps Apache Iceberg tables healthy.",
        discussion: """
            Configuration: ICEPACK_* in the environment over a YAML file (--config) over \
            defaults; `icepack config` shows all of it.

            Exit status: 0 success; 1 the job or an action failed or was cancelled; 64 wrong \
            usage; 65 the service refused the request; 69 the service or the store could not be \
            reached; 75 try again later (the table is locked, or the service is draining); 78 \
            wrong configuration.
            """,
        version: IcepackVersion.current,
        subcommands: [
            ServeCommand.self, WorkerCommand.self, SweepCommand.self, MigrateCommand.self,
            ConfigCommand.self, SubmitCommand.self, JobsCommand.self, JobCommand.self,
            CancelCommand.self, TablesCommand.self, StatusCommand.self, HealthCommand.self,
            RecommendCommand.self, ExplainCommand.self, MaintainCommand.self,
            QuarantineCommand.self, OrchestrateCommand.self, HealthSyncCommand.self,
            DemoCommand.self,
        ])

    static func main() async {
        MemoryReturn.setUp()
        await main(nil)
    }
}

/// The version that `--version` prints and the API's document carries.
enum IcepackVersion {
    static let current = "0.1.0"
}
