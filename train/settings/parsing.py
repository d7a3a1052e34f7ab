"""Settings from texts, as the command line has them."""

from __future__ import annotations

import csv

from ..errors import InputError, shown


def parse_hidden(text: str) -> tuple[int, ...]:
    """The layer widths in ``"128,64"``; none in ``"none"``.

    Raises
    ------
    InputError
        If it is not a list of integers.

    Examples
    --------
    >>> parse_hidden("128, 64")
    (128, 64)
    """
    if text.strip().lower() in ("", "none"):
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"hidden: {shown(text)} is no list of layer widths; write 128,64 or, for no layers, none"
        ) from None


def parse_warmup(text: str) -> int | float:
    """A number of steps, or a share of them.

    Raises
    ------
    InputError
        If it is no number.

    Examples
    --------
    >>> parse_warmup("100"), parse_warmup("0.1")
    (100, 0.1)
    """
    try:
        return int(text) if text.strip().isdigit() else float(text)
    except ValueError:
        raise InputError(
            f"warmup: {shown(text)} is neither a number of steps, as 100, nor a share of them, as 0.1"
        ) from None


def parse_names(text: str) -> tuple[str, ...]:
    """The names of columns in a list with commas; one with a comma in it stands in double quotes.

    Raises
    ------
    InputError
        If a name is empty, or a quotation mark stands alone.

    Examples
    --------
    >>> parse_names('age, "size, in cm"')
    ('age', 'size, in cm')
    """
    try:
        (names,) = csv.reader([text], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        names = [""]
    stripped = tuple(name.strip() for name in names)
    if not all(stripped):
        raise InputError(f"{shown(text)} is no list of columns; write age,colour")
    return stripped
