"""What is sent to workers, and how long they are waited for; how tasks run there is in `test_task_pool.py`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from pullback.train import ClusterError
from pullback.train.parallel.workers import Sent, stop_if_unwanted, timeout, version_here


@pytest.mark.parametrize(("text", "seconds"), [("", 30.0), ("2.5", 2.5)])
def test_the_time_to_wait(text, seconds, monkeypatch):
    monkeypatch.setenv("PULLBACK_DASK_TIMEOUT", text)
    assert timeout() == seconds


def test_nothing_is_stopped_outside_of_a_worker():
    stop_if_unwanted()


def test_what_is_sent_looks_at_the_version_before_all_else(monkeypatch):
    """A worker that joins later is asked nothing before."""
    sent = pickle.dumps(Sent("0.0.1", np.sqrt))
    with pytest.raises(ClusterError, match=r"need pullback 0\.0\.1"):
        pickle.loads(sent)
    assert pickle.loads(pickle.dumps(Sent(version_here(), np.sqrt)))(4.0) == 2.0
