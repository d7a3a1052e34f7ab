"""For files of tests on host arrays: NumPy is active while they run, whatever ``PULLBACK_BACKEND`` says.

``from ._host import numpy_is_active  # noqa: F401`` puts the fixture in force for a whole file. Its tests that
take `lib` or `backend` run on the other libraries all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pullback as pb


@pytest.fixture(autouse=True)
def numpy_is_active() -> Iterator[None]:
    with pb.backend.use("numpy"):
        yield
