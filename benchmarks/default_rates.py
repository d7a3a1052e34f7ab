"""Learning rate and l2 of every optimiser of `pullback train`, by the validation loss of the digits.

Each pair of a grid trains the default network (64-128-10, batches of 32, at most 150 epochs, patience 20) on three
splits (seeds 101 to 103, others than those that tests measure); what counts is the mean of the best validation losses.

    python benchmarks/default_rates.py lion rmsprop        # all of them, where none is named
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np

import pullback as pb
from pullback.train.run.run import load_source

SEEDS = (101, 102, 103)
RATES = {
    "adamw": (5e-4, 1e-3, 2e-3, 4e-3),
    "adam": (5e-4, 1e-3, 2e-3, 4e-3),
    "amsgrad": (5e-4, 1e-3, 2e-3, 4e-3),
    "nadam": (5e-4, 1e-3, 2e-3, 4e-3),
    "sgd": (3e-2, 1e-1, 3e-1),
    "momentum": (1e-2, 2e-2, 5e-2),
    "nesterov": (1e-2, 2e-2, 5e-2),
    "lion": (1e-4, 2e-4, 5e-4, 1e-3),
    "rmsprop": (5e-4, 1e-3, 2e-3, 4e-3),
    "adagrad": (1e-2, 2e-2, 5e-2, 1e-1),
    "adadelta": (0.3, 1.0, 3.0),
}
DECOUPLED = {"adamw": (0.3, 1.0, 2.0), "lion": (0.3, 1.0, 3.0, 10.0)}
PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3)


def validation_loss(optimizer: str, rate: float, l2: float) -> tuple[float, float]:
    """The mean over the splits of the best validation loss, and of the epoch in which it was."""
    losses, epochs = [], []
    for seed in SEEDS:
        settings = pb.train.Settings(
            optimizer=optimizer, learning_rate=rate, l2=l2, seed=seed, epochs=150, patience=20
        )
        source = load_source(settings)
        ready = source.prepare(settings, source.split(seed), pb.backend.current())
        run = pb.train.fit(
            ready.model, ready.task.loss, ready.parts["train"], ready.parts["validation"],
            ready.optimizer, epochs=settings.epochs, patience=settings.patience, seed=seed,
        )  # fmt: skip
        losses.append(run.best.validation_loss)
        epochs.append(run.best.epoch)
    return float(np.mean(losses)), float(np.mean(epochs))


def main() -> None:
    """Print a line for every pair, and the best of each optimiser."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("optimizers", nargs="*", default=list(RATES))
    for name in parser.parse_args().optimizers:
        found = {}
        for rate, l2 in itertools.product(RATES[name], DECOUPLED.get(name, PENALTIES)):
            loss, epoch = found[rate, l2] = validation_loss(name, rate, l2)
            print(
                f"{name:9} rate {rate:<7g} l2 {l2:<7g} {loss:.4f} after {epoch:.0f} epochs",
                flush=True,
            )
        (rate, l2), (loss, _) = min(found.items(), key=lambda item: item[1])
        print(f"{name}: best rate {rate:g}, l2 {l2:g}: {loss:.4f}", flush=True)


if __name__ == "__main__":
    main()
