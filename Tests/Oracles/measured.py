#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command to its end, and prints how it ended and how much memory it had at most.

Needs no packages: the system counts the memory of whoever starts a process as the process's own
for a moment. Standard output and error are printed as they are, in the JSON.
"""

import json
import os
import subprocess
import sys
import tempfile


def main():
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            sys.argv[1:], stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    print(json.dumps({
        "code": child.returncode, "output": texts[0], "errors": texts[1],
        "peak_bytes": usage.ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
