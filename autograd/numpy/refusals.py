"""NumPy's names that `pullback.numpy` refuses, each with the advice what to use; and the functions that are constants.

Every function of `numpy`, `numpy.linalg` and `numpy.fft` is in exactly one of three classes (`class_of`):

* differentiable: `pullback.numpy` has it, and a derivative passes through it (through `floor` and its kin it is 0);
* constant: `pullback.numpy` has it, and its result carries no derivative: integers, booleans, dtypes, text;
* refused: `pullback.numpy` does not have it, and the tables here say what to use.

``np.f(traced)`` follows the same tables (`protocols.py`), and `tools/numpy_page.py` makes `docs/numpy.md` of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_DATES = "dates are no numbers to differentiate; use NumPy's own on NumPy arrays"
_TEXT = "text is no number to differentiate; use NumPy's own on NumPy arrays"
_MATRIX = (
    "numpy.matrix is not supported, as NumPy itself discourages it; use arrays of two axes and @"
)
_RECORDS = "arrays here have no fields; use a dict, a dataclass or a named tuple of arrays, which `grad` takes"
_ITERATOR = "loops over elements are slow on every backend; use whole-array functions, or x.flat and ndindex"
_HOST = "it is about NumPy itself; call numpy.{name}"
_BITS = "packed bits are bytes on the host; use NumPy's own on NumPy arrays"
_SCALAR = "numbers of that class exist on the host alone; use {use}"

# Names of the main namespace that are refused, with what to use instead.
REFUSED: dict[str, str] = {
    "asmatrix": _MATRIX,
    "bmat": "numpy.matrix is not supported; use block, with nested lists of arrays",
    "broadcast": "use broadcast_arrays or broadcast_shapes",
    "busday_count": _DATES,
    "busday_offset": _DATES,
    "busdaycalendar": _DATES,
    "bytes_": _TEXT,
    "char": _TEXT,
    "character": _TEXT,
    "clongdouble": _SCALAR.format(use="complex128"),
    "complex256": _SCALAR.format(use="complex128"),
    "core": "it is private to NumPy",
    "ctypeslib": "it is about memory on the host; use pb.to_numpy(x) and numpy.ctypeslib",
    "datetime64": _DATES,
    "datetime_as_string": _DATES,
    "datetime_data": _DATES,
    "dtypes": _HOST.format(name="dtypes"),
    "exceptions": _HOST.format(name="exceptions"),
    "emath": "results whose dtype depends on values cannot be recorded; use sqrt(x + 0j), log(x + 0j) and their kin",
    "f2py": _HOST.format(name="f2py"),
    "flatiter": "use x.flat",
    "flexible": _TEXT,
    "float128": _SCALAR.format(use="float64"),
    "frompyfunc": "it makes arrays of Python objects; use vectorize, or write the function with arrays",
    "get_include": _HOST.format(name="get_include"),
    "getbufsize": _HOST.format(name="getbufsize"),
    "geterrcall": _HOST.format(name="geterrcall"),
    "in1d": "NumPy removed it; use isin",
    "info": "use help(pullback.numpy.f)",
    "is_busday": _DATES,
    "lib": "use pullback.numpy's own functions; numpy.lib.stride_tricks.sliding_window_view(x) works",
    "longdouble": _SCALAR.format(use="float64"),
    "ma": "use where with a mask, nansum, nanmean and their kin, or where= of the reductions",
    "matrix": _MATRIX,
    "memmap": "read it by numpy.memmap, and pass slices of it: NumPy arrays are taken wherever arrays are",
    "nditer": _ITERATOR,
    "nested_iters": _ITERATOR,
    "object_": "arrays here hold numbers; use lists, or trees of arrays (pb.tree)",
    "packbits": _BITS,
    "poly1d": "use its coefficients with polyval, polyadd, polymul, polyder, polyint and roots",
    "polynomial": "use polyval, polyfit, polyadd, polymul, polyder, polyint and roots",
    "rec": _RECORDS,
    "recarray": _RECORDS,
    "record": _RECORDS,
    "sctypeDict": _HOST.format(name="sctypeDict"),
    "setbufsize": _HOST.format(name="setbufsize"),
    "seterrcall": _HOST.format(name="seterrcall"),
    "show_config": _HOST.format(name="show_config"),
    "show_runtime": _HOST.format(name="show_runtime"),
    "str_": _TEXT,
    "strings": _TEXT,
    "test": "it tests NumPy itself",
    "testing": "use pb.check_grads for derivatives, and numpy.testing on pb.to_numpy(x) for values",
    "timedelta64": _DATES,
    "trapz": "NumPy removed it; use trapezoid",
    "typing": _HOST.format(name="typing"),
    "ufunc": "use the functions themselves, such as pullback.numpy.add, which have reduce, accumulate and outer",
    "unpackbits": _BITS,
    "void": _RECORDS,
}

LINALG_REFUSED: dict[str, str] = {
    "test": "it tests NumPy itself",
    "linalg": "it is private to NumPy",
}
FFT_REFUSED: dict[str, str] = {
    "test": "it tests NumPy itself",
    "helper": "NumPy removed it; the functions are in fft itself",
}

# Names above that not every version of NumPy from 2.1 on has, or not every machine's.
GONE = frozenset(
    (
        "clongdouble",
        "complex256",
        "core",
        "float128",
        "helper",
        "in1d",
        "linalg",
        "row_stack",
        "trapz",
    )
)

# Functions of `pullback.numpy` whose results carry no derivative.
CONSTANT = frozenset(
    """
    all allclose any argmax argmin argpartition argsort argwhere array2string array_equal array_equiv array_repr
    array_str bartlett base_repr binary_repr bitwise_and bitwise_count bitwise_invert bitwise_left_shift
    bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman broadcast_shapes can_cast common_type
    count_nonzero diag_indices diag_indices_from digitize einsum_path empty empty_like equal eye flatnonzero
    format_float_positional format_float_scientific frombuffer fromfile fromiter fromregex fromstring gcd
    genfromtxt get_printoptions geterr greater greater_equal hamming hanning identity
    indices invert isclose iscomplex iscomplexobj isdtype isfinite isfortran isin isinf isnan isnat isneginf
    isposinf isreal isrealobj isscalar issubdtype iterable ix_ lcm left_shift less less_equal lexsort load
    loadtxt logical_and logical_not logical_or logical_xor mask_indices may_share_memory min_scalar_type
    mintypecode nanargmax nanargmin ndim nonzero not_equal ones ones_like printoptions promote_types
    ravel_multi_index result_type right_shift save savetxt savez savez_compressed searchsorted set_printoptions
    seterr shape shares_memory signbit size spacing tri tril_indices tril_indices_from triu_indices
    triu_indices_from typename unravel_index zeros zeros_like
    """.split()  # noqa: SIM905 - a table
)
LINALG_CONSTANT = frozenset(("matrix_rank",))
FFT_CONSTANT = frozenset(("fftfreq", "rfftfreq"))


def advice_on(name: str, section: str = "") -> str:
    """The advice what to use instead of a name that is refused; empty for other names.

    Examples
    --------
    >>> from pullback.autograd.numpy.refusals import advice_on
    >>> advice_on("trapz")
    'NumPy removed it; use trapezoid'
    """
    tables = {"": REFUSED, "linalg": LINALG_REFUSED, "fft": FFT_REFUSED}
    return tables[section].get(name, "")


def missing(section: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module of `pullback.numpy`: an error that says what to use instead."""
    module = f"pullback.numpy.{section}".removesuffix(".")
    of_numpy = getattr(np, section) if section else np

    def lookup(name: str) -> Any:
        advice = "" if name.startswith("__") else advice_on(name, section)
        why = (
            f": {advice}"
            if advice
            else ""
            if hasattr(of_numpy, name)
            else ", and neither has NumPy"
        )
        raise AttributeError(f"{module} has no {name!r}{why}")

    return lookup


def class_of(name: str, section: str = "") -> str:
    """The class of a function of NumPy's: "refused", "constant" or "differentiable"."""
    if advice_on(name, section):
        return "refused"
    constant = {"": CONSTANT, "linalg": LINALG_CONSTANT, "fft": FFT_CONSTANT}[section]
    return "constant" if name in constant else "differentiable"
