"""Stops one rank of a training run at random moments, and checks that the run ends with an error or the right numbers.

    python tools/kill_ranks.py                       20 runs on 3 ranks
    python tools/kill_ranks.py --times 5 --ranks 4 --seed 1 --ways KILL,STOP

A way is a signal that one rank gets at a random moment, from before it has joined the others until the last step:
KILL and TERM end it, INT is an exception in the middle of anything, STOP leaves it there without an answer. Each run
has to end within 30 s, with a code that is not 0 and an error, or with 0 and the parameters of a run that nobody
disturbed, bit by bit on every rank. A rank that has written its result before has to have written the right one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LIMIT = 30.0  # seconds in which every run has to end
WAYS = ("KILL", "TERM", "INT", "STOP")

PROGRAM = """
import faulthandler, hashlib, os, signal, sys
faulthandler.register(signal.SIGUSR1)
folder = sys.argv[1]
number = os.environ.get("OMPI_COMM_WORLD_RANK", "0")
with open(os.path.join(folder, f"{number}.new"), "w") as file:
    file.write(str(os.getpid()))
os.rename(os.path.join(folder, f"{number}.new"), os.path.join(folder, f"{number}.pid"))
import numpy as np
import pullback as pb
from pullback import distributed as d

world = d.init("mpi")
rng = np.random.default_rng(world.rank)
x, y = rng.normal(size=(64, 8)), rng.integers(0, 3, size=64)
model = d.replicate(pb.models.MLP([8, 16, 3], activation="tanh", seed=world.rank))
opt = pb.optim.Adam(1e-2)
state = opt.init(model)
both = d.data_parallel(lambda model, x, y: pb.models.cross_entropy(model(x), y))
for step in range(int(sys.argv[2])):
    loss, grads = both(model, x, y)
    model, state = opt.step(model, grads, state)
    if step % 10 == 0:
        total = d.all_reduce(float(loss), "mean")
digest = hashlib.sha256()
for leaf in pb.tree.leaves(model):
    digest.update(np.asarray(pb.to_numpy(leaf)).tobytes())
name = os.path.join(folder, f"{world.rank}.result")
with open(name + ".new", "w") as file:
    file.write(digest.hexdigest())
