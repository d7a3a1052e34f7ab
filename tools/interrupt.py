"""Signals at many moments of a command: each has to end it in one line at most, without a traceback.

    python tools/interrupt.py [--moments 40] [--signal SIGINT] [-- train iris --epochs 3]

The command is run once to see how long it takes, then again and again, each time with the signal at a later moment. It
prints for each way of ending how often there was one; the exit code is 1 if any was a traceback, more than one line, or
a temporary file left behind.
"""

from __future__ import annotations

import argparse
import collections
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(command: list[str], number: int | None, after: float) -> tuple[str, float, str]:
    """How a command ends that is sent a signal after so many seconds; how long it took; what it wrote to stderr."""

    def ready() -> None:
        # a shell in the background ignores Ctrl-C, and nohup SIGHUP, and so would what they start
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for name in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_DFL)

    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pullback", *command],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=ready,
        )  # fmt: skip
        if number is not None:
            time.sleep(after)
            process.send_signal(number)
        err = process.communicate()[1]
        passed = time.monotonic() - started
        left = [p.name for p in Path(folder).rglob(".*") if p.name[0] == "."]
    code = process.returncode
    if number is None:
        return f"exit code {code}", passed, err
    if left:
        return f"LEFT {', '.join(left)}", passed, err
    if "Traceback" in err or "Error" in err or err.count("\n") > 1:
        return "TRACEBACK", passed, err
    if code == -number:
        return "killed before or after Python could say a word", passed, err
    if code == 128 + number:
        where = "while it started" if "while it started" in err else "later"
        said = f"one line, {where}" if err else "a whole report on stdout"
        return said, passed, err
    if code == 0:
        return "it was done before", passed, err
    return f"OTHER: exit code {code}", passed, err


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=40)
    parser.add_argument("--signal", default="SIGINT", choices=["SIGINT", "SIGTERM", "SIGHUP"])
    parser.add_argument("command", nargs="*", default=["train", "iris", "--epochs", "3"])
    given = parser.parse_args()
    number = int(getattr(signal, given.signal))
    ended, seconds, err = run(given.command, None, 0)
    # once more: the first one may have written byte code
    ended, seconds, err = run(given.command, None, 0)
    print(
        f"{' '.join(given.command)}: {ended} in {seconds:.2f} s; {given.signal} at {given.moments} moments"
    )
    found: collections.Counter[str] = collections.Counter()
    for i in range(given.moments):
        how, passed, err = run(given.command, number, seconds * i / given.moments)
        found[how] += 1
        if how.isupper() or how.split()[0].rstrip(":").isupper():
            print(
                f"after {seconds * i / given.moments:.3f} s: {how}, exit after {passed:.2f} s\n{err}"
            )
    for how, count in found.most_common():
        print(f"{count:5}  {how}")
    return int(any(how.split()[0].rstrip(":").isupper() for how in found))


if __name__ == "__main__":
    sys.exit(main())
