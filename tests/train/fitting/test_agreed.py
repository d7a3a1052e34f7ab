"""A signal to one rank ends all, at the same step."""

from __future__ import annotations

import os
import signal
import time

import pytest

import pullback as pb
from pullback.train.fitting.agreed import AgreedInterrupt
from pullback.train.parallel.ranks import Ranks

from ..parallel._ranks import simulated

HOME = pb.backend.resolve("numpy")
D = pb.distributed


def ranks(group):
    return Ranks(group, HOME)


def test_a_signal_to_one_rank_ends_all_at_the_same_step():
    """Each rank makes steps of another length, and is asked before each of them."""

    def steps(group):
        interrupt = AgreedInterrupt(ranks(group))
        for step in range(100_000):
            if interrupt.asked():
                return step, interrupt.number, interrupt.seen, str(interrupt)
            if group.rank == 1 and step == 57:
                interrupt._note(signal.SIGTERM, None)
            time.sleep(1e-4 * group.rank)
        return None

    found = simulated(3, steps)
    assert len(set(found)) == 1
    step, number, seen, text = found[0]
    assert (number, seen, text) == (signal.SIGTERM, True, "ended by SIGTERM")
    assert 57 < step < 5000


def test_asking_takes_a_message_now_and_then_only():
    def steps(group):
        interrupt = AgreedInterrupt(ranks(group))
        for _ in range(3000):
            interrupt.asked()
        return group.calls

    assert all(calls < 40 for calls in simulated(2, steps))


def test_alone_it_is_the_interrupt_of_one_process():
    assert type(AgreedInterrupt.of(None)).__name__ == "Interrupt"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no SIGUSR1")
def test_the_launchers_signal_is_taken_and_given_back():
    before = signal.getsignal(signal.SIGUSR1)
    with AgreedInterrupt(Ranks(D.world(), HOME)) as interrupt:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert [interrupt.asked() for _ in range(3)][-1]
        assert str(interrupt) == "ended by SIGUSR1"
    assert signal.getsignal(signal.SIGUSR1) == before
