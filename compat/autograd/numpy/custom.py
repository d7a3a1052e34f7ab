"""The functions that HIPS autograd writes out: of lists, `array`, `where`, `r_` and `c_`, `make_diagonal`."""

from __future__ import annotations
