"""What the ranks of a training agree on; and that one that does otherwise is told, not trained on or waited for."""

from __future__ import annotations

import numpy as np
import pytest

import pullback as pb
from pullback.train.parallel.ranks import Ranks, checksum, of_rank_0

from ._ranks import simulated

HOME = pb.backend.resolve("numpy")
X = np.arange(20.0).reshape(10, 2)
D = pb.distributed


def ranks(group):
    return Ranks(group, HOME)


def test_the_rows_of_all_ranks_are_the_rows():
    shares = simulated(3, lambda group: ranks(group).rows(8))
    assert shares == [slice(0, 3), slice(3, 6), slice(6, 8)]
    assert simulated(3, lambda group: ranks(group).rows(2)) == [slice(0, 2)] * 3


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("batch_size", "with the same arguments"),
        ("the training data's digest", "need the same seed"),
    ],
)
def test_a_setting_that_differs_is_named_on_every_rank(name, advice):
    def check(group):
        settings = {"seed": "0", name: "8" if group.rank == 2 else "7"}
        with pytest.raises(
            D.DistributedError, match=rf"fit: {name} is 8 on rank 2 and 7 on rank 0"
        ) as told:
            ranks(group).check_settings(settings)
        return advice in str(told.value)

    assert simulated(3, check) == [True] * 3
    assert simulated(2, lambda group: ranks(group).check_settings({"seed": "0"})) == [None] * 2


def test_what_rank_0_does_and_its_error_are_everybodys():
    def work(group):
        found = of_rank_0(group, lambda: [group.rank, "read"])
        with pytest.raises(pb.train.InputError, match="is damaged"):
            of_rank_0(group, broken)
        return found

    def broken():
        raise pb.train.InputError("the file is damaged")

    assert simulated(2, work) == [[0, "read"]] * 2


def test_models_that_differ_in_a_bit_are_told_on_every_rank():
    def check(group):
        model = {"w": np.ones(3), "n": 1}
        ranks(group).check_model(model, 1)
        model["w"][1] = np.nextafter(1.0, 2.0) if group.rank == 1 else 1.0
        with pytest.raises(
            D.DistributedError, match="after epoch 2 the model of rank 1 is not that"
        ):
            ranks(group).check_model(model, 2)
        return True

    assert simulated(3, check) == [True] * 3


def test_a_checksum_is_of_bits_shapes_aside():
    a = {"w": np.arange(6.0), "b": np.zeros(2)}
    assert checksum(a) == checksum(pb.tree.map(np.copy, a))
    assert checksum(a) != checksum({"w": np.arange(6.0), "b": np.asarray([0.0, -0.0])})
    assert 0 <= checksum(a) < 1 << 56


def test_the_key_of_each_rank_is_its_own():
    keys = simulated(
        3, lambda group: tuple(pb.to_numpy(ranks(group).own_key(pb.random.key(0)).value))
    )
    assert len(set(keys)) == 3


@pytest.mark.usefixtures("on_numpy")
def test_a_state_is_averaged_by_rows_but_for_batch_statistics():
    model = {
        "norm": pb.models.BatchNorm.init(2, dtype="float64"),
        "mean": np.zeros(2),
        "n": np.zeros(0),
    }
    moving = [False, False, True, True, False, False]

    def average(group):
        renewed = ranks(group).renewed(model, moving)
        after = pb.tree.map(lambda a: a + 1.0 + group.rank, model)
        return renewed(after, 1 + group.rank)

    for rank, found in enumerate(simulated(2, average)):
        np.testing.assert_allclose(found["mean"], (1 * 1 + 2 * 2) / 3, rtol=1e-15)
        np.testing.assert_array_equal(found["norm"].running_mean, 1.0 + rank)
        assert found["n"].shape == (0,)
    plain = pb.models.MLP([2, 1])
    assert simulated(2, lambda group: ranks(group).renewed(plain, [True, True])) == [None] * 2


def test_numbers_and_arrays_of_all_ranks():
    def gather(group):
        own = ranks(group)
        return own.table((group.rank, np.nan)), own.joined({"x": X[own.rows(10)]})["x"]

    for table, joined in simulated(3, gather):
        np.testing.assert_array_equal(table, [[0, np.nan], [1, np.nan], [2, np.nan]])
        np.testing.assert_array_equal(joined, X)
