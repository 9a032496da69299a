// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HiveServer2
import Subprocess
import Synchronization
import TestSupport

/// A Spark Thrift Server on the loopback address, for one of the transports.
///
/// A small shell process watches the test process and stops the server when that is gone.
struct SparkServer: Sendable {
    enum Mode: String, CaseIterable, Sendable {
        case nosasl
        case plain
        case http
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let mode: Mode
    let port: Int

    /// The server of a mode that this process's tests share; started on first use.
    static func shared(_ mode: Mode) async throws -> SparkServer {
        let starting = servers.withLock { servers in
            if let task = servers[mode] { return task }
            // Unstructured because it outlives the test that happens to come first.
            let task = Task { try await start(mode) }
            servers[mode] = task
            return task
        }
        return try await starting.value
    }

    private static let servers = Mutex<[Mode: Task<SparkServer, any Error>]>([:])

    /// How to reach it.
    var configuration: HiveServer2Configuration {
        let plain = HiveServer2Configuration.Authentication.plain(user: "ann", password: "x")
        return switch mode {
        case .nosasl: .init(host: "127.0.0.1", port: port, authentication: .nosasl)
        case .plain: .init(host: "127.0.0.1", port: port, authentication: plain)
        case .http:
            .init(host: "127.0.0.1", port: port, transport: .http(), authentication: plain)
        }
    }

    /// Runs the body with a client and a session, and closes both.
    func withSession(
        settings: [String: String] = [:],
        _ body: (HiveServer2Client, SessionHandle) async throws -> Void
    ) async throws {
        let client = try HiveServer2Client(configuration)
        do {
            let session = try await client.openSession(settings: settings)
            try await body(client, session)
            try await client.closeSession(session)
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
    }

    private static func start(_ mode: Mode) async throws -> SparkServer {
        let python = try Oracles.sparkPython()
        let environment = URL(filePath: python).deletingLastPathComponent()
            .deletingLastPathComponent().path
        let port = try freePort()
        let folder = "/tmp/icepack-spark-\(getpid())-\(mode.rawValue)"
        let settings: [String] =
            switch mode {
            case .nosasl, .plain:
                [
                    "hive.server2.transport.mode=binary", "hive.server2.thrift.port=\(port)",
                    "hive.server2.authentication=\(mode == .plain ? "NONE" : "NOSASL")",
                ]
            case .http:
                [
                    "hive.server2.transport.mode=http",
                    "hive.server2.thrift.http.port=\(port)",
                ]
            }
        let outcome = try await Subprocess.run(
            .name("sh"),
            arguments: Arguments(
                ["-c", startScript, "sh", environment, folder, String(getpid())]
                    + settings.flatMap { ["--hiveconf", $0] }),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard outcome.terminationStatus.isSuccess else {
            throw Failure(description: outcome.standardOutput + outcome.standardError)
        }
        let server = SparkServer(mode: mode, port: port)
        try await eventually("Spark answers", limit: .seconds(120)) {
            let client = try HiveServer2Client(server.configuration)
            do {
                let session = try await client.openSession()
                try await client.closeSession(session)
                await client.shutdown()
                return true
            } catch let error as HiveServer2Error {
                await client.shutdown()
                if case .unreachable = error { return false }
                throw error
            }
        }
        return server
    }

    /// Arguments: environment, folder, the process to watch, settings of the server.
    private static let startScript = #"""
        environment=$1; folder=$2; watched=$3; shift 3
        mkdir -p "$folder" && cd "$folder" || exit 1
        export SPARK_HOME="$environment/spark-home" SPARK_LOCAL_IP=127.0.0.1
        "$SPARK_HOME/bin/spark-submit" \
            --class org.apache.spark.sql.hive.thriftserver.HiveThriftServer2 \
            --master 'local[2]' --driver-memory 1g --name ts \
            --jars "$environment/iceberg-spark-runtime.jar" \
            --conf spark.ui.enabled=false \
            --conf spark.driver.bindAddress=127.0.0.1 --conf spark.driver.host=127.0.0.1 \
            --conf spark.sql.shuffle.partitions=4 \
            --conf spark.sql.catalogImplementation=in-memory \
            --conf spark.sql.extensions=\
        org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions \
            --conf spark.sql.catalog.lab=org.apache.iceberg.spark.SparkCatalog \
            --conf spark.sql.catalog.lab.type=hadoop \
            --conf "spark.sql.catalog.lab.warehouse=file://$folder/wh" \
            spark-internal --hiveconf hive.server2.thrift.bind.host=127.0.0.1 "$@" \
            >"$folder/log" 2>&1 </dev/null &
        server=$!
        # A zombie counts as gone: nobody may ever reap it.
        alive() {
            state=$(sed 's/.*) \(.\).*/\1/' "/proc/$watched/stat" 2>/dev/null) || return 1
            [ -n "$state" ] && [ "$state" != Z ]
        }
        watch() {
            trap '' INT HUP TERM
            while alive; do sleep 0.3; done
            kill "$server"; sleep 2; kill -9 "$server"; rm -rf "$folder"
        }
        watch >/dev/null 2>&1 </dev/null &
        """#

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard outcome else { throw Failure(description: "no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
