"""An epoch of `fit` on 60,000 rows of 784 numbers, beside scikit-learn's perceptron and a training loop in torch.

    python benchmarks/fit_large.py [--rounds 5] [--optimizers adam,sgd] [--json FILE]

The network has 784-512-512-10 units, a batch 128 rows, all in float32, and the data have the size of MNIST's training
part. Everybody does the same in an epoch: a new order of the rows, 469 steps of forward, backward and update, and the
mean loss of the steps. "with validation" also takes a loss or accuracy on 6,667 other rows after each epoch; "losses
measured" is what `fit` does by default: it measures the training loss of the epoch's last weights, too. Each peer lives
in a process of its own with as many threads as it takes by itself, and trains one epoch when it is told to; the first
is not timed. The torch loop has no DataLoader: it indexes one tensor by a permutation; its optimiser is the fused one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from _kernels import worker_environment
from _report import environment, quartiles, save, table

ROWS, COLUMNS, CLASSES = 60_000, 784, 10
HIDDEN, BATCH = (512, 512), 128
RATES = {"adam": 1e-3, "sgd": 1e-2}
# what an epoch may take of the other's time
EPOCHS = 10_000  # until the gate is closed
LIMITS = {"scikit-learn": 0.6, "torch": 0.9}

# ``gate(loss)`` is called after each epoch, and returns when the next one is to begin
Gate = Callable[[float], None]


def data(rows: int = ROWS) -> tuple[Any, Any]:
    """Inputs in float32 and labels, of a training part, and of a tenth of all rows for validation."""
    rng = np.random.default_rng(0)
    x = rng.random((rows + rows // 9, COLUMNS), dtype=np.float32)
    y = np.argmax((x - 0.5) @ rng.standard_normal((COLUMNS, CLASSES), dtype=np.float32), axis=1)
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


# ── peers: each trains until the gate ends it ─────────────────────────────────────────────────


def of_fit(
    optimizer: str, train: Any, validation: Any, gate: Gate, training_loss: str = "steps"
) -> None:
    """`pullback.train.fit`."""
    import pullback as pb

    model = pb.models.MLP([COLUMNS, *HIDDEN, CLASSES], activation="relu", seed=0)
    opt = {"adam": pb.optim.Adam, "sgd": pb.optim.SGD}[optimizer](RATES[optimizer])

    class Callback:
        def on_epoch(self, run: Any) -> None:
            gate(run.history[-1].loss)

    pb.train.fit(
        model, pb.models.cross_entropy, train, validation, opt, epochs=EPOCHS, patience=EPOCHS, batch_size=BATCH,
        callbacks=[Callback()], training_loss=training_loss,
    )  # fmt: skip


def of_measured(optimizer: str, train: Any, validation: Any, gate: Gate) -> None:
    """The same as it is by default."""
    of_fit(optimizer, train, validation, gate, "measured")


def settings(optimizer: str) -> dict[str, Any]:
    """Of both estimators."""
    return {
        "hidden_layer_sizes": HIDDEN, "batch_size": BATCH, "solver": optimizer, "random_state": 0, "momentum": 0.0,
        "learning_rate_init": RATES[optimizer],
    }  # fmt: skip


def of_estimator(optimizer: str, train: Any, validation: Any, gate: Gate) -> None:
    """`pullback.train.MLPClassifier`; with validation it keeps a tenth of all rows apart by itself."""
    from pullback.train import MLPClassifier

    more = {"max_iter": EPOCHS, "n_iter_no_change": EPOCHS, "tol": 0.0}
    rows = train
    if validation is not None:
        more |= {"early_stopping": True, "validation_fraction": 0.1}
        rows = tuple(np.concatenate(pair) for pair in zip(train, validation, strict=True))
    callback = lambda model, epoch, loss, score: gate(loss)
    MLPClassifier(**settings(optimizer), **more, callbacks=[callback]).fit(*rows)


def of_sklearn(optimizer: str, train: Any, validation: Any, gate: Gate) -> None:
    """scikit-learn's, by `partial_fit`, which is one epoch of its `fit`; it has no callbacks."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(**settings(optimizer))
    while True:
        model.partial_fit(*train, classes=np.arange(CLASSES))
        if validation is not None:
            model.score(*validation)
        gate(float(model.loss_))


def of_torch(optimizer: str, train: Any, validation: Any, gate: Gate) -> None:
    """A loop as one writes it."""
    import torch

    torch.manual_seed(0)
    widths = [COLUMNS, *HIDDEN, CLASSES]
    layers: list[Any] = []
    for a, b in pairwise(widths):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    made = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[optimizer]
    opt = made(model.parameters(), lr=RATES[optimizer], fused=True)
    x, y = (torch.from_numpy(a) for a in train)
    cross_entropy = torch.nn.functional.cross_entropy
    while True:
        order = torch.randperm(len(x))
        total = torch.zeros((), dtype=torch.float64)
        for i in range(0, len(x), BATCH):
            chosen = order[i : i + BATCH]
            opt.zero_grad()
            loss = cross_entropy(model(x[chosen]), y[chosen])
            loss.backward()
            opt.step()
            total += loss.detach() * len(chosen)
        if validation is not None:
            with torch.no_grad():
                float(
                    cross_entropy(
                        model(torch.from_numpy(validation[0])), torch.from_numpy(validation[1])
                    )
                )
        gate(float(total) / len(x))


