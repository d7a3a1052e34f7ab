"""`pullback sample`: text drawn from a model of characters."""

from __future__ import annotations

import sys
from dataclasses import replace

from ..parallel.launch import refuse_several
from ..run.sample import sample_text
from .command import Command, Option
from .options import BACKEND, RUN_FOLDER


def _sample(
    run: str, length: int, temperature: float, prompt: str, seed: int, backend: str | None
) -> int:
    refuse_several("sample")
    for piece in sample_text(
        run,
        length=length,
        temperature=temperature,
        prompt=prompt,
        seed=seed,
        backend_name=backend or "",
    ):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
    return 0


COMMAND = Command(
    "sample",
    "Draw text from a model of characters.",
    "Draw text from a model of characters.",
    (
        replace(
            RUN_FOLDER, text="The folder of a run on a text, as runs/notes, or its model file."
        ),
        Option("length", "Characters to draw.", kind=int, value=500),
        Option(
            "temperature",
            "Below 1 likelier characters, 0 the likeliest, above 1 wilder ones.",
            kind=float,
            value=1.0,
        ),
        Option("prompt", "What the text begins with.", default="a new line, unprinted", value=""),
        Option("seed", "Of the draws.", kind=int, value=0),
        BACKEND,
    ),
    _sample,
)
