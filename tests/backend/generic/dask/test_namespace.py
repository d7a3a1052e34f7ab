"""Every function of `pb.xp` on Dask arrays in chunks: lazy, right with its gradient, or refused with advice.

One row of tests/cases/ for each function; `_table.py` runs any other.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import pullback as pb

from ....cases._table import Case, collect
from ._dask import LAYOUTS, counted, da
from ._table import Refused, run

xp = pb.xp
# layers that are formulas of the others, which take long
LAYERS = {
    "lstm_sequence",
    "gru_sequence",
    "self_attention",
    "convolution_vjp_x",
    "convolution_vjp_W",
    "avg_pool_vjp",
}
PARTS = {"special.airy", "special.sici"}  # several results
DOCS = Path(__file__).resolve().parents[4] / "docs" / "guide" / "dask.md"


def chosen(cases: list[Case]) -> list[Case]:
    """One row for each function: the first with two elements along an axis, and none empty."""
    found: dict[str, Case] = {}
    for case in cases:
        shapes = [m.shape if m.values is None else np.shape(m.values) for m in case.makers()]
        good = any(n > 1 for shape in shapes for n in shape) and all(0 not in s for s in shapes)
        if good and case.name not in found:
            found[case.name] = case
    special = [name for name in found if name.startswith("special.") and name not in PARTS]
    left_out = LAYERS | {name for i, name in enumerate(special) if i % 8}  # all go one way
    return [case for name, case in found.items() if name not in left_out]


CASES = chosen(collect())
SECTIONS = sorted(
    {case.name.partition(".")[0] if "." in case.name else case.name[0] for case in CASES}
)


def listed(heading: str) -> set[str]:
    """The functions that a section of docs/guide/dask.md names at the beginning of a line of its list."""
    text = DOCS.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    text = re.sub(r"\n +", " ", text)
    lines = re.findall(r"^- ((?:`[^`]+`(?:, )?)+)", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"`([^`]+)`", line)}


@pytest.mark.parametrize("section", SECTIONS)
def test_functions_in_chunks_are_lazy_and_right_or_refused_as_documented(section):
    one_chunk, never = (
        listed("What needs rows or matrices in one chunk"),
        listed("What does not take Dask arrays"),
    )
    wrong = []
    for case in CASES:
        if section != (case.name.partition(".")[0] if "." in case.name else case.name[0]):
            continue
        try:
            run(case, LAYOUTS["tiles"])
        except Refused as error:
            if case.name not in one_chunk | never:
                wrong.append(f"{case.id}: not in docs/guide/dask.md: {error}")
        try:
            if case.name in one_chunk:
                run(case, LAYOUTS["one"])
        except Refused as error:
            wrong.append(f"{case.id} in one chunk: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sorted(listed("What does not take Dask arrays")))
def test_what_the_page_says_is_refused_is_refused(name):
    cases = [case for case in collect() if case.name == name and case.label != "empty"]
    assert cases, f"{name}: no such function in tests/cases"
    with pytest.raises(Refused):
        run(cases[0], LAYOUTS["tiles"])


def test_chunks_of_results_are_those_of_arguments():
    x = da.from_array(np.arange(12.0).reshape(4, 3), chunks=(2, 3))
    with counted() as count:
        g = pb.grad(lambda x: xp.sum(xp.exp(xp.asarray(x) * 2)))(x)
        h = pb.grad(lambda x: xp.sum(xp.asarray(x)[1:, ::2] ** 2))(x)
        assert count.computes == 0
    assert g.chunks == h.chunks == x.chunks


def test_showing_an_array_computes_nothing_and_reading_it_does():
    x = da.ones((3, 2), chunks=2)
    with counted() as count:
        assert repr(xp.asarray(x)).startswith("Array(dask.array<")
        pb.grad(lambda x: xp.sum(x) if "traced" in repr(x) else None)(x)
        assert count.computes == 0
        np.testing.assert_array_equal(pb.to_numpy(x), np.ones((3, 2)))
        assert float(xp.sum(xp.asarray(x))) == 6.0
        assert count.computes == 2
        with pytest.raises(TypeError, match="stop_gradient"):
            pb.grad(lambda x: float(xp.sum(x)) * xp.sum(x))(x)
        assert count.computes == 2


def test_functions_with_derivatives_of_their_own_and_stopped_ones():
    @pb.custom_vjp
    def double(x):
        return 2 * x

    double.defvjp(lambda x: (2 * x, None), lambda _, ct: (3 * ct,))
    x = da.ones(4, chunks=2)
    with counted() as count:
        a = pb.grad(lambda x: xp.sum(double(x)))(x)
        b = pb.grad(lambda x: xp.sum(pb.stop_gradient(x) * x))(2 * x)
        c = pb.grad(lambda x: xp.sum(pb.checkpoint(xp.exp)(x)))(0 * x)
        assert count.computes == 0
    for y, wanted in ((a, 3.0), (b, 2.0), (c, 1.0)):
        np.testing.assert_array_equal(np.asarray(y), wanted)


def test_compiling_for_dask_arrays_is_refused_at_the_first_call():
    compiled = pb.compile(pb.grad(lambda x: pb.xp.sum(x * x)))
    with pytest.raises(TypeError, match="a Dask array, which is a program already"):
        compiled(da.ones(3))


def test_numbers_that_lengths_depend_on_are_not_computed():
    with counted() as count, pytest.raises(TypeError, match=r"x\.compute\(\)\.item\(\)"):
        xp.arange(da.asarray(3.0))
    assert count.computes == 0
