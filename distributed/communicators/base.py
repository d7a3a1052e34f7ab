"""The interface of communicators, and what all of them have in common: checks, agreement, counting.

Before a collective moves anything, the ranks exchange a digest of what each is about to do (`Communicator.agree`).
Where the digests differ, every rank raises, and says what each rank asked for: no rank waits for data that never come,
and no rank takes another collective's data for its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import pickle
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...autograd.core.dtypes import as_numpy
from ...autograd.core.typing import RawArray
from .request import Request
from .rounded import RoundedSum, check_travel
from .traffic import Traffic, share

OPS = ("sum", "mean")
# A digest of what is asked for, a number, and how many collectives were started; −1 at the end of the program.
_HEAD = struct.Struct("<8sqq")
_REMARK = 60  # bits of a length; a remark is in those above
_TEXT = 1024  # bytes of a description, where ranks differ


def head_of_end() -> bytes:
    """What a rank that has ended its program gives to an exchange."""
    return _HEAD.pack(b"ended", 0, -1)


class DistributedError(RuntimeError):
    """Ranks that disagree, that are gone, or that have been waited for in vain; the message says which and why."""


class Communicator(ABC):
    """A group of ranks, as one of them sees it.

    Its collectives take and return raw arrays of one library (NumPy's for MPI, CuPy's for NCCL, any for threads); each
    result is a fresh array. All ranks have to call the same collectives in the same order; where they do not, each of
    them raises.

    Attributes
    ----------
    name : {"mpi", "nccl", "threads"}
        What carries the messages.
    rank, size : int
        Which rank this is, and how many there are.
    timeout : float
        After how many seconds of waiting a rank gives up.
    traffic : Traffic
        What this rank has sent through this communicator.
    """

    name = ""

    def __init__(self, rank: int, size: int, timeout: float | None = None) -> None:
        self.rank, self.size = rank, size
        self.timeout = default_timeout() if timeout is None else timeout
        self.traffic = Traffic()
        self.calls = 0  # of `agree`: the same number on all ranks
        self.starts = 0  # of collectives that go on by themselves
        self.remark = 0  # two bits that go along with the next `all_gather`
        self.remarks: list[int] = []  # those of all ranks, of the last one
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<{self.name}: rank {self.rank} of {self.size}>"

    # ── collectives ───────────────────────────────────────────────────────────────────────────

    def all_reduce(self, x: RawArray, op: str = "sum") -> Any:
        """The sum, or the mean, of all ranks' arrays of one shape and dtype; the same bits on every rank."""
        x = as_array(x)
        self._check_operand("all_reduce", x, op)
        self.agree(describe("all_reduce", x, op=op))
        self.traffic.add("all_reduce", 2 * (self.size - 1), share(nbytes(x), self.size, 2))
        return self._scaled(self._sum(x), op)

    def all_gather(self, x: RawArray, axis: int = 0) -> Any:
        """All ranks' arrays, joined along `axis` by rank; their lengths along it may differ."""
        x = as_array(x)
        self._check_array("all_gather", x)
        axis = checked_axis("all_gather", x, axis)
        number = x.shape[axis] + (self.remark << _REMARK)
        found = self.agree(describe("all_gather", x, varies=axis, axis=axis), number)
        lengths = [n & ((1 << _REMARK) - 1) for n in found]
        self.remarks = [n >> _REMARK for n in found]
        total = nbytes(x, sum(lengths), axis)
        self.traffic.add("all_gather", self.size - 1, share(total, self.size))
        return self._gather(x, axis, lengths)

    def reduce_scatter(
        self, x: RawArray, op: str = "sum", axis: int = 0, length: int | None = None
    ) -> Any:
        """The sum, or the mean, of all ranks' arrays, and of it this rank's part along `axis`.

        Parameters
        ----------
        x : array
            Of one shape and dtype on all ranks.
        op : {"sum", "mean"}
            How to combine.
        axis : int
            Which axis is divided.
        length : int, optional
            How long this rank's part is: the parts of all ranks make up the axis. Without, all are equal.

        Raises
        ------
        ValueError
            If the parts do not make up the axis; on every rank.
        """
        x = as_array(x)
        self._check_operand("reduce_scatter", x, op)
        axis = checked_axis("reduce_scatter", x, axis)
        wanted = self.agree(
            describe("reduce_scatter", x, op=op, axis=axis), -1 if length is None else length
        )
        lengths = self._parts(x, axis, wanted)
        self.traffic.add("reduce_scatter", self.size - 1, share(nbytes(x), self.size))
        return self._scaled(self._scatter(x, axis, lengths), op)

    def broadcast(self, x: RawArray, root: int = 0) -> Any:
        """The array of rank `root`; all ranks give one of the same shape and dtype."""
        x = as_array(x)
        self._check_array("broadcast", x)
        root = self._checked_rank("broadcast", root)
        self.agree(describe("broadcast", x, root=root))
        last = self.rank == (root - 1) % self.size
        self.traffic.add("broadcast", int(not last), 0 if last else nbytes(x))
        return self._broadcast(x, root)

    def reduce(self, x: RawArray, root: int = 0, op: str = "sum") -> Any:
        """On rank `root` the sum, or the mean, of all ranks' arrays; zeros on the others."""
        x = as_array(x)
        self._check_operand("reduce", x, op)
        root = self._checked_rank("reduce", root)
        self.agree(describe("reduce", x, root=root, op=op))
        here = self.rank == root
        self.traffic.add("reduce", int(not here), 0 if here else nbytes(x))
        return self._scaled(self._sum_to(x, root), op)

    def start_all_reduce(
        self, buffer: RawArray, op: str = "sum", travel: str | None = None
    ) -> Request:
        """Start an all-reduce in place, which goes on while this rank does other work.

        Ranks do not agree on it here: call `agree` once for all that are started, with what describes them.

        Parameters
        ----------
        buffer : array
            Contiguous and writeable; neither read nor written to until it is complete. It holds the result then.
        op : {"sum", "mean"}
            How to combine.
        travel : {None, "bfloat16"}
            With "bfloat16" numbers are rounded to 16 bits on their way, and so is the sum; they are added in float32,
            by NCCL in bfloat16.

        Returns
        -------
        Request
            Its ``wait()`` returns `buffer`.
        """
        self._check_operand("start_all_reduce", buffer, op)
        check_travel(travel)
        if travel is not None:
            return self._start_rounded_sum(buffer, op)
        self.starts += 1
        self.traffic.add("all_reduce", 2 * (self.size - 1), share(nbytes(buffer), self.size, 2))
        return self._start_sum(buffer, op)

    def place(self, buffer: RawArray) -> Any:
        """Where to write what the next `start_all_reduce`, of `buffer`, is to sum: `buffer`, or what saves a copy."""
        return buffer

    def start_all_to_all(self, x: RawArray) -> Request:
        """Start to send row s of `x` to rank s, for all s; ``wait()`` returns the rows that came, by rank.

        Ranks do not agree on it here, as with `start_all_reduce`.
        """
        self.starts += 1
        self.traffic.add("all_to_all", self.size - 1, share(nbytes(x), self.size))
        return self._start_exchange(x)

    def broadcast_object(self, obj: Any, root: int = 0) -> Any:
        """The object of rank `root`, on every rank.

        Parameters
        ----------
        obj : object
            It is pickled, so that each of the other ranks gets a copy; what these give is not looked at.
        root : int
            Whose object it is.
        """
        root = self._checked_rank("broadcast_object", root)
        data = np.zeros(0, dtype=np.uint8)
        if self.rank == root:
            data = np.frombuffer(pickle.dumps(obj), dtype=np.uint8)
        lengths = self.agree(f"broadcast_object(root={root})", data.shape[0])
        if self.rank != root:
            data = np.zeros(lengths[root], dtype=np.uint8)
        last = self.rank == (root - 1) % self.size
        self.traffic.add("broadcast_object", int(not last), 0 if last else lengths[root])
        return pickle.loads(self._broadcast_bytes(data, root).tobytes())

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.agree("barrier()")

    def split(self, color: int, key: int | None = None) -> Communicator:
        """The group of those ranks that give the same `color`; all ranks of this group call it.

        Parameters
        ----------
        color : int
            Which of the new groups this rank is to be in.
        key : int, optional
            Its ranks are numbered in the order of their keys; where these are equal, or not given, of their ranks.

        Returns
        -------
        Communicator
            The group that this rank is in.
        """
        colors = self.agree("split(color)", color)
        keys = self.agree("split(key)", self.rank if key is None else key)
        members = [r for r in range(self.size) if colors[r] == color]
        return self._split(color, sorted(members, key=lambda r: (keys[r], r)))

    def agree(self, what: str, number: int = 0) -> list[int]:
        """Exchange a description and a number with all ranks, and raise where the descriptions differ.

        Parameters
        ----------
        what : str
            What this rank is about to do.
        number : int
            A number of 64 bits that may differ from rank to rank.

        Returns
        -------
        list of int
            All ranks' numbers.

        Raises
        ------
        DistributedError
            On every rank, with what each of them asked for, if that is not the same, or if a rank has ended.
        """
        self._check_usable(what)
        with self.held(what):
            self.calls += 1
            digest = hashlib.blake2b(what.encode(), digest_size=8).digest()
            found = self._exchange(_HEAD.pack(digest, number, self.starts), what)
            self.traffic.add("agree", self.size - 1, _HEAD.size * (self.size - 1))
            heads = [_HEAD.unpack(head) for head in found]
            if any(head[::2] != heads[0][::2] for head in heads):
                raise self._disagreement(what)
        return [head[1] for head in heads]

    @contextlib.contextmanager
    def held(self, what: str) -> Iterator[None]:
        """A context in which no other thread of this rank can use the group.

        Raises
        ------
        DistributedError
            If another one does.
        """
        if not self._lock.acquire(blocking=False):
            raise DistributedError(
                f"rank {self.rank} asks for {what} while another thread of it is in a collective of the same group: "
                "give each thread a group of its own, by split"
            )
        try:
            yield
        finally:
            self._lock.release()

    def _disagreement(self, what: str) -> DistributedError:
        """The error that says what each rank asked for, from one more exchange."""
        if self.starts:
            what += f", after {self.starts} started"
        text = what.encode()[:_TEXT].ljust(_TEXT, b"\0")
        found = [t.rstrip(b"\0").decode(errors="replace") for t in self._exchange(text, what)]
        return disagreement(found, self.calls)

    # ── what a transport brings ───────────────────────────────────────────────────────────────

    @abstractmethod
    def _exchange(self, data: bytes, what: str) -> list[bytes]:
        """All ranks' bytes, which are few and as many on each; `what` is for the error of a deadline."""

    @abstractmethod
    def _sum(self, x: RawArray) -> Any:
        """The sum over ranks."""

    @abstractmethod
    def _gather(self, x: RawArray, axis: int, lengths: list[int]) -> Any:
        """All ranks' arrays, joined along an axis."""

    @abstractmethod
    def _scatter(self, x: RawArray, axis: int, lengths: list[int]) -> Any:
        """The part of the sum over ranks that is this rank's."""

    @abstractmethod
    def _broadcast(self, x: RawArray, root: int) -> Any:
        """The array of one rank."""

    @abstractmethod
    def _sum_to(self, x: RawArray, root: int) -> Any:
        """The sum over ranks on one of them, zeros on the others."""

    @abstractmethod
    def _start_sum(self, buffer: RawArray, op: str) -> Request:
        """Start a sum over ranks in place."""

    @abstractmethod
    def _start_exchange(self, x: RawArray) -> Request:
        """Start to send each row to the rank of its number."""

    def _start_rounded_sum(self, buffer: RawArray, op: str) -> Request:
        """Start a sum over ranks in place, of numbers that travel as bfloat16."""

        def gathered(x: Any) -> Any:
            lengths = [x.shape[0]] * self.size
            self.traffic.add("all_gather", self.size - 1, share(nbytes(x, sum(lengths)), self.size))
            return self._gather(x, 0, lengths)

        return RoundedSum(
            buffer, self.rank, self.size, op == "mean", self.start_all_to_all, gathered
        )

    @abstractmethod
    def _broadcast_bytes(self, data: np.ndarray, root: int) -> np.ndarray:
        """The bytes of one rank, in an array of NumPy's."""

    @abstractmethod
    def _split(self, color: int, members: list[int]) -> Communicator:
        """The group of some ranks of this one, in this order."""

    @abstractmethod
    def abort(self, error: BaseException | str) -> None:
        """End all ranks, with this error."""

    @abstractmethod
    def close(self) -> None:
        """Say that this rank takes part no longer."""

    def _check_usable(self, what: str) -> None:
        """Refuse a communicator that cannot be used here, or no longer."""
        return

    def _check_array(self, name: str, x: RawArray) -> None:
        """Refuse what this communicator cannot send."""
        if not hasattr(x, "shape") or as_numpy(x.dtype).kind not in "biufc":
            raise TypeError(
                f"{name}: expected an array of numbers, got {_type_text(x)}; send other objects by broadcast_object"
            )

    # ── checks ────────────────────────────────────────────────────────────────────────────────

    def _check_operand(self, name: str, x: RawArray, op: str) -> None:
        self._check_array(name, x)
        if op not in OPS:
            raise ValueError(f"{name}: op={op!r} is neither 'sum' nor 'mean'")
        kind = as_numpy(x.dtype).kind
        if kind == "b" or (kind in "iu" and op == "mean"):
            raise TypeError(
                f"{name}: op={op!r} of an array of {x.dtype}; convert it by astype to "
                f"{'an integer' if op == 'sum' else 'a floating-point'} dtype first"
            )

    def _checked_rank(self, name: str, root: int) -> int:
        if not 0 <= root < self.size:
            raise ValueError(f"{name}: root={root}, and the ranks are 0 … {self.size - 1}")
        return int(root)

    def _parts(self, x: RawArray, axis: int, wanted: list[int]) -> list[int]:
        """How long each rank's part of an axis is."""
        n = x.shape[axis]
        if all(length < 0 for length in wanted):
            if n % self.size:
                raise ValueError(
                    f"reduce_scatter: axis {axis} of an array of shape {tuple(x.shape)} has {n} elements, which "
                    f"{self.size} ranks cannot share equally; pad it, or choose another axis"
                )
            return [n // self.size] * self.size
        if sum(wanted) != n or min(wanted) < 0:
            raise ValueError(
                f"reduce_scatter: the ranks ask for {wanted} elements of axis {axis}, which has {n}"
            )
        return wanted

    def _scaled(self, total: Any, op: str) -> Any:
        return as_array(total / self.size) if op == "mean" else total


def as_array(x: Any) -> Any:
    """NumPy's scalars as arrays, and its arrays in the machine's order of bytes; others as they are."""
    if isinstance(x, np.generic):
        return np.asarray(x)
    if type(x) is np.ndarray and not x.dtype.isnative:
        return x.astype(x.dtype.newbyteorder("="))
    return x


def describe(kind: str, x: Any, *, varies: int | None = None, **settings: Any) -> str:
    """A collective in words, the same on all ranks; the length along the axis `varies` is left out.

    Examples
    --------
    >>> import numpy as np
    >>> from pullback.distributed.communicators.base import describe
    >>> describe("all_reduce", np.zeros((3, 4)), op="sum")
    "all_reduce(op='sum') of float64 (3, 4)"
    """
    inside = ", ".join(f"{k}={v!r}" for k, v in settings.items())
    lengths = ["·" if i == varies else str(n) for i, n in enumerate(x.shape)]
    shape = f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"
    return f"{kind}({inside}) of {as_numpy(x.dtype).name} {shape}"


def disagreement(texts: list[str], calls: int) -> DistributedError:
    """The error of ranks that ask for different things."""
    by_text: dict[str, list[int]] = {}
    for rank, text in enumerate(texts):
        by_text.setdefault(text, []).append(rank)
    lines = [f"  {ranks_text(ranks)}: {text}" for text, ranks in by_text.items()]
    return DistributedError(
        f"the ranks ask for different things, at collective {calls} of this group:\n"
        + "\n".join(lines)
        + "\nall ranks have to call the same collectives in the same order, with equal shapes and dtypes"
    )


def ranks_text(ranks: list[int]) -> str:
    """Ranks in words, many of them cut short.

    Examples
    --------
    >>> from pullback.distributed.communicators.base import ranks_text
    >>> ranks_text([2]), ranks_text([0, 1, 3])
    ('rank 2', 'ranks 0, 1, 3')
    """
    if len(ranks) == 1:
        return f"rank {ranks[0]}"
    shown = ", ".join(map(str, ranks[:12]))
    return f"ranks {shown}{f' and {len(ranks) - 12} more' if len(ranks) > 12 else ''}"


def nbytes(x: Any, length: int | None = None, axis: int = 0) -> int:
    """The bytes of an array of any library, or of one with another length along an axis."""
    shape = list(x.shape)
    if length is not None:
        shape[axis] = length
    return math.prod(shape) * as_numpy(x.dtype).itemsize


def checked_axis(name: str, x: Any, axis: int) -> int:
    """An axis that the array has, counted from the front."""
    ndim = len(x.shape)
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"{name}: axis={axis} of an array of shape {tuple(x.shape)}"
            + ("; give a number an axis first, by reshape(x, (1,))" if not ndim else "")
        )
    return int(axis % ndim)


def default_timeout() -> float:
    """The seconds that ranks wait for each other: ``PULLBACK_DISTRIBUTED_TIMEOUT``, 600 without it."""
    text = os.environ.get("PULLBACK_DISTRIBUTED_TIMEOUT", "600")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise DistributedError(
            f"PULLBACK_DISTRIBUTED_TIMEOUT={text!r} is no positive number of seconds"
        )
    return seconds


def _type_text(x: Any) -> str:
    return f"{type(x).__module__}.{type(x).__name__}" + (
        f" of {x.dtype}" if hasattr(x, "dtype") else ""
    )
