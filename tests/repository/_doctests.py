"""How examples are run and compared."""

from __future__ import annotations

import doctest
import re

import numpy as np

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def plain(text: str) -> str:
    """What is printed, without what is each library's own affair: the device, and the signs of zeros."""
    text = re.sub(r"device='<CUDA Device \d+>'", "device='cpu'", text)
    text = re.sub(r"-(0\.?j)", r"+\1", text)
    text = re.sub(r"-0\.(?=[\s,\])])", "0.", text)
    return re.sub(r"\[\s+", "[", text)


class Checker(doctest.OutputChecker):
    """Compares what is left of both by `plain`."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(plain(want), plain(got), optionflags)


def run(test: doctest.DocTest) -> doctest.TestResults:
    with np.printoptions(legacy=False):
        return doctest.DocTestRunner(checker=Checker(), optionflags=FLAGS, verbose=False).run(test)
