"""Tests of `autograd/compile/cpu/templates.py`."""

from __future__ import annotations

from pullback.autograd.compile.cpu.templates import FREE, POSITIVE, Holes, Template

NONE: frozenset[int] = frozenset()


def template(holes: Holes, *lines: str) -> Template:
    text = "\n".join([f"def kernel({FREE}, arg0):", *(f"    {line}" for line in lines)])
    return Template(text, tuple(holes.kinds), {}, "")


def test_holes_are_by_role_and_not_by_value():
    holes = Holes()
    rows, columns = holes.number(64, "rows"), holes.number(64, "columns")
    assert rows != columns
    assert holes.number(64, "rows") == rows
    assert holes.number(64) != holes.number(64)
    assert holes.numbers == [64] * 4


def test_numbers_in_the_text():
    holes = Holes()
    first, n, step = holes.offset(0), holes.number(5), holes.number(-2)
    c = holes.constant(0.5, "float32")
    made = template(holes, f"for i in range({n}):", f"    arg0[{first} + i * {step}] = {c}")
    rendered = made.render((0, 5, -2, 0.5), NONE)
    assert rendered.body.split("\n") == [
        "def kernel(arg0):", "    for i in range(5):", "        arg0[i * -2] = c0",
    ]  # fmt: skip
    assert rendered.constants == {"np.float32(0.5)": "c0"}
    assert rendered.text().startswith("c0 = np.float32(0.5)\ndef kernel(arg0):\n")
    other = made.render((7, 6, -2, 0.5), NONE).body
    assert "range(6)" in other
    assert "arg0[7 + i * -2]" in other


def test_numbers_that_are_arguments():
    holes = Holes()
    n, step, whole = holes.number(5), holes.number(-2), holes.constant(3, "int32")
    c, d = holes.constant(0.5, "float32"), holes.constant(2.0, "float64")
    made = template(holes, f"arg0[{n} + {step}] = {c} + {whole} * {d}")
    rendered = made.render((5, -2, 3, 0.5, 2.0), frozenset((0, 1, 2, 3)))
    assert (rendered.integers, rendered.reals) == ([0, 1, 2], [3])
    assert rendered.body.split("\n") == [
        "def kernel(numbers, reals, arg0):",
        f"    n0 = numbers[0] & {POSITIVE}",
        "    n1 = numbers[1]",  # may be negative
        "    n2 = np.int32(numbers[2])",
        "    r3 = np.float32(reals[0])",
        "    arg0[n0 + n1] = r3 + n2 * c0",
    ]
    assert rendered.constants == {"np.float64(2.0)": "c0"}


def test_one_name_for_equal_constants_of_the_text_alone():
    holes = Holes()
    a, b, c = (holes.constant(x, "float32") for x in (0.5, 0.5, -0.0))
    made = template(holes, f"arg0[0] = {a} + {b} + {c}")
    assert made.render((0.5, 0.5, -0.0), NONE).constants == {
        "np.float32(0.5)": "c0",
        "np.float32(-0.0)": "c1",
    }
    assert "r0 + r1 + c0" in made.render((0.5, 0.5, -0.0), frozenset((0, 1))).body


def test_infinity_has_a_text():
    holes = Holes()
    made = template(holes, f"arg0[0] = {holes.constant(float('inf'), 'float64')}")
    assert made.render((float("inf"),), NONE).constants == {'np.float64(float("inf"))': "c0"}


def test_constants_that_are_no_holes():
    holes = Holes()
    assert holes.constant(float("nan"), "float32") is None
    assert holes.constant((1 << 53) + 1, "float64") is None  # no float64
    assert holes.constant(1 << 63, "uint64") is None  # no int64
    assert holes.constant(1j, "complex128") is None
    assert holes.constant(True, "float32") is None
    assert holes.numbers == []
