"""Helpers of `test_transformed.py` and the test files split from it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

X = np.asarray([1.0, 2.0, 3.0])


WAYS = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "oldest": lambda x: pickle.loads(pickle.dumps(x, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
