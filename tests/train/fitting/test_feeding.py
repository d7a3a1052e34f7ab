"""The batches of an epoch, from any of them on; the checks of what is given are in `test_loop_inputs.py`."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.fitting.feeding import epochs_of


def batches_from(lib, batches, first, size=4, n=11, least=1):
    home = pb.backend.backend_of(lib.asarray(0.0))
    x = np.arange(float(n))
    source = epochs_of(
        (lib.asarray(x), lib.asarray(-x)), "outputs", size, batches, home, least, np.random.default_rng(0)
    )  # fmt: skip
    taken = [[pb.to_numpy(a).tolist() for a in batch] for batch in source.epoch(first)]
    return source, taken


@pytest.mark.parametrize("batches", ["shuffled", "once", "drawn"])
def test_an_epoch_from_a_batch_on_is_the_rest_of_it(lib, batches):
    source, whole = batches_from(lib, batches, 0)
    assert source.steps == len(whole) == 3
    for first in (1, 2, 3):
        assert batches_from(lib, batches, first)[1] == whole[first:]


def test_samples_are_of_every_size(lib):
    for n, sizes in ((11, [4, 3]), (8, [4, 4]), (3, [3])):
        source, _ = batches_from(lib, "shuffled", 0, n=n)
        assert [args[0].shape[0] for args in source.samples()] == sizes
    source, _ = batches_from(lib, "shuffled", 0, n=9, least=2)
    assert [args[0].shape[0] for args in source.samples()] == [4, 5]


def test_all_rows_are_one_batch(lib):
    source, whole = batches_from(lib, "shuffled", 0, size=None)
    assert (source.steps, len(whole), len(list(source.samples()))) == (1, 1, 1)
    assert batches_from(lib, "shuffled", 1, size=None)[1] == []
