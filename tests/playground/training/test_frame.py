"""Tests of `playground/training/frame.py`: what is put in is found again where the page looks for it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.playground.training.frame import HEADER, encoded, pixels
from pullback.playground.training.network import OUTPUT_SIDE, UNIT_SIDE, Training
from pullback.playground.training.settings import Settings

ROOT = Path(pb.__file__).resolve().parent


@pytest.mark.parametrize("hidden", [(), (3, 2)])
def test_a_frame_holds_what_the_page_takes_out(hidden):
    training = Training(Settings(hidden=hidden))
    for _ in range(3):
        training.advance()
    frame = encoded(training, 7)
    header = dict(zip(HEADER, frame[: 4 * len(HEADER)].view(np.float32), strict=True))
    assert (header["number"], header["epoch"], header["curve"]) == (7, 3, 4)
    assert header["train"] == np.float32(training.measured.train)
    assert header["test_score"] == np.float32(training.measured.test_score)
    counts = [int(header[name]) for name in ("layers", "weights", "biases")] + [4, 4, 4]
    at = 4 * (len(HEADER) + sum(counts))
    norms, weights, biases, epochs, train, test = np.split(
        frame[4 * len(HEADER) : at].view(np.float32), np.cumsum(counts)[:-1]
    )
    layers = training.params.layers
    assert np.array_equal(norms, training.measured.norms.astype(np.float32))
    assert np.allclose(weights, np.concatenate([pb.to_numpy(a.W).ravel() for a in layers]))
    assert np.allclose(biases, np.concatenate([pb.to_numpy(a.b) for a in layers]))
    assert epochs.tolist() == [0, 1, 2, 3]
    assert np.allclose(np.stack([train, test], 1), training.losses.values)
    units = int(header["units"])
    assert units == sum(hidden) + 1
    assert (header["unit_side"], header["output_side"]) == (UNIT_SIDE, OUTPUT_SIDE)
    pictures = frame[at : at + units * UNIT_SIDE**2].reshape(units, UNIT_SIDE, UNIT_SIDE)
    output = frame[at + units * UNIT_SIDE**2 :].reshape(OUTPUT_SIDE, OUTPUT_SIDE)
    surfaces = pixels(training.surfaces())
    assert np.array_equal(pictures, surfaces[:, ::3, ::3])
    assert np.array_equal(output, surfaces[-1])


def test_the_page_knows_how_long_the_header_is():
    script = (ROOT / "playground/static/training.js").read_text()
    assert re.search(r"const HEADER = (\d+)", script)[1] == str(len(HEADER))


def test_numbers_that_are_not_finite_are_drawn_as_nothing():
    assert pixels(np.asarray([np.nan, np.inf, -np.inf])).tolist() == [127, 254, 0]


def test_a_network_that_diverged_has_a_frame():
    training = Training(Settings(problem="regression", dataset="plane", rate=10.0, activation="identity"))  # fmt: skip
    for _ in range(50):
        training.advance()
    assert encoded(training, 1).size > 0
