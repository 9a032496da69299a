// SPDX-License-Identifier: Apache-2.0

import Glibc
import Subprocess

/// Starts programs that serve a test process and end with it.
///
/// A small shell process watches the test process and, when that is gone for whatever reason
/// (SIGKILL included), stops the server by its process id and removes its folder.
public enum ServerProcess {
    /// Why there is no server.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String
    }

    /// Starts a program in a folder of its own, where `data` is an empty folder.
    ///
    /// - Returns: the first line with `ready` in it that the program prints.
    public static func launch(
        _ command: [String], ready: String, tenths: Int = 1200
    ) async throws -> String {
        let folder = "/tmp/icepack-server-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: Arguments(
                ["-c", script, "sh", folder, String(getpid()), ready, String(tenths)] + command),
            output: .string(limit: 1 << 16), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "\(command) did not start: \(result.standardError)")
        }
        return String(result.standardOutput.prefix { !$0.isNewline })
    }

    /// Arguments: a new folder, the process to watch, the text of the ready line, how many tenths
    /// of a second it may take, and the command.
    private static let script = #"""
        dir=$1; watched=$2; ready=$3; tenths=$4; shift 4
        mkdir -p "$dir/data" && cd "$dir" || exit 1
        # A zombie counts as gone: nobody may ever reap it.
        alive() {
            { read -r line <"/proc/$watched/stat"; } 2>/dev/null || return 1
            case ${line##*) } in Z*) return 1 ;; esac
        }
        serve() {
            "$@" >"$dir/log" 2>&1 </dev/null & server=$!
            trap '' INT HUP TERM
            while alive && kill -0 "$server" 2>/dev/null; do sleep 1; done
            kill "$server" 2>/dev/null
            wait "$server"
            # What it said is of use only while somebody waits for it.
            if ! alive; then cd / && rm -rf "$dir"; fi
        }
        serve "$@" >/dev/null 2>&1 </dev/null &
        supervisor=$!
        while [ "$tenths" -gt 0 ]; do
            line=$(grep -m 1 -F "$ready" "$dir/log" 2>/dev/null) && { echo "$line"; exit 0; }
            kill -0 "$supervisor" 2>/dev/null || break
            tenths=$((tenths - 1)); sleep 0.1
        done
        tail -n 20 "$dir/log" >&2
        exit 1
        """#
}
