"""What a launcher says, and work that all ranks do together or not at all."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.train.fitting.signals import Terminated
from pullback.train.parallel.launch import group_of, launched, refuse_several, together, where
from pullback.train.parallel.ranks import of_rank_0

D = pb.distributed


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in ("OMPI_COMM_WORLD", "PMI", "MV2_COMM_WORLD"):
        monkeypatch.delenv(f"{name}_RANK", raising=False)
        monkeypatch.delenv(f"{name}_SIZE", raising=False)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, (0, 1)),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}, (2, 4)),
        ({"PMI_RANK": "1", "PMI_SIZE": "2"}, (1, 2)),
        ({"PMI_RANK": "1"}, (0, 1)),
        ({"PMI_RANK": "x", "PMI_SIZE": "2"}, (0, 1)),
        ({"PMI_RANK": "2", "PMI_SIZE": "2"}, (0, 1)),
    ],
)
def test_the_launcher_s_variables_are_read(monkeypatch, variables, found):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launched() == found


def test_a_command_of_one_process_is_refused_where_there_are_several(monkeypatch):
    refuse_several("tune")
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "3")
    with pytest.raises(
        pb.train.InputError, match=r"has started 3 processes, .* without the launcher"
    ):
        refuse_several("tune")
    with pytest.raises(pb.train.InputError, match="add --distributed mpi"):
        refuse_several("train")


def test_an_unknown_kind_is_refused():
    with pytest.raises(pb.train.InputError, match=r"distributed: 'gloo' is none of mpi, nccl"):
        group_of("gloo")


def test_where_it_runs_is_said():
    assert D.simulate(lambda: where(D.world()), 4) == ["on 4 ranks by THREADS"] * 4
    assert "mpirun -n 4 pullback train" in where(D.world())


def test_work_that_fails_nowhere_is_each_rank_s_own():
    assert D.simulate(lambda: together(D.world(), lambda: D.rank() ** 2), 3) == [0, 1, 4]
    assert together(None, lambda: 5) == 5


@pytest.mark.parametrize("failing", [[1], [0, 1, 2]])
@pytest.mark.parametrize("error", [pb.train.InputError("no such file: x.csv"), MemoryError("8 GB")])
def test_an_error_on_one_rank_is_everybody_s(failing, error):
    def work():
        if D.rank() in failing:
            raise error
        return "read"

    def told():
        with pytest.raises(pb.train.InputError) as caught:
            together(D.world(), work)
        return str(caught.value)

    found = D.simulate(told, 3)
    assert len(set(found)) == 1
    where = "" if len(failing) == 3 else "rank 1 of 3: "
    what = (
        "no such file: x.csv"
        if isinstance(error, pb.train.InputError)
        else "not enough memory (8 GB)"
    )
    assert found[0].startswith(where + what)


@pytest.mark.parametrize("doing", [together, of_rank_0])
def test_a_signal_to_one_rank_meanwhile_ends_all_alike(doing):
    def work():
        if D.rank() == 0:
            raise Terminated.by(15)

    def told():
        with pytest.raises(Terminated, match="SIGTERM") as caught:
            doing(D.world(), work)
        return caught.value.number

    assert D.simulate(told, 3) == [15] * 3


def test_other_errors_are_not_hidden():
    def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        D.simulate(lambda: together(D.world(), work), 2)
