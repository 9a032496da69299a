# SPDX-License-Identifier: Apache-2.0
"""rclone's S3 server over a folder, far away: requests reach it so much later.

Usage: delayed_s3.py SECONDS FOLDER

Takes any free port of the loopback address and prints one line of JSON when it is ready: its port
and its key. It ends when its standard input does.
"""

import asyncio
import json
import pathlib
import re
import sys

RCLONE = pathlib.Path(sys.executable).parent / "rclone"
KEY, SECRET = "bench-key", "bench-secret"
# What may be on its way at once, in chunks.
CHUNK, CHUNKS = 1 << 18, 64


async def forward(reader, writer, delay):
    """Bytes arrive so much later as they were sent, and as fast."""
    loop = asyncio.get_running_loop()
    waiting = asyncio.Queue(CHUNKS)

    async def take():
        while data := await reader.read(CHUNK):
            await waiting.put((loop.time() + delay, data))
        await waiting.put((loop.time() + delay, b""))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, data = await waiting.get()
            if (rest := due - loop.time()) > 0:
                await asyncio.sleep(rest)
            if not data:
                return writer.write_eof()
            writer.write(data)
            await writer.drain()
    finally:
        taking.cancel()


async def main(delay, folder):
    command = [RCLONE, "serve", "s3", "--config", "/dev/null", "--addr", "127.0.0.1:0"]
    command += ["--auth-key", f"{KEY},{SECRET}", folder]
    server = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
    try:
        while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)", await server.stderr.readline())):
            if server.stderr.at_eof():
                raise SystemExit("rclone did not start")
        port = int(found[1])

        async def connect(reader, writer):
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await asyncio.gather(
                    forward(reader, inner_writer, delay), forward(inner_reader, writer, 0))
            except OSError:
                pass
            finally:
                writer.close()
                inner_writer.close()

        async def log():
            while await server.stderr.readline():
                pass

        logging = asyncio.create_task(log())
        async with await asyncio.start_server(connect, "127.0.0.1", 0) as outer:
            reply = {
                "port": outer.sockets[0].getsockname()[1], "access_key": KEY, "secret_key": SECRET}
            print(json.dumps(reply), flush=True)
            await asyncio.to_thread(sys.stdin.read)
        logging.cancel()
    finally:
        server.terminate()
        await server.wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2]))
