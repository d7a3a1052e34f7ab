"""Runs commands on a disk that is too small by more or less, and checks that each ends well.

    python tools/full_disk.py                        Linux, as root: it mounts a small tmpfs
    python tools/full_disk.py --step 20 --commands train,streamed

A command is run again and again, each time with a little more room, from none to enough. It has to end with exit code 2
and one line on stderr, or with 0. What is there has to be readable; and when there is room, `--resume` has to end with
the files of a run that had room from the start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import kill_runs

import pullback as pb

COMMANDS = ("train", "streamed", "tune", "predict")
# Where some space is free, and not enough for the next file, so many bytes more are given.
STEP = 6
TRAIN = ["--epochs", "3", "--hidden", "32", "--checkpoint-every", "0"]


def pullback(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "pullback", *arguments],
        capture_output=True, text=True, cwd=cwd, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


class Disk:
    """A file system of a given size.

    Parameters
    ----------
    folder : Path
        Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mount("-t", "tmpfs", "-o", "size=64m", "pullback")

    def _mount(self, *arguments: str) -> None:
        done = subprocess.run(
            ["mount", *arguments, str(self.folder)], capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(
                f"full_disk: {done.stderr.strip()}; a tmpfs is mounted on Linux, as root"
            )

    def room(self, kib: int) -> None:
        """Leave so much room beyond what is there."""
        self._mount("-o", "remount,size=64m")
        used = shutil.disk_usage(self.folder).used
        self._mount("-o", f"remount,size={used // 1024 + kib}k")

    def end(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", str(self.folder)], check=False)


def wrong(done: subprocess.CompletedProcess[str]) -> str:
    """What is wrong with how a command ended."""
    if done.returncode == 0:
        return done.stderr.strip()
    lines = done.stderr.strip().splitlines()
    if done.returncode != 2 or len(lines) != 1:
        return f"code {done.returncode}, and {len(lines)} lines: {done.stderr.strip()[-300:]}"
    return "" if "No space left on device" in lines[0] else lines[0]


def trained(disk: Disk, cwd: Path, arguments: list[str], kib: int) -> tuple[str, bool]:
    """Train with so much room, and resume with enough of it: what is wrong, and whether there was enough before."""
    shutil.rmtree(cwd / "runs" / "run", ignore_errors=True)
    disk.room(kib)
    first = pullback("train", *arguments, "--name", "run", cwd=cwd)
    problem = wrong(first)
    disk.room(32_000)
    folder = cwd / "runs" / "run"
    if problem or not folder.exists():
        return problem, first.returncode == 0
    if {p.name for p in folder.iterdir()} - kill_runs.OWN:
        return f"there is {sorted(p.name for p in folder.iterdir())}", False
    if (folder / "model.safetensors").exists():
        pb.train.load(folder / "model.safetensors")
    second = pullback("train", "--resume", "runs/run", cwd=cwd)
    problem = wrong(second) or ("resume failed" if second.returncode else "")
    for name in kill_runs.SAME:
        if (
            not problem
            and (folder / name).read_bytes() != (cwd / "runs" / "whole" / name).read_bytes()
        ):
            problem = f"{name} has other bits"
    return problem, first.returncode == 0


def other(disk: Disk, cwd: Path, arguments: list[str], kib: int) -> tuple[str, bool]:
    """Run a command that is not resumed."""
    shutil.rmtree(cwd / "runs" / "tuned", ignore_errors=True)
    (cwd / "p.csv").write_text("old")
    disk.room(kib)
    done = pullback(*arguments, cwd=cwd)
    disk.room(32_000)
    if not wrong(done) and done.returncode and (cwd / "p.csv").read_text() != "old":
        return "the old file is gone", False
    return wrong(done), done.returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """Run it all, and print a line for each command; 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--step", type=int, default=STEP, help="KiB more from one time to the next")
    parser.add_argument("--commands", default=",".join(COMMANDS), help="of: " + ", ".join(COMMANDS))
    settings = parser.parse_args(arguments)
    bad, before = 0, Path.cwd()
    with tempfile.TemporaryDirectory(prefix="full_disk") as name:
        disk, cwd = Disk(Path(name)), Path(name)
        try:
            os.chdir(cwd)
            data = kill_runs.columns()
            os.chdir(before)
            whole = pullback("train", *data, *TRAIN, "--name", "whole", cwd=cwd)
            if whole.returncode:
                print(whole.stderr)
                return 1
            ways = {
                "train": (trained, [*data, *TRAIN]),
                "streamed": (trained, [*data, *TRAIN, "--stream"]),
                "tune": (
                    other,
                    ["tune", data[0], "--epochs", "1", "--folds", "2", "--name", "tuned"],
                ),
                "predict": (other, ["predict", "runs/whole", data[0], "--output", "p.csv"]),
            }
            for command in settings.commands.split(","):
                way, options = ways[command]
                kib = failed = 0
                enough = False
                while not enough:
                    problem, enough = way(disk, cwd, options, kib)
                    failed += not enough
                    if problem:
                        bad += 1
                        print(f"{command} with {kib} KiB: {problem}", flush=True)
                    kib += settings.step
                print(
                    f"{command}: {failed} times too little room, {kib - settings.step} KiB are enough",
                    flush=True,
                )
        finally:
            os.chdir(before)
            disk.end()
    print(f"{bad} wrong")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