PEERS: dict[str, Callable[[str, Any, Any, Gate], None]] = {
    "pullback, fit": of_fit,
    "pullback, fit, losses measured": of_measured,
    "pullback, MLPClassifier": of_estimator,
    "torch": of_torch,
    "scikit-learn": of_sklearn,
}


def worker(name: str, optimizer: str, validated: bool, rows: int) -> None:
    """Train an epoch for each line of the input, and print its seconds and its loss."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not an answer
    started = perf_counter()

    def gate(loss: float) -> None:
        nonlocal started
        taken = perf_counter() - started
        out.write(json.dumps({"seconds": taken, "loss": loss}) + "\n")
        out.flush()
        if not sys.stdin.readline():
            os._exit(0)
        started = perf_counter()

    train, validation = data(rows)
    PEERS[name](optimizer, train, validation if validated else None, gate)


class Peer:
    """The parent's handle on one worker."""

    def __init__(self, name: str, optimizer: str, validated: bool, rows: int) -> None:
        arguments = [name, optimizer, str(int(validated)), str(rows)]
        self.name, self.seconds, self.losses = name, [], []
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--worker", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | worker_environment(os.environ),
        )  # fmt: skip

    def receive(self, timed: bool = True) -> None:
        """Wait for the epoch that is being trained."""
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: its process ended with code {self._process.wait()}")
        found = json.loads(line)
        self.losses.append(found["loss"])
        if timed:
            self.seconds.append(found["seconds"])

    def go(self) -> None:
        """Begin the next epoch."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def measure(
    rounds: int = 5,
    optimizers: tuple[str, ...] = tuple(RATES),
    validated: tuple[bool, ...] = (False, True),
    rows: int = ROWS,
    peers: tuple[str, ...] = tuple(PEERS),
) -> dict[str, Any]:
    """Seconds of an epoch of each, in turns, and their ratios within the rounds."""
    found: dict[str, Any] = {
        "rows": rows,
        "batch": BATCH,
        "widths": [COLUMNS, *HIDDEN, CLASSES],
        "cases": {},
    }
    for optimizer in optimizers:
        for with_validation in validated:
            label = f"{optimizer}{', with validation' * with_validation}"
            found["cases"][label] = _measure_case(optimizer, with_validation, rows, rounds, peers)
    return found


def _measure_case(
    optimizer: str, validated: bool, rows: int, rounds: int, names: tuple[str, ...]
) -> Any:
    peers: list[Peer] = []
    try:
        for name in names:  # the first epoch records, compiles and warms up: of one after the other
            peers.append(Peer(name, optimizer, validated, rows))
            peers[-1].receive(timed=False)
        for _ in range(rounds):
            for peer in peers:
                peer.go()
                peer.receive()
    finally:
        for peer in peers:
            peer.close()
    seconds = {peer.name: np.asarray(peer.seconds) for peer in peers}
    return {
        peer.name: {
            "seconds": quartiles(peer.seconds),
            "losses": peer.losses,
            **{
                f"over {other}": quartiles(seconds[peer.name] / seconds[other])
                for other in LIMITS
                if other in seconds
            },
        }
        for peer in peers
    }


def show(found: dict[str, Any]) -> str:
    """A table for each case."""
    tables = []
    for label, peers in found["cases"].items():
        rows = [
            [
                name,
                f"{row['seconds']['median']:.2f}",
                f"{row['seconds']['low']:.2f}-{row['seconds']['high']:.2f}",
                *(
                    f"{row[f'over {o}']['median']:.2f}" if f"over {o}" in row else ""
                    for o in LIMITS
                ),
                f"{row['losses'][0]:.3f}-{row['losses'][-1]:.3f}",
            ]
            for name, row in peers.items()
        ]
        head = ["by", "s an epoch", "quartiles", *(f"over {o}" for o in LIMITS), "losses"]
        tables.append(table(f"{found['rows']:,} × {COLUMNS}, batch {BATCH}, {label}", head, rows))
    return "\n".join(tables)


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--optimizers", default=",".join(RATES))
    parser.add_argument("--validation", choices=("no", "yes", "both"), default="both")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--peers", default=";".join(PEERS), help="separated by ;")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        name, optimizer, validated, rows = options.worker
        worker(name, optimizer, validated == "1", int(rows))
        return
    validated = {"no": (False,), "yes": (True,), "both": (False, True)}[options.validation]
    found = measure(
        options.rounds,
        tuple(options.optimizers.split(",")),
        validated,
        options.rows,
        tuple(options.peers.split(";")),
    )
    print(show(found))
    if options.json:
        save("fit_large", {"environment": environment(), "fit_large": found}, options.json)


if __name__ == "__main__":
    main()
