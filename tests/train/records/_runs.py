"""Folders as runs leave them, without training."""

from __future__ import annotations

import pullback as pb
from pullback.train.settings.config import config_text

MODEL = pb.models.MLP([2, 4, 3], dtype="float32")
DONE = {"stopped": "epochs", "why": "all 3 epochs done"}


def settings(**more):
    return pb.train.Settings(**{"data": "iris", "epochs": 3, "task": "classification", **more})


def metrics(losses, score="accuracy"):
    """A metrics.csv of these validation losses."""
    lines = [f"epoch,steps,loss,{score},validation_loss,validation_{score}"]
    lines += [f"{i},{3 * i},{loss / 2},0.75,{loss},{1 - loss}" for i, loss in enumerate(losses)]
    return "\n".join(lines) + "\n"


def make(folder, *, losses=(0.9, 0.5, 0.25, 0.5), score="accuracy", model=True, told=DONE, **more):
    """The files of a run; what is None is not there."""
    folder.mkdir(parents=True)
    (folder / "run.toml").write_text(config_text(settings(**more)))
    if losses is not None:
        (folder / "metrics.csv").write_text(metrics(losses, score))
    if model:
        best = min(range(len(losses)), key=lambda i: losses[i])
        metadata = {
            "best_epoch": best, "validation_loss": losses[best],
            f"validation_{score}": 1 - losses[best], "test_loss": 0.5, f"test_{score}": 0.875, **told,
        }  # fmt: skip
        pb.train.save(folder / "model.safetensors", MODEL, metadata)
    return folder
