"""Kills `pullback train` at random moments, resumes it, and checks that it ends with the bits of a run left in peace.

    python tools/kill_runs.py                        50 kills over all kinds of data
    python tools/kill_runs.py --times 4 --kinds columns,streamed --seed 1

Each kind of data has a run that is killed (SIGKILL) at a random moment, from the start of its process on, and is then
resumed and killed again. After every kill everything that the run has written has to be readable, and nothing but its
own files may lie about; at the end the model, the metrics and the picture have to be those of the run that nobody
disturbed. A run that is finished begins anew under another name.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.train.run.run import FILES

SAME = ("model.safetensors", "metrics.csv", "weights.png")
OWN = {*FILES}
LIMIT = 600.0  # seconds in which a run has to end
TRAIN = ("--epochs", "25", "--patience", "0", "--checkpoint-every", "0.05")


def numbers(path: str = "numbers.csv") -> list[str]:
    """A table of numbers."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 6))
    lines = [",".join(f"{v:.4f}" for v in row) + f",{'abc'[i % 3]}" for i, row in enumerate(x)]
    Path(path).write_text("\n".join(["p,q,r,s,t,u,kind", *lines]) + "\n")
    return [path, "--hidden", "16", "--batch-size", "8"]


def columns(path: str = "columns.csv") -> list[str]:
    """A table as people have them: empty cells, words, dates."""
    draw = random.Random(0)
    lines = ["id;age;smoker;colour;joined;kind"]
    for i in range(300):
        age = "" if i % 9 == 0 else f"{draw.gauss(30 + 4 * (i % 3), 9):.1f}".replace(".", ",")
        word = draw.choice(["red", "blue", "green", ""])
        lines.append(
            f"{i};{age};{('yes', 'no')[i % 2]};{word};1{i % 9}.{1 + i % 12}.20{10 + i % 14};{'abc'[i % 3]}"
        )
    Path(path).write_text("\n".join(lines) + "\n")
    return [path, "--hidden", "16", "--batch-size", "8"]


def streamed() -> list[str]:
    """The same, with the rows on disk."""
    return [*columns("streamed.csv"), "--stream"]


