"""Tests of `autograd/functions/documentation/entries.py`: how a docstring is put together."""

from __future__ import annotations

from pullback.autograd.functions.documentation.entries import CONJUGATES, put_together, split

TEXT = """
#### first, second
The summary.
More of it.
x1, x2: real pair
k: int | Which one,
  of many.
-> tuple | Two.
x1_bar = ct
x2_bar = conj(ct)
. A note.
! ValueError: If not.
@ DLMF 4.7
>>> pb.xp.ones(1)
Array([1.], dtype=float64, device='cpu')

#### third
Another.
constant
"""


def test_entries_are_found_by_name():
    found = split(TEXT)
    assert list(found) == ["first", "second", "third"]
    assert found["first"] == found["second"]


def test_a_docstring_has_the_sections_in_numpydoc_s_order():
    text = put_together(split(TEXT)["first"], ("x1", "x2", "keepdims", "k"))
    assert (
        text
        == f"""The summary.

More of it.

Parameters
----------
x1, x2 : array or number
    Of a real dtype; their shapes broadcast. One of the two may be a Python number.
keepdims : bool
    Keep the axes that are reduced, with length 1.
k : int
    Which one,
    of many.

Returns
-------
tuple
    Two.

Raises
------
ValueError
    If not.

Notes
-----
The pullback, with the cotangent ct of the result::

    x1_bar = ct
    x2_bar = conj(ct)

A note.

{CONJUGATES}

References
----------
NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 4.7.

Examples
--------
>>> import pullback as pb
>>> pb.xp.ones(1)
Array([1.], dtype=float64, device='cpu')"""
    )


def test_a_parameter_that_nobody_describes_is_left_out():
    """So that the walk over all functions finds it missing."""
    text = put_together(split(TEXT)["third"], ("unheard",))
    assert "unheard" not in text
    assert "carries no derivative" in text
