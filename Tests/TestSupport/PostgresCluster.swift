// SPDX-License-Identifier: Apache-2.0

import Glibc
import Subprocess

/// A throwaway PostgreSQL server on the loopback address, made from Debian's binaries.
///
/// It works for root (the server then runs as user `postgres`) and for others. A small shell
/// process watches the test process and, when that is gone for whatever reason (SIGKILL included),
/// stops the server and removes its files, so nothing is left behind.
///
/// Any password is accepted for every user but ``guardedUser``, who needs ``guardedPassword``.
public struct PostgresCluster: Sendable {
    /// Whether the server forces its writes to disk.
    public enum Durability: Sendable {
        /// `fsync` and `synchronous_commit` off: what most tests want.
        case volatile
        /// As shipped.
        case durable
    }

    /// Why there is no server.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String
    }

    /// The port it listens on, at 127.0.0.1.
    public let port: Int
    /// Where its files are.
    public let directory: String

    /// The one account that has to give a password.
    public static let guardedUser = "guarded"
    /// That account's password.
    public static let guardedPassword = "s3cr:t/w@rd %"

    /// Whether the tests that need a server can run: its binaries are there, or this is CI, where
    /// their absence must fail rather than skip.
    ///
    /// Says so on standard error when it is false.
    public static let isAvailable: Bool = {
        if binaries != nil || getenv("CI") != nil { return true }
        let warning = "WARNING: PostgreSQL tests are SKIPPED: apt-get install postgresql\n"
        _ = warning.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        return false
    }()

    /// The server that this process's tests share; started on first use.
    public static func shared() async throws -> PostgresCluster { try await sharedStart.value }

    /// Unstructured because it outlives the test that happens to come first.
    private static let sharedStart = Task { try await start() }

    /// Starts a server of its own, for tests that stop or restart it.
    public static func start(
        durability: Durability = .volatile, settings: [String] = []
    ) async throws -> PostgresCluster {
        guard let binaries else {
            throw Failure(description: "no PostgreSQL server: apt-get install postgresql")
        }
        var complaint = ""
        for _ in 0..<startAttempts {
            let port = try freePort()
            let directory = "/tmp/icepack-postgres-\(getpid())-\(port)"
            let options = volatileSettings(durability) + settings
            let outcome = try await shell(
                startScript,
                [
                    binaries, directory, String(port), String(getpid()),
                    options.map { "-c \($0)" }.joined(separator: " "), guardedPassword,
                ])
            if outcome.isSuccess { return PostgresCluster(port: port, directory: directory) }
            complaint = outcome.output
        }
        throw Failure(description: "PostgreSQL did not start: \(complaint)")
    }

    /// The URL of a new, empty database.
    public func createDatabase() async throws -> String {
        let name = "test_\(UInt64.random(in: 0 ... .max))"
        try await execute("CREATE DATABASE \(name)", database: "postgres")
        return url(database: name)
    }

    /// The URL of a database, for the superuser unless another user is named.
    public func url(database: String, user: String = "postgres") -> String {
        "postgres://\(user)@127.0.0.1:\(port)/\(database)"
    }

    /// Runs SQL as the superuser through `psql` and returns what it prints, unaligned.
    @discardableResult
    public func execute(_ sql: String, database: String) async throws -> String {
        guard let binaries = Self.binaries else {
            throw Failure(description: "no PostgreSQL binaries")
        }
        let outcome = try await Self.shell(
            #"""
            exec "$1/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$2" -U postgres \
                -d "$3" -c "$4"
            """#,
            [binaries, String(port), database, sql])
        guard outcome.isSuccess else { throw Failure(description: outcome.output) }
        return outcome.output
    }

    /// Restarts the server at once, breaking every connection.
    public func restart() async throws { try await control("-m fast restart") }

    /// Stops the server as a power cut would.
    public func stop() async throws { try await control("-m immediate stop") }

    /// Starts the server again after ``stop()``.
    ///
    /// Not by `start`, which would forget the port: only `restart` reads the old settings.
    public func resume() async throws { try await control("-m fast restart") }

    private func control(_ command: String) async throws {
        guard let binaries = Self.binaries else {
            throw Failure(description: "no PostgreSQL binaries")
        }
        let outcome = try await Self.shell(
            Self.prelude
                + #"run "$1/pg_ctl" -D "$2/data" -w -t 60 -l "$2/log" "#
                + "\(command) >/dev/null 2>&1 </dev/null",
            [binaries, directory])
        guard outcome.isSuccess else {
            throw Failure(description: "pg_ctl \(command) failed: \(outcome.output)")
        }
    }

    private static let startAttempts = 5

    private static func volatileSettings(_ durability: Durability) -> [String] {
        switch durability {
        case .volatile: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        case .durable: []
        }
    }
}

extension PostgresCluster {
    /// The newest installed version's programs.
    private static let binaries: String? = {
        let root = "/usr/lib/postgresql"
        for version in (10...40).reversed() where access("\(root)/\(version)/bin/initdb", X_OK) == 0
        {
            return "\(root)/\(version)/bin"
        }
        return nil
    }()

    /// `run` executes a server program as a user that it accepts.
    private static let prelude = """
        cd /
        if [ "$(id -u)" = 0 ]; then run() { runuser -u postgres -- "$@"; }
        else run() { "$@"; }
        fi

        """

    /// Arguments: programs, directory, port, the process to watch, server options, password.
    private static let startScript =
        prelude + #"""
            bin=$1; dir=$2; port=$3; watched=$4; options=$5; password=$6
            remove() {
                run "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1
                rm -rf "$dir"
            }
            fail() { cat "$dir/init.log" "$dir/log" 2>/dev/null; remove; exit 1; }
            mkdir -m 755 "$dir" || exit 1
            if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
            run "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
                --no-sync >"$dir/init.log" 2>&1 || fail
            printf '%s\n' 'host all guarded 127.0.0.1/32 scram-sha-256' \
                'host all all 127.0.0.1/32 trust' 'local all all trust' >"$dir/data/pg_hba.conf"
            given="-c listen_addresses=127.0.0.1 -c max_connections=300 $options"
            run "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" -o "-p $port -k $dir $given" \
                start >/dev/null 2>&1 </dev/null || fail
            "$bin/psql" -X -q -h 127.0.0.1 -p "$port" -U postgres -d postgres \
                -c "CREATE ROLE guarded LOGIN PASSWORD '$password'" >>"$dir/init.log" 2>&1 || fail
            # A zombie counts as gone: nobody may ever reap it.
            alive() {
                { read -r line <"/proc/$watched/stat"; } 2>/dev/null || return 1
                case ${line##*) } in Z*) return 1 ;; esac
            }
            watch() { trap '' INT HUP TERM; while alive; do sleep 2; done; remove; }
            watch >/dev/null 2>&1 </dev/null &
            """#

    private static func shell(
        _ script: String, _ arguments: [String]
    ) async throws -> (isSuccess: Bool, output: String) {
        let result = try await Subprocess.run(
            .name("sh"), arguments: Arguments(["-c", script, "sh"] + arguments),
            output: .string(limit: 1 << 24), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            return (false, result.standardOutput + result.standardError)
        }
        return (true, result.standardOutput)
    }

    /// A port that was free a moment ago; whoever loses a race for it tries another.
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
