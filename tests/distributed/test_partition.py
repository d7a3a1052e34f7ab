"""Parts of arrays: together they are everything, each element once, and nearly as long as each other."""

from __future__ import annotations

import numpy as np
import pytest

from pullback.distributed.partition import partition

SHAPES = [[], [()], [(3,)], [(2, 3), (), (5,)], [(0, 4), (7,), (0,)], [(1,)] * 3]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_the_parts_are_everything(shapes, size):
    leaves = list(range(10, 10 + len(shapes)))
    total = sum(int(np.prod(s)) for s in shapes)
    seen = []
    for rank in range(size):
        mine = partition(leaves, shapes, size, rank)
        assert abs(mine.length - total / size) < 1
        places = [place for p in mine.pieces for place in range(p.place, p.place + p.size)]
        assert places == list(range(mine.length))
        seen += [(p.leaf, i) for p in mine.pieces for i in range(p.start, p.stop)]
        assert mine.sizes == tuple(int(np.prod(s)) for s in shapes)
    assert seen == [
        (leaf, i) for leaf, s in zip(leaves, shapes, strict=True) for i in range(int(np.prod(s)))
    ]
