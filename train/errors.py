"""Errors from outside the program: data, files and settings that cannot be used."""

from __future__ import annotations

from typing import Any

from .importing import whole_import

# Of a message: a file may hold texts of any length.
_LONGEST = 1000


class InputError(ValueError):
    """An error in what the user gave; the message is one line that says what and where.

    The command line prints the message and ends with exit code 2.
    """


class WriteError(InputError):
    """An error of a file that could not be written (disk full, read-only, no permission); the old one is intact."""


class ClusterError(InputError):
    """An error of a Dask cluster: no scheduler or worker answers, or they lack what the tasks need."""


class MissingExtra(InputError):
    """An error of an optional package that is not installed; the message says how to get it."""


def extra(module: str, purpose: str, of: str = "train") -> Any:
    """Import an optional dependency, or say in one line how to install it.

    Parameters
    ----------
    module : str
        The module's dotted name, as ``"sklearn.datasets"``.
    purpose : str
        What it is needed for, as the start of a sentence.
    of : str
        The extra of pullback that brings it.

    Raises
    ------
    MissingExtra
        If the module cannot be found.
    """
    try:
        return whole_import(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            # the package is there, and broken: this is another error, with its own traceback
            raise
        package = {"sklearn": "scikit-learn"}.get(error.name, error.name)
        message = f"{purpose} needs {package}: pip install 'pullback[{of}]'"
        raise MissingExtra(message) from None


def listed(names: Any, limit: int = 30) -> str:
    """The names as one readable line, cut off after `limit` of them.

    Examples
    --------
    >>> listed(["a", "b", "c"], limit=2)
    'a, b, and 1 more'
    """
    names = [str(name) for name in names]
    if len(names) <= limit:
        return ", ".join(names)
    return ", ".join(names[:limit]) + f", and {len(names) - limit} more"


def counted(number: int, noun: str) -> str:
    """The number with its noun, in the plural where it belongs.

    Examples
    --------
    >>> counted(1, "column"), counted(3, "class"), counted(1797, "sample")
    ('1 column', '3 classes', '1,797 samples')
    """
    if number != 1:
        noun += "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}"


def one_line(text: Any) -> str:
    r"""A text on one line, without characters that a terminal would obey, and not without end.

    Examples
    --------
    >>> one_line("a\n  b\x1b[2J")
    'a b\\x1b[2J'
    """
    words = " ".join(str(text).split())
    if len(words) > _LONGEST:
        words = f"{words[: _LONGEST - 100]} … {words[-90:]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in words)


def shown(value: Any, most: int = 60) -> str:
    """The text of a value, cut off where it is long; Python refuses to print integers of 5,000 digits.

    Examples
    --------
    >>> shown("many"), shown(10**5000)
    ("'many'", 'an integer of 16,610 bits')
    """
    try:
        text = repr(value)
    except ValueError:
        bits = f" of {value.bit_length():,} bits" if isinstance(value, int) else " in it"
        return f"an integer{bits}"
    except RecursionError:
        return f"a {type(value).__name__} nested without end"
    return text if len(text) <= most else text[: most - 1] + "…"
