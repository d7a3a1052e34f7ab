"""`pullback tune digits --dask local` whose workers are killed at random moments: an error, or the same table.

Run as a program, it does so 20 times, or as often as its argument says, and says what came of it.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

ARGUMENTS = (
    *("tune", "digits", "--learning-rate", "0.001,0.003,0.01", "--folds", "3"),
    *("--epochs", "60", "--hidden", "32"),
)
LONGEST = 180.0


def start(folder, *more):
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pullback", *ARGUMENTS, *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip


def table(folder):
    return (Path(folder) / "runs/tune-digits/tune.csv").read_bytes()


def workers(process):
    """The processes of the cluster that this one started."""
    try:
        children = psutil.Process(process.pid).children()
        return [c for c in children if "spawn_main" in " ".join(c.cmdline())]
    except psutil.NoSuchProcess:
        return []


def first_worker(process):
    """Wait for it."""
    while process.poll() is None and not workers(process):
        time.sleep(0.01)


def kill_once(moment, whole, expected):
    """Start, kill one worker or all of them so long after the first one came, and say how it ended.

    Raises
    ------
    AssertionError
        If it hangs, leaves processes, ends without an error and another table, or with more than a line of error.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, "--dask", "local")
        first_worker(process)
        time.sleep(moment)
        there = workers(process)
        for worker in there if whole else there[:1]:
            worker.kill()
        try:
            out, err = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
        assert not [c for c in there if c.is_running() and c.status() != psutil.STATUS_ZOMBIE]
        if process.returncode == 0:
            assert table(folder) == expected, "another table"
            assert out.startswith("digits: 3 combinations"), out
            return "the same table" if there else "too late"
        assert process.returncode == 2, (process.returncode, err)
        assert err.startswith("pullback: "), err
        assert err.count("\n") == 1, err
        return "an error: " + err.strip()


def main(count):
    draw = random.Random(count)
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder)
        _, err = process.communicate()
        assert process.returncode == 0, err
        expected = table(folder)
    with tempfile.TemporaryDirectory() as folder:
        process = start(folder, "--dask", "local")
        first_worker(process)
        begun = time.monotonic()
        process.communicate()
        lasts = time.monotonic() - begun
        assert table(folder) == expected
    endings = Counter()
    while endings.total() < count:
        moment, whole = draw.uniform(0, lasts), draw.random() < 0.25
        begun = time.monotonic()
        ending = kill_once(moment, whole, expected)
        if ending == "too late":
            # the computer had more time for it than when it was measured
            lasts = moment
            continue
        print(
            f"killed {'all' if whole else 'one'} after {moment:.2f} of {lasts:.2f} s: {ending}; "
            f"{time.monotonic() - begun:.1f} s",
            flush=True,
        )
        endings[ending.split(":")[0]] += 1
    print(dict(endings))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