os.rename(name + ".new", name)
"""


@dataclass(frozen=True)
class Outcome:
    """What one run came to.

    Attributes
    ----------
    code : int or None
        The exit code of ``mpirun``; None if the run had to be killed.
    seconds : float
        From the moment of the signal, or from the start without one, until the end.
    results : dict
        What each rank has written, by rank.
    err : str
        What was said.
    sent : bool
        Whether the signal came before the rank had ended.
    """

    code: int | None
    seconds: float
    results: dict[int, str]
    err: str
    sent: bool = True


def mpirun() -> str:
    """Where ``mpirun`` is: beside this Python, or on the path."""
    beside = Path(sys.executable).with_name("mpirun")
    found = str(beside) if beside.exists() else shutil.which("mpirun")
    if found is None:
        raise SystemExit("kill_ranks: there is no mpirun; pip install 'pullback[mpi]'")
    return found


def run(
    ranks: int, steps: int, way: str = "", moment: float = 0.0, rank: int = 0, timeout: float = 8
) -> Outcome:
    """Run the training, and send one rank a signal at a moment, in seconds from the start.

    Parameters
    ----------
    ranks, steps : int
        How many there are.
    way : str
        The signal's name without SIG; none where it is empty.
    moment : float
        When; later, if the rank's process is not there yet.
    rank : int
        To which.
    timeout : float
        After how many seconds ranks give up waiting for others.
    """
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMP_NUM_THREADS": "1",
        "PULLBACK_DISTRIBUTED_TIMEOUT": str(timeout),
    }
    with tempfile.TemporaryDirectory(prefix="kill_ranks") as name:
        folder = Path(name)
        (folder / "program.py").write_text(PROGRAM)
        command = [
            mpirun(),
            "--oversubscribe",
            "-n",
            str(ranks),
            sys.executable,
            "-P",
            "program.py",
        ]
        start = time.monotonic()
        process = subprocess.Popen(
            [*command, str(folder), str(steps)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        sent = False
        if way:
            sent = _send(folder / f"{rank}.pid", way, start + moment, process)
            start = time.monotonic()
        code: int | None
        try:
            _, err = process.communicate(timeout=LIMIT + 60 * (not way))
            code, seconds = process.returncode, time.monotonic() - start
        except subprocess.TimeoutExpired:
            seconds, code = time.monotonic() - start, None
            for way in ("USR1", "KILL"):  # the first says where they are
                for path in folder.glob("*.pid"):
                    _signal(int(path.read_text()), way)
                time.sleep(0.5)
            _, err = process.communicate(timeout=60)
        results = {int(p.stem): p.read_text() for p in folder.glob("*.result")}
    return Outcome(code, seconds, results, err, sent)


def _send(path: Path, way: str, when: float, process: subprocess.Popen[str]) -> bool:
    """Wait for the moment and for the process, and send the signal, if the run is not over."""
    while process.poll() is None and (time.monotonic() < when or not path.exists()):
        time.sleep(0.002)
    return process.poll() is None and _signal(int(path.read_text()), way)


def _signal(pid: int, way: str) -> bool:
    try:
        # only what this script has started
        if b"program.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, getattr(signal, f"SIG{way}"))
            return True
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return False


def wrong(outcome: Outcome, right: str, ranks: int) -> str:
    """What is wrong with a run that was disturbed; empty if nothing is.

    Examples
    --------
    >>> wrong(Outcome(137, 1.0, {}, "killed"), "a", 2), wrong(Outcome(0, 1.0, {0: "a", 1: "b"}, ""), "a", 2)
    ('', 'rank 1 has wrong numbers')
    """
    if outcome.code is None:
        return f"it did not end within {LIMIT:g} s"
    for rank, found in sorted(outcome.results.items()):
        if found != right:
            return f"rank {rank} has wrong numbers"
    if outcome.code == 0 and len(outcome.results) < ranks:
        return f"code 0, and only {len(outcome.results)} of {ranks} ranks have finished"
    if outcome.code != 0 and not outcome.err.strip():
        return f"code {outcome.code}, and no error is told"
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Run it all, and print a line for each run; 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="how many runs")
    parser.add_argument("--ranks", type=int, default=3, help="how many ranks each has")
    parser.add_argument("--steps", type=int, default=400, help="how many steps of training")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--ways", default=",".join(WAYS), help="signals, by their names")
    settings = parser.parse_args(arguments)
    chance = random.Random(settings.seed)
    whole = run(settings.ranks, settings.steps)
    found = set(whole.results.values())
    if whole.code != 0 or len(found) != 1 or len(whole.results) != settings.ranks:
        print(f"the run that nobody disturbs: code {whole.code}, {whole.results}\n{whole.err}")
        return 1
    (right,) = found
    print(f"undisturbed: {whole.seconds:.1f} s, equal bits on {settings.ranks} ranks", flush=True)
    bad, k = 0, 0
    ways = settings.ways.split(",")
    while k < settings.times:
        way, rank = ways[k % len(ways)], chance.randrange(settings.ranks)
        moment = chance.uniform(0, 1) * whole.seconds
        outcome = run(settings.ranks, settings.steps, way, moment, rank)
        if not outcome.sent and not wrong(outcome, right, settings.ranks):
            continue  # it was over before the signal came
        problem = wrong(outcome, right, settings.ranks)
        bad += bool(problem)
        k += 1
        print(
            f"{k:3}. SIG{way} to rank {rank} at {moment:5.2f} s: ended {outcome.seconds:5.2f} s later with code "
            f"{outcome.code}, {len(outcome.results)} results: {problem or 'right'}",
            flush=True,
        )
        if problem:
            print(outcome.err[-3000:])
    print(f"{settings.times - bad} of {settings.times} right")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
