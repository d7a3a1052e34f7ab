"""Networks as two numbers, and what collectives cost on them.

A message of n bytes takes α + n/β seconds: α the latency, β the bandwidth (Hockney, "The communication challenge for
MPP: Intel Paragon and Meiko CS-2", Parallel Computing 20(3), 1994, pp. 389-398). What a collective does is counted as
the messages and bytes that one device sends, one after another (`Traffic`); a network turns that into seconds. The
LogP model (Culler et al., PPoPP 1993) splits α into the wire's latency and the processor's overhead, which is told
apart here only by `Network.offloaded`: whether bytes move while the device computes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Network:
    """One kind of link, as each device sees it.

    Attributes
    ----------
    name : str
    latency_seconds : float
        From the call that sends a message to its arrival: α.
    bytes_per_second : float
        In one direction, of one device: β.
    offloaded : bool
        True where the link moves bytes while the device computes; False where the processor itself copies them.
    source : str
        Measured, or whose number it is.
    """

    name: str
    latency_seconds: float
    bytes_per_second: float
    offloaded: bool = True
    source: str = ""


@dataclass(frozen=True)
class Traffic:
    """What one device sends, one message after another: how many messages, and their bytes together."""

    messages: float = 0
    bytes: float = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(self.messages + other.messages, self.bytes + other.bytes)

    def __mul__(self, times: float) -> Traffic:
        return Traffic(times * self.messages, times * self.bytes)

    def seconds(self, network: Network) -> float:
        """``messages·α + bytes/β``."""
        return self.messages * network.latency_seconds + self.bytes / network.bytes_per_second


@dataclass(frozen=True)
class Cluster:
    """Devices in nodes: a link between nodes and, where a node has several devices, a faster one inside.

    `between` is what each device has for itself: where the devices of a node share one adapter, its bandwidth divided
    by their number.
    """

    name: str
    between: Network
    inside: Network | None = None
    devices_per_node: int = 1

    def split(self, devices: int) -> tuple[int, int]:
        """Devices inside a node, and nodes: whole nodes, or one that is not full."""
        inside = min(devices, self.devices_per_node)
        if devices % inside:
            raise ValueError(f"{devices} devices are not whole nodes of {inside}")
        return inside, devices // inside


def _power_of_two(devices: int) -> bool:
    return devices & (devices - 1) == 0


def reduce_scatter(devices: int, size_bytes: float, algorithm: str = "ring") -> Traffic:
    """What a device sends to leave on each of P devices one P-th of the sum of n bytes; all-gather costs the same.

    Parameters
    ----------
    devices : int
        P.
    size_bytes : float
        n, the bytes that each device gives (of an all-gather: has in the end).
    algorithm : {"ring", "halving"}
        Ring: ``P−1`` messages of n/P. Recursive halving: ``log₂P`` messages of n/2, n/4, …; where P is no power of two,
        the devices beyond the last one fold theirs into a neighbour's first, one more message of n bytes.

    Returns
    -------
    Traffic
        ``(P−1)/P·n`` bytes, by a power of two.

    References
    ----------
    Thakur, Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH", International
    Journal of High Performance Computing Applications 19(1), 2005, pp. 49-66.
    """
    if devices == 1:
        return Traffic()
    if algorithm == "ring":
        return Traffic(devices - 1, (devices - 1) / devices * size_bytes)
    if algorithm != "halving":
        raise ValueError(f"reduce-scatter by {algorithm!r}: it is 'ring' or 'halving'")
    core = 1 << int(math.log2(devices))
    halves = Traffic(math.log2(core), (core - 1) / core * size_bytes)
    return halves if _power_of_two(devices) else halves + Traffic(1, size_bytes)


def all_reduce(devices: int, size_bytes: float, algorithm: str = "ring") -> Traffic:
    """What a device sends to have the sum of n bytes of each of P devices.

    Parameters
    ----------
    devices : int
        P.
    size_bytes : float
        n.
    algorithm : {"ring", "halving", "doubling"}
        A reduce-scatter and an all-gather, in a ring (Patarasuk and Yuan) or by recursive halving and doubling
        (Rabenseifner); or recursive doubling alone, a tree of ``⌈log₂P⌉`` exchanges of all n bytes, for short ones.

    Returns
    -------
    Traffic
        ``2(P−1)`` messages and ``2(P−1)/P·n`` bytes of a ring, the fewest bytes that there can be; ``2 log₂P`` messages
        by halving, where P is a power of two.

    References
    ----------
    Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", Journal of Parallel and
    Distributed Computing 69(2), 2009, pp. 117-124. Thakur, Rabenseifner and Gropp, 2005.
    """
    if algorithm == "doubling":
        rounds = math.ceil(math.log2(devices))
        return Traffic(rounds, rounds * size_bytes)
    return reduce_scatter(devices, size_bytes, algorithm) * 2


def _least(
    collective: str, devices: int, size_bytes: float, network: Network, algorithm: str
) -> float:
    """Seconds of one flat collective, of the quickest way where the way is "best"."""
    function = all_reduce if collective == "all_reduce" else reduce_scatter
    ways = ("ring", "halving", "doubling") if function is all_reduce else ("ring", "halving")
    chosen = ways if algorithm == "best" else (algorithm,)
    return min(function(devices, size_bytes, way).seconds(network) for way in chosen)


def reduce_scatter_seconds(
    devices: int, size_bytes: float, cluster: Cluster, algorithm: str = "best"
) -> float:
    """Seconds of a reduce-scatter, or of an all-gather, in a cluster: inside the nodes, then between them.

    With G devices in a node and N nodes, the second part has n/G bytes, since each device of a node goes on with its
    part of the node's sum, by its own link.
    """
    inside, nodes = cluster.split(devices)
    seconds = _least("reduce_scatter", nodes, size_bytes / inside, cluster.between, algorithm)
    if inside > 1:
        link = cluster.inside or cluster.between
        seconds += _least("reduce_scatter", inside, size_bytes, link, algorithm)
    return seconds


def all_reduce_seconds(
    devices: int, size_bytes: float, cluster: Cluster, algorithm: str = "best"
) -> float:
    """Seconds of an all-reduce in a cluster: a reduce-scatter in each node, an all-reduce between nodes, an all-gather.

    One node, or nodes of one device, take one flat all-reduce.
    """
    inside, nodes = cluster.split(devices)
    link = cluster.inside or cluster.between
    if nodes == 1:
        return _least("all_reduce", inside, size_bytes, link, algorithm)
    between = _least("all_reduce", nodes, size_bytes / inside, cluster.between, algorithm)
    if inside == 1:
        return between
    around = 2 * _least("reduce_scatter", inside, size_bytes, link, algorithm)
    return around + between


def fit(
    name: str,
    traffic: Sequence[Traffic],
    seconds: Sequence[float],
    *,
    offloaded: bool = True,
    source: str = "measured",
) -> Network:
    """The network whose α and 1/β agree best with measured times, by least squares of relative errors.

    Both are at least zero (Lawson and Hanson, "Solving least squares problems", 1974, ch. 23).
    """
    from scipy.optimize import nnls

    took = np.asarray(seconds, float)
    rows = np.asarray([[t.messages, t.bytes] for t in traffic], float) / took[:, None]
    scale = rows.max(axis=0)
    (latency, inverse), _ = nnls(rows / scale, np.ones(len(took)))
    latency, inverse = latency / scale[0], inverse / scale[1]
    bandwidth = 1 / inverse if inverse > 0 else math.inf
    return Network(name, float(latency), float(bandwidth), offloaded, source)


_SHEET = "data sheet"
_NCCL = "latency: NCCL"  # its own table, src/graph/tuning.cc: a ring, protocol Simple, over NVLink and a network
ETHERNET_10 = Network("10 Gbit Ethernet", 20e-6, 1.25e9, True, f"{_SHEET}; latency: assumed")
INFINIBAND_100 = Network("InfiniBand 100 Gbit (EDR)", 14e-6, 12.5e9, True, f"{_SHEET}; {_NCCL}")
INFINIBAND_200 = Network("InfiniBand 200 Gbit (HDR)", 14e-6, 25e9, True, f"{_SHEET}; {_NCCL}")
INFINIBAND_400 = Network("InfiniBand 400 Gbit (NDR)", 14e-6, 50e9, True, f"{_SHEET}; {_NCCL}")
NVLINK_4 = Network("NVLink 4 (H100)", 3.4e-6, 450e9, True, f"{_SHEET}; {_NCCL}")
GIVEN = (ETHERNET_10, INFINIBAND_100, INFINIBAND_200, INFINIBAND_400, NVLINK_4)
