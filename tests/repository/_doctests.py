"""How examples are run and compared."""

from __future__ import annotations

import doctest
import re

import numpy as np

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


class Checker(doctest.OutputChecker):
    """Where an array lies is the machine's own affair: any device is as good as the CPU's."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        got = re.sub(r"device='<CUDA Device \d+>'", "device='cpu'", got)
        return super().check_output(want, got, optionflags)


def run(test: doctest.DocTest) -> doctest.TestResults:
    with np.printoptions(legacy=False):
        return doctest.DocTestRunner(checker=Checker(), optionflags=FLAGS, verbose=False).run(test)
