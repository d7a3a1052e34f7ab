"""A peer in a process of its own, and the handle by which the parent holds it.

Run as a script, this file is the worker: `python _worker.py PEER DEVICE TF32`. It reads one JSON
object a line from its standard input and answers each with one line:

    {"do": "setup", "widths": [64, 100, 10], "batch": 32, "optimizer": "sgd", "check": true}
                                     -> {"ok": true, "versions": {...}} once it agrees with `hand`
    {"do": "time", "steps": 100}     -> {"ok": true, "seconds": ...} for that many steps

A worker starts in an empty folder: in the repository's root, `import autograd` would find ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from _clang import tinygrad_environment
from _kernels import openblas_kernels, worker_environment
from _problem import Size

# OpenBLAS's threads end their busy wait after 2**20 cycles instead of 2**28 (about 0.1 s), so that
# an idle worker, or SciPy's own OpenBLAS in the same one, does not take the cores of a busy one.
# NumPy loads before pullback there, so the choice of kernels that `import pullback` makes is made here, for all peers.
WORKER_ENV = {**worker_environment(os.environ), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
LR_CHECK = 0.1  # three steps that move the parameters well above float32's rounding
LR_CHECK_ADAM = 1e-3  # which moves every parameter by about as much in a step
LR_TIME = 1e-6  # steps by the thousand in which no gradient fades to denormal numbers


class PeerError(RuntimeError):
    """A worker could not be started, or what it computes is not what `hand` computes."""


class Worker:
    """The parent's handle on one worker process."""

    def __init__(self, peer: str, python: str, device: str, tf32: bool) -> None:
        self.peer = peer
        self._folder = tempfile.TemporaryDirectory()
        self._stderr = Path(self._folder.name) / "stderr"
        env = os.environ | WORKER_ENV | {"CUPY_TF32": "1" if tf32 else "0"}
        if peer == "tinygrad":
            env |= tinygrad_environment(Path(self._folder.name))
        with self._stderr.open("w") as stderr:  # a file: nobody reads a pipe while steps are timed
            self._process = subprocess.Popen(
                [python, str(Path(__file__).resolve()), peer, device, str(int(tf32))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self._folder.name,
                env=env,
                text=True,
            )

    def send(self, **message: Any) -> None:
        """Send one request; its answer is to be received before the next."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `receive` says what the process said when it ended

    def receive(self) -> dict[str, Any]:
        """Wait for the answer; raises PeerError with what the worker says went wrong."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code, said = self._process.wait(), self._stderr.read_text().strip()[-500:]
            raise PeerError(f"{self.peer}: its process ended with code {code}. {said}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise PeerError(f"{self.peer}: {answer['error']}")
        return answer

    def setup(self, size: Size, optimizer: str = "sgd", check: bool = True) -> None:
        """Ask it to build a step of this size; its answer is to be received."""
        self.send(
            do="setup", widths=size.widths, batch=size.batch, optimizer=optimizer, check=check
        )

    def time(self, steps: int) -> float:
        """Seconds a step, over this many."""
        self.send(do="time", steps=steps)
        return self.receive()["seconds"] / steps

    def close(self) -> None:
        """End the process by closing its input; kill it if that is not enough."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


def _compare(step: Any, reference: Any, start: list[Any]) -> None:
    """Three steps of both: losses and parameters within 1e-4, and the way travelled within 1e-2."""
    import numpy as np

    for i in range(3):
        ours, theirs = float(step.run()), float(reference.run())
        if not abs(ours - theirs) <= 1e-4 * abs(theirs):
            raise PeerError(f"the loss of step {i} is {ours:.8g}, by hand {theirs:.8g}")
    step.wait()
    for i, (a, b, a0) in enumerate(zip(step.params(), reference.params(), start, strict=True)):
        if a.dtype != np.float32:
            raise PeerError(f"parameter {i} became {a.dtype}")
        error, way = np.linalg.norm(a - b), np.linalg.norm(b - a0)
        if not (error <= 1e-4 * np.linalg.norm(b) and error <= 1e-2 * way):
            raise PeerError(f"parameter {i} differs by {error:.3g} from that by hand after 3 steps")


def _setup(
    peer: str, device: str, tf32: bool, request: dict[str, Any]
) -> tuple[Any, dict[str, str]]:
    from _peers import PEERS
    from _problem import problem

    size, optimizer = Size(tuple(request["widths"]), request["batch"]), request["optimizer"]
    # 10 bits of TF32 and 8 of bfloat16 do not agree to 1e-4
    exact = not tf32 and not peer.endswith("bfloat16")
    if request["check"] and exact and peer != "products":
        p = problem(size, LR_CHECK_ADAM if optimizer == "adam" else LR_CHECK, optimizer=optimizer)
        _compare(PEERS[peer](p, device, tf32), PEERS["hand"](p, "cpu", False), p.params)
    step = PEERS[peer](problem(size, LR_TIME, optimizer=optimizer), device, tf32)
    for _ in range(3):
        step.run()
    step.wait()
    return step, step.versions


def _time(step: Any, steps: int) -> float:
    """Seconds for `steps` steps, after a few that wake up threads and fill caches."""
    run = step.run
    for _ in range(max(1, min(20, steps // 10))):
        run()
    step.wait()
    start = perf_counter()
    for _ in range(steps):
        run()
    step.wait()
    return perf_counter() - start


def main() -> None:
    """Serve requests until the input ends."""
    peer, device, tf32 = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    step = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "setup":
                step, versions = _setup(peer, device, tf32, request)
                answer: dict[str, Any] = {
                    "ok": True,
                    "versions": versions,
                    "kernels": openblas_kernels(),
                }
            else:
                answer = {"ok": True, "seconds": _time(step, request["steps"])}
        except ImportError as error:
            answer = {"ok": False, "error": f"not installed ({error})"}
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
