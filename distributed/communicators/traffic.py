"""What a rank has sent: calls, messages and bytes, for each kind of collective."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Count:
    """What one kind of collective came to.

    Attributes
    ----------
    calls : int
        How often this rank took part.
    messages : int
        How many messages it sent.
    bytes : int
        How many bytes these held.
    """

    calls: int = 0
    messages: int = 0
    bytes: int = 0


@dataclass
class Traffic:
    """The counts of one rank on one communicator, by the name of the collective.

    For P ranks and an array of n bytes (of the whole result for `all_gather`), one call is counted as

    ==================  ==============================  ============================================
    collective          messages                        bytes
    ==================  ==============================  ============================================
    all_reduce          2 (P − 1)                       2 (P − 1)/P · n (ring)
    all_gather          P − 1                           (P − 1)/P · n (ring)
    reduce_scatter      P − 1                           (P − 1)/P · n (ring)
    all_to_all          P − 1                           (P − 1)/P · n
    broadcast           1, and 0 of the last in chain   n, and 0 (chain from the root)
    reduce              1, and 0 of the root            n, and 0 (chain to the root)
    agree               P − 1                           24 (P − 1)
    broadcast_object    as broadcast                    of the pickled object
    ==================  ==============================  ============================================

    Fractions of a byte are rounded up. These formulas are those of algorithms that send the fewest bytes. What travels
    is not measured, and may differ: MPI and NCCL choose their algorithms themselves, and arrays that lie in memory that
    ranks of one machine share are counted, although no message carries them.

    Examples
    --------
    >>> from pullback.distributed.communicators.traffic import Traffic
    >>> traffic = Traffic()
    >>> traffic.add("all_reduce", 2, 800)
    >>> traffic["all_reduce"]
    Count(calls=1, messages=2, bytes=800)
    >>> traffic.total().bytes
    800
    """

    counts: dict[str, Count] = field(default_factory=dict)

    def __getitem__(self, kind: str) -> Count:
        return self.counts.get(kind, Count())

    def add(self, kind: str, messages: int, nbytes: int) -> None:
        """Count one call."""
        count = self.counts.setdefault(kind, Count())
        count.calls += 1
        count.messages += messages
        count.bytes += nbytes

    def total(self) -> Count:
        """The sum over all kinds."""
        counts = self.counts.values()
        return Count(
            sum(c.calls for c in counts),
            sum(c.messages for c in counts),
            sum(c.bytes for c in counts),
        )

    def reset(self) -> None:
        """Count from nothing again."""
        self.counts.clear()


def share(nbytes: int, size: int, times: int = 1) -> int:
    """``times · (P − 1)/P · n`` bytes, rounded up: what a ring of P ranks sends from each."""
    return -(-times * (size - 1) * nbytes // size)
