"""Programs in processes where nothing has happened yet but some imports, at the price of a fork each."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

# Each program that is read runs in a copy of this process; its errors are answered.
SERVER = """
import json, os, sys, traceback
names = {}
exec(json.loads(sys.stdin.readline()), names)
for line in sys.stdin:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            exec(json.loads(line), names)
        except BaseException:
            os.write(write, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as errors:
        said = errors.read()
    status = os.waitpid(child, 0)[1]
    print(json.dumps(said or (f"ended with status {status}" if status else "")), flush=True)
"""


@contextlib.contextmanager
def processes(start: str, folder: Any) -> Iterator[Callable[[str], str]]:
    """What runs a program behind `start` in a process of its own, and gives the error, or an empty text.

    `start` is run once. To import pullback for each program anew takes most of a second, a fork 20 ms.
    """
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    to, out = server.stdin, server.stdout
    to.write(json.dumps(start) + "\n")

    def run(program: str) -> str:
        to.write(json.dumps(program) + "\n")
        to.flush()
        return json.loads(out.readline())

    yield run
    server.communicate(timeout=60)
    assert server.returncode == 0
