"""Rows for the extension `fft`: odd and even lengths, cropped and padded, every norm, several axes."""

from __future__ import annotations

from typing import Any

from ._table import Case, R, Z, row

NORMS = ("backward", "ortho", "forward")

# ihfft and rfft take real arrays, the others complex ones
ONE_AXIS = {"fft": Z, "ifft": Z, "rfft": R, "irfft": Z, "hfft": Z, "ihfft": R}
SEVERAL_AXES = {"fftn": Z, "ifftn": Z, "rfftn": R, "irfftn": Z}

LENGTHS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("even", (4,), {}),
    ("odd", (5,), {}),
    ("two", (2,), {}),
    ("batch", (2, 3), {}),
    ("axis 0", (3, 2), {"axis": 0}),
    ("middle axis", (2, 4, 1), {"axis": -2}),
    ("padded to even", (3,), {"n": 6}),
    ("padded to odd", (3,), {"n": 7}),
    ("cropped to even", (5, 2), {"n": 4, "axis": 0}),
    ("cropped to odd", (2, 6), {"n": 3}),
    ("n 1", (3,), {"n": 1}),
    ("n 2", (3,), {"n": 2}),
    ("empty batch", (0, 3), {}),
]

AXES: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("all", (2, 3), {}),
    ("all, last even", (3, 4), {}),
    ("three", (2, 3, 2), {}),
    ("some", (2, 3, 4), {"axes": (0, 2)}),
    ("from the end, in another order", (3, 4, 2), {"axes": (-1, 0)}),
    ("one", (3, 4), {"axes": (0,)}),
    ("padded and cropped", (2, 4), {"s": (3, 3), "axes": (0, 1)}),
    ("cropped and padded", (4, 3, 1), {"s": (3, 6), "axes": (0, 1)}),
    ("cropped and padded, in another order", (4, 3), {"s": (5, 2), "axes": (1, 0)}),
    ("empty batch", (0, 3, 2), {"axes": (1, 2)}),
]


def transforms() -> list[Case]:
    rows = []
    for name, M in ONE_AXIS.items():
        rows += [
            row(f"fft.{name}", label, M(*shape), **settings) for label, shape, settings in LENGTHS
        ]
        rows += [
            row(f"fft.{name}", f"{norm} {n}", M(4), n=n, norm=norm)
            for norm in NORMS
            for n in (5, 6)
        ]
    for name, M in SEVERAL_AXES.items():
        rows += [
            row(f"fft.{name}", label, M(*shape), **settings) for label, shape, settings in AXES
        ]
        rows += [row(f"fft.{name}", norm, M(2, 3), norm=norm) for norm in NORMS]
        rows += [
            row(f"fft.{name}", f"{norm}, s", M(2, 3), s=(3, 4), axes=(0, 1), norm=norm)
            for norm in NORMS
        ]
    return rows


# The standard's fft takes real arrays in no version that array_api_strict knows; NumPy's and CuPy's do.
REAL = {"array_api_strict": "takes complex arrays only"}

CASES = [
    *transforms(),
    row("fft.fft", "real", R(3), n=4, _skip=REAL),
    row("fft.ifft", "real", R(3), _skip=REAL),
    row("fft.fftn", "real", R(3, 2), _skip=REAL),
    row("fft.irfft", "real", R(3), _skip=REAL),
    row("fft.hfft", "real", R(3), _skip=REAL),
    *(row(f"fft.{name}", label, M(*shape), **settings)
      for name in ("fftshift", "ifftshift") for M in (R, Z)
      for label, shape, settings in (
          (f"{M.__name__} all axes", (3, 4), {}),
          (f"{M.__name__} one axis", (5, 2), {"axes": 0}),
          (f"{M.__name__} axes", (2, 3, 5), {"axes": (0, -1)}),
          (f"{M.__name__} empty", (0, 3), {}),
      )),
]  # fmt: skip
