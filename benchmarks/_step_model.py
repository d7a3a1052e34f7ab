"""Seconds, bytes and memory of one training step on P devices: data, sharded and tensor parallel.

`docs/scaling.md` derives the formulas and shows what they give. Units are SI, and stand in the names: seconds, bytes,
bytes_per_second. A batch is counted in examples: a row of an MLP, a sequence of a transformer.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from statistics import NormalDist

from _network import Cluster, Network, all_reduce, all_reduce_seconds, reduce_scatter_seconds

BUCKET_BYTES = 25 * 2**20  # of gradients that travel together (Li et al., VLDB 13(12), 2020)


@dataclass(frozen=True)
class Model:
    """A network by its sizes.

    Attributes
    ----------
    name : str
    parameters : float
        Their number, N.
    layers : int
        Transformer blocks, or pairs of dense layers: what tensor parallel training joins by one all-reduce (`joins`).
    width : int
        Elements of an activation that is joined.
    tokens : int
        Rows of the products in one example: 1 of an MLP, the length of a sequence.
    example_flops : float
        Floating point operations of one example, forward and backward.
    example_bytes : float
        Activations of one example that are kept for the backward sweep.
    element_bytes : int
        Of a parameter, gradient or activation that travels: 4 (float32) or 2 (bfloat16).
    joins : int
        All-reduces of a layer's activations in a tensor parallel step, forward and backward together.
    split_activations : float
        The part of `example_bytes` that tensor parallel devices divide among them.
    """

    name: str
    parameters: float
    layers: int
    width: int
    tokens: int
    example_flops: float
    example_bytes: float
    element_bytes: int
    joins: int
    split_activations: float = 1.0

    @property
    def gradient_bytes(self) -> float:
        """Bytes of all gradients: n."""
        return self.parameters * self.element_bytes


def mlp(name: str, widths: tuple[int, ...]) -> Model:
    """A multilayer perceptron in float32; a pair of layers is split by columns, then rows.

    Two operations for each weight forward, and twice as many backward, less those of the first layer's input.
    """
    pairs = list(itertools.pairwise(widths))
    weights = [a * b for a, b in pairs]
    flops = 2 * (3 * sum(weights) - weights[0])
    layers = len(pairs) // 2
    return Model(
        name,
        sum(weights) + sum(widths[1:]),
        layers,
        widths[2] if len(widths) > 2 else widths[1],
        1,
        flops,
        4 * sum(widths),
        4,
        joins=2,
    )


def transformer(name: str, layers: int, width: int, tokens: int, vocabulary: int) -> Model:
    """A GPT-like transformer in mixed precision: bfloat16 travels, Adam keeps float32.

    ``N = 12 L w² + V w``; ``6 N + 12 L w s`` operations a token (Narayanan et al., SC 2021, appendix; Chowdhery et al.,
    2022, appendix B), and ``34 s w`` bytes a layer and sequence, of which 24/34 are divided among tensor parallel
    devices (Korthikanti et al., MLSys 2023, eq. 2, with attention's s² elements recomputed).
    """
    parameters = 12 * layers * width**2 + vocabulary * width
    flops = tokens * (6 * parameters + 12 * layers * width * tokens)
    kept = 34 * layers * width * tokens
    return Model(name, parameters, layers, width, tokens, flops, kept, 2, 4, 24 / 34)


@dataclass(frozen=True)
class Device:
    """What computes: rates that are reached, not peaks.

    Attributes
    ----------
    name : str
    flops_per_second : float
    bytes_per_second : float
        Of its memory: what an optimiser's update is bound by.
    memory_bytes : float
    call_seconds : float
        Of a step that no number of devices makes smaller: calls, launches.
    source : str
    """

    name: str
    flops_per_second: float
    bytes_per_second: float
    memory_bytes: float = math.inf
    call_seconds: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class Compute:
    """Seconds that one device computes: ``fixed + examples·example``, and ``update`` of all parameters.

    `backward` is the part of the time that the backward sweep takes, behind which gradients can travel; `sigma` the
    standard deviation of one device's time from step to step, as a part of that time.
    """

    fixed_seconds: float
    example_seconds: float
    update_seconds: float
    backward: float = 2 / 3
    sigma: float = 0.0

    def gradients(self, examples: float) -> float:
        """Seconds of value and gradient of so many examples; none where there are no examples."""
        return self.fixed_seconds + examples * self.example_seconds if examples else 0.0

    def shared(self, ranks: int, cores: int) -> Compute:
        """The same where more ranks than cores take turns: everything takes ``ranks/cores`` as long."""
        k = max(1.0, ranks / cores)
        return replace(
            self,
            fixed_seconds=k * self.fixed_seconds,
            example_seconds=k * self.example_seconds,
            update_seconds=k * self.update_seconds,
        )


UPDATE_BYTES = 28  # Adam reads g, θ, m, v and writes θ, m, v: 7 float32; as many in mixed precision


def computing(model: Model, device: Device) -> Compute:
    """Compute seconds of a model on a device by its rates: the operations of the products, the bytes of Adam."""
    return Compute(
        device.call_seconds,
        model.example_flops / device.flops_per_second,
        UPDATE_BYTES * model.parameters / device.bytes_per_second,
    )


@dataclass(frozen=True)
class Step:
    """One predicted step: its parts in seconds, and what one device sends and holds."""

    gradients: float
    update: float
    exposed: float
    straggling: float
    bytes: float
    messages: float

    @property
    def seconds(self) -> float:
        """Of the whole step: the sum of its parts."""
        return self.gradients + self.update + self.exposed + self.straggling


def latest_of(devices: int) -> float:
    """How many standard deviations the latest of P normal times lies behind their mean; like ``√(2 ln P)`` for large P.

    ``Φ⁻¹((P − 3/8)/(P + 1/4))`` (Blom, "Statistical estimates and transformed beta-variables", 1958).
    """
    return NormalDist().inv_cdf((devices - 0.375) / (devices + 0.25)) if devices > 1 else 0.0


def exposed(seconds: float, behind: float, buckets: int, network: Network) -> float:
    """Seconds of a transfer that do not hide behind a sweep of `behind` seconds which completes equal buckets in turn.

    Bucket i of k may leave at i/k of the sweep, behind bucket i−1: ``max(C/k, C − (1−1/k)·sweep)`` of C seconds remain,
    where the network moves bytes by itself; all of C where the processor does.
    """
    if not network.offloaded:
        return seconds
    return max(seconds / buckets, seconds - (1 - 1 / buckets) * behind)


def _slowest(examples: int, parts: int) -> int:
    """Examples of the device that has most."""
    return -(-examples // parts)


def _buckets(size_bytes: float) -> int:
    return max(1, round(size_bytes / BUCKET_BYTES))


def data_parallel(
    model: Model,
    compute: Compute,
    cluster: Cluster,
    devices: int,
    examples: int,
    *,
    overlap: bool = True,
    sharded: bool = False,
    algorithm: str = "best",
) -> Step:
    """One step of P devices that have a part of the batch each, and all of the parameters.

    Parameters
    ----------
    model : Model
    compute : Compute
        Of the whole model on one device.
    cluster : Cluster
    devices : int
        P.
    examples : int
        Of the batch, together: the device that has most has ``⌈B/P⌉``.
    overlap : bool, optional
        Whether buckets of gradients travel while the sweep goes on.
    sharded : bool, optional
        ZeRO-1: gradients are reduce-scattered when the sweep has ended, each device updates the P-th of the parameters
        whose state it holds, and the new parameters are gathered. Nothing hides either half.
    algorithm : str, optional
        As in `_network.all_reduce`, or "best".

    Returns
    -------
    Step
        ``gradients(⌈B/P⌉) + exposed + update`` (``update/P`` sharded) and the wait for the latest device.

    References
    ----------
    Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB 13(12), 2020; Rajbhandari
    et al., "ZeRO: memory optimizations toward training trillion parameter models", SC 2020.
    """
    own = _slowest(examples, devices)
    computed, n = compute.gradients(own), model.gradient_bytes
    latest = compute.sigma * computed * latest_of(devices)
    if devices == 1:
        return Step(computed, compute.update_seconds, 0.0, 0.0, 0.0, 0)
    behind = compute.backward * computed if overlap else 0.0
    buckets = _buckets(n)
    link = cluster.between if devices > cluster.devices_per_node else cluster.inside
    sent = all_reduce(devices, n)
    if sharded:
        waits = 2 * reduce_scatter_seconds(devices, n, cluster, algorithm)
        update = compute.update_seconds / devices
    else:
        whole = all_reduce_seconds(devices, n, cluster, algorithm)
        waits = exposed(whole, behind, buckets, link or cluster.between)
        update = compute.update_seconds
    return Step(computed, update, waits, latest, sent.bytes, sent.messages)


def tensor_parallel(
    model: Model,
    compute: Compute,
    cluster: Cluster,
    devices: int,
    examples: int,
    *,
    algorithm: str = "best",
) -> Step:
    """One step of T devices that have a part of every layer each, and the whole batch.

    Parameters
    ----------
    model : Model
    compute : Compute
        Of the whole model on one device.
    cluster : Cluster
    devices : int
        T.
    examples : int
        Of the batch, all on each device.
    algorithm : str, optional
        As in `_network.all_reduce`, or "best".

    Returns
    -------
    Step
        Compute and update over T, and ``layers·joins`` all-reduces of ``examples·tokens·width`` elements, which nothing
        hides: the next product needs each of them. At each of them all wait for the latest.

    References
    ----------
    Shoeybi et al., "Megatron-LM: training multi-billion parameter language models using model parallelism", 2019,
    section 3: two all-reduces of a block forward, two backward.
    """
    variable = examples * compute.example_seconds
    computed = compute.fixed_seconds + variable / devices
    update = compute.update_seconds / devices
    if devices == 1:
        return Step(computed, update, 0.0, 0.0, 0.0, 0)
    calls = model.layers * model.joins
    n = examples * model.tokens * model.width * model.element_bytes
    waits = calls * all_reduce_seconds(devices, n, cluster, algorithm)
    sent = all_reduce(devices, n) * calls
    latest = math.sqrt(calls) * compute.sigma * computed * latest_of(devices)
    return Step(computed, update, waits, latest, sent.bytes, sent.messages)


def data_and_tensor(
    model: Model,
    compute: Compute,
    cluster: Cluster,
    devices: int,
    tensor: int,
    examples: int,
    *,
    sharded: bool = True,
    algorithm: str = "best",
) -> Step:
    """One step of P devices in groups of T: tensor parallel inside a group, data parallel between groups.

    A group lies within a node. Its devices hold N/T parameters each, whose gradients go to the P/T devices of other
    groups that hold the same ones.
    """
    if devices % tensor or cluster.devices_per_node % tensor:
        raise ValueError(
            f"{devices} devices in nodes of {cluster.devices_per_node} are not groups of {tensor} inside nodes"
        )
    groups = devices // tensor
    own = _slowest(examples, groups)
    within = tensor_parallel(model, compute, cluster, tensor, own, algorithm=algorithm)
    part = replace(
        model, parameters=model.parameters / tensor, example_flops=model.example_flops / tensor
    )
    of_part = Compute(
        compute.fixed_seconds,
        compute.example_seconds / tensor,
        compute.update_seconds / tensor,
        compute.backward,
        compute.sigma,
    )
    per_node = max(1, cluster.devices_per_node // tensor)
    outer = replace(cluster, devices_per_node=per_node)
    across = data_parallel(
        part, of_part, outer, groups, examples, sharded=sharded, algorithm=algorithm
    )
    return Step(
        within.gradients,
        across.update,
        within.exposed + across.exposed,
        within.straggling + across.straggling,
        within.bytes + across.bytes,
        within.messages + across.messages,
    )