def regression(path: str = "arrays.npz") -> list[str]:
    """Arrays, with batches that are drawn, by momentum."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 5))
    np.savez(path, X=x, y=np.stack([x[:, 0] * x[:, 1], x.sum(axis=1)], axis=1))
    return [path, "--batches", "drawn", "--optimizer", "momentum", "--batch-size", "8", "--stream"]


def images(path: str = "images.npz") -> list[str]:
    """Images, for convolutions with dropout."""
    draw = np.random.default_rng(0)
    y = np.arange(90) % 3
    np.savez(path, X=draw.normal(size=(90, 8, 8)) + y[:, None, None], y=y)
    return [path, "--model", "cnn", "--hidden", "8", "--batch-size", "16"]


def text(path: str = "text.txt") -> list[str]:
    """A text, for a recurrent network."""
    Path(path).write_text("".join(f"{i} and {i + 1} are {2 * i + 1}\n" for i in range(400)))
    return [path, "--hidden", "16", "--length", "24"]


KINDS: dict[str, Callable[[], list[str]]] = {
    "numbers": numbers, "columns": columns, "streamed": streamed, "regression": regression,
    "images": images, "text": text,
}  # fmt: skip


@dataclass
class Run:
    """A run that is killed again and again.

    Attributes
    ----------
    kind : str
    arguments : list of str
        Of the command.
    seconds : float
        That a run takes from its start on, when nobody disturbs it.
    number : int
        Which of its kind it is; each has a name of its own.
    kills : int
        How many it has survived.
    """

    kind: str
    arguments: list[str]
    seconds: float
    number: int = 1
    kills: int = 0

    @property
    def folder(self) -> Path:
        """Of its files."""
        return Path("runs") / f"{self.kind}-{self.number}"

    @property
    def command(self) -> list[str]:
        """What starts it, or goes on with it."""
        if (self.folder / "run.toml").exists():
            return ["--resume", str(self.folder), "--checkpoint-every", "0.05"]
        return [*self.arguments, "--name", self.folder.name]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "pullback", "train", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def wrong(folder: Path, whole: Path, *, done: bool) -> str:
    """What is wrong with a run's files; empty if nothing is."""
    if not folder.exists():
        return "it has no folder" if done else ""
    others = {path.name for path in folder.iterdir()} - OWN
    # of the process that was killed; the next one sweeps it away
    left = {name for name in others if name.startswith(".") and name.endswith((".tmp", ".lock"))}
    if others - left or (done and others):
        return f"there is {', '.join(sorted(others))}"
    about = {path.name for path in Path("runs").iterdir() if not path.is_dir()}
    if about:
        return f"runs has {', '.join(sorted(about))}"
    try:
        if (folder / "model.safetensors").exists():
            pb.train.load(folder / "model.safetensors")
        if (folder / "metrics.csv").exists():
            rows = list(csv.reader((folder / "metrics.csv").read_text().splitlines()))
            if len({len(row) for row in rows}) != 1:
                return "metrics.csv is cut off"
    except (ValueError, OSError) as error:
        return str(error)
    for name in SAME if done else ():
        if (folder / name).read_bytes() != (whole / name).read_bytes():
            return f"{name} has other bits"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Run it all, and print a line for each kill; 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=50, help="how many kills")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--kinds", default=",".join(KINDS), help="kinds of data, of: " + ", ".join(KINDS)
    )
    settings = parser.parse_args(arguments)
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="kill_runs") as folder:
        os.chdir(folder)
        try:
            return _killed(settings.kinds.split(","), settings.times, random.Random(settings.seed))
        finally:
            os.chdir(before)


def _killed(kinds: list[str], times: int, draw: random.Random) -> int:
    runs = []
    for kind in kinds:
        options = [*KINDS[kind](), *TRAIN]
        begun = time.monotonic()
        process = start([*options, "--name", f"{kind}-whole"])
        _, err = process.communicate(timeout=LIMIT)
        if process.returncode:
            print(f"{kind}: {err}")
            return 1
        runs.append(Run(kind, options, time.monotonic() - begun))
        print(f"{kind}: {runs[-1].seconds:.1f} s undisturbed", flush=True)
    bad = kills = 0
    while kills < times:
        run = runs[kills % len(runs)]
        moment, command = draw.uniform(0.02, 1) * run.seconds, run.command
        process = start(command)
        try:
            process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
        whole = Path("runs") / f"{run.kind}-whole"
        finished = process.returncode == 0
        problem = wrong(run.folder, whole, done=finished)
        if process.returncode not in (0, -signal.SIGKILL):
            problem = f"code {process.returncode}: {err.strip()}"
        if finished and not problem:
            # it was over before the signal came
            print(f"     {run.folder}: finished after {run.kills} kills, the same bits", flush=True)
            run.number, run.kills = run.number + 1, 0
            continue
        kills, run.kills, bad = kills + 1, run.kills + 1, bad + bool(problem)
        how = "resumed" if command[0] == "--resume" else "new"
        print(
            f"{kills:3}. {run.folder} ({how}) killed after {moment:5.2f} s: {problem or 'all whole'}",
            flush=True,
        )
        if problem:
            run.number, run.kills = run.number + 1, 0
    for run in runs:
        if run.kills:
            process = start(run.command)
            _, err = process.communicate(timeout=LIMIT)
            problem = (
                wrong(run.folder, Path("runs") / f"{run.kind}-whole", done=True) or err.strip()
            )
            bad += bool(problem)
            print(
                f"     {run.folder}: finished after {run.kills} kills, {problem or 'the same bits'}",
                flush=True,
            )
    print(f"{kills} kills, {bad} wrong")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
