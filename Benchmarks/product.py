# SPDX-License-Identifier: Apache-2.0
"""The release executable as processes, measured from outside."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / ".build" / "release"
ORACLES = ROOT / "Tests" / "Oracles"
READY_SECONDS = 60


def environment(settings):
    """The caller's environment with our settings only."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ICEPACK_")}
    return kept | settings


def catalog_settings(made):
    return {
        "ICEPACK_CATALOG_TYPE": "sql",
        "ICEPACK_CATALOG_URI": made["catalog_uri"],
        "ICEPACK_CATALOG_WAREHOUSE": made["warehouse"],
    }


def restore(pristine, warehouse):
    """Files of a table are never changed in place, so links serve; the catalog is copied."""
    shutil.rmtree(warehouse, ignore_errors=True)
    shutil.copytree(pristine, warehouse, copy_function=os.link)
    for path in warehouse.glob("catalog.db*"):
        path.unlink()
        shutil.copy(pristine / path.name, path)
    # What an engine left behind is written before the next one is timed.
    os.sync()


def oracle(program, *arguments, python=sys.executable):
    """Runs one of the oracles and reads its JSON."""
    result = subprocess.run(
        [str(python), str(ORACLES / program), *map(str, arguments)],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        raise SystemExit(f"{program}: {result.stderr[-4000:]}")
    return json.loads(result.stdout)


def measured(arguments, folder, settings):
    """Runs a command to its end: its JSON, its wall time and its peak resident memory."""
    output = folder / "output.json"
    started = time.monotonic()
    with open(output, "wb") as out, open(folder / "errors.log", "ab") as errors:
        child = subprocess.Popen(
            [str(a) for a in arguments],
            cwd=folder,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.monotonic() - started
    if child.returncode != 0:
        tail = (folder / "errors.log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{arguments[0]} ended with {child.returncode}: {tail}")
    return json.loads(output.read_text()), elapsed, usage.ru_maxrss


class Server:
    """`icepack serve` on a free port, ready on entry."""

    def __init__(self, folder, settings):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.settings = settings | {"ICEPACK_PORT": str(port)}

    def __enter__(self):
        self.process = start("serve", self.folder, self.settings)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.get("/readyz")
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        stop(self.process)
        log = (self.folder / "serve.log").read_text(errors="replace")
        raise SystemExit(f"the service was not ready: {log[-2000:]}")

    def __exit__(self, *_):
        stop(self.process)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path, body):
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def resident_kib(self, field="VmRSS"):
        """Resident memory; `RssAnon` is the part that is not pages of the program's files."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(l.split()[1]) for l in text.splitlines() if l.startswith(f"{field}:"))


def start(command, folder, settings):
    log = open(folder / f"{command}.log", "ab")
    return subprocess.Popen(
        [str(RELEASE / "icepack"), command],
        cwd=folder,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def stop(process):
    """By its own id; a process that does not end in time is killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
