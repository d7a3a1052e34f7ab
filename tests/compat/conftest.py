"""Tests that ask for no library mean NumPy, also where ``PULLBACK_STANDIN=active`` makes the stand-in active."""

from collections.abc import Iterator

import pytest

import pullback as pb


@pytest.fixture(autouse=True)
def _numpy_unless_asked(request: pytest.FixtureRequest) -> Iterator[None]:
    if "backend" in request.fixturenames:
        yield
        return
    with pb.backend.use("numpy"):
        yield
