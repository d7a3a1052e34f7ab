"""Where each way of `_step_model.py` stops paying, in closed forms, and the memory of a device."""

from __future__ import annotations

import math

from _network import Network
from _step_model import Compute, Device, Model


def memory_bytes(
    model: Model, examples: float, *, data: int = 1, tensor: int = 1, stage: int = 0
) -> float:
    """Bytes that one device holds: parameters, gradients, Adam's state, activations.

    Parameters
    ----------
    model : Model
    examples : float
        Of this device, whose activations are kept at the same time.
    data : int, optional
        Devices that share out what `stage` says.
    tensor : int, optional
        Devices that share out every layer.
    stage : {0, 1, 2, 3}, optional
        ZeRO's: 1 divides the optimiser's state (`pb.distributed.sharded`), 2 the gradients too, 3 the parameters too.

    Returns
    -------
    float
        In float32 ``4 N + 4 N + 8 N``; in mixed precision ``2 N + 2 N + 12 N``, with float32 parameters in the state
        (Rajbhandari et al., 2020, section 3.1); and activations.
    """
    own = model.parameters / tensor
    parameters = gradients = model.element_bytes * own
    state = (8.0 if model.element_bytes == 4 else 12.0) * own
    parts = [parameters, gradients, state]
    for k in range(stage):
        parts[2 - k] /= data
    split = model.split_activations
    kept = examples * model.example_bytes * (1 - split + split / tensor)
    return sum(parts) + kept


def critical_examples(
    model: Model, device: Device, network: Network, backward: float = 2 / 3
) -> float:
    """Examples a device below which gradients no longer hide behind the backward sweep.

    ``2 n/β = backward·b·t₁`` where t₁ is an example's compute. For products alone (6 N operations a token, 2 bytes an
    element) that is ``b·tokens = F/β``: operations a second over bytes a second, whatever the model.
    """
    t1 = model.example_flops / device.flops_per_second
    return 2 * model.gradient_bytes / network.bytes_per_second / (backward * t1)


def data_devices_at_least_time(
    model: Model, compute: Compute, network: Network, examples: int
) -> float:
    """Devices beyond which a step of a given batch takes longer again, by a ring without overlap.

    The least of ``t₀ + B t₁/P + 2(1−1/P) n/β + 2(P−1) α`` is at ``P = √((B t₁ − 2n/β)/(2α))``; 1 where that is below 1.
    """
    gain = examples * compute.example_seconds - 2 * model.gradient_bytes / network.bytes_per_second
    return max(1.0, math.sqrt(max(0.0, gain) / (2 * network.latency_seconds)))


def data_devices_at_half(model: Model, compute: Compute, network: Network, examples: int) -> float:
    """Devices at which half of a step is communication, without overlap: ``B t₁/(2n/β − t₀)``, latency neglected.

    Infinite where the compute that does not shrink is longer than the communication.
    """
    rest = 2 * model.gradient_bytes / network.bytes_per_second - compute.fixed_seconds
    return math.inf if rest <= 0 else examples * compute.example_seconds / rest


def tensor_devices_at_half(model: Model, device: Device, network: Network) -> float:
    """Tensor parallel devices at which half of a step is communication, whatever the batch.

    ``1 + t₁ β/(2 joins·layers·tokens·width·bytes)``; for a block of 12 w² parameters (72 w² operations a token, four
    all-reduces, 2 bytes an element) ``1 + 4.5 w β/F``.
    """
    t1 = model.example_flops / device.flops_per_second
    joined = model.layers * model.joins * model.tokens * model.width * model.element_bytes
    return 1 + t1 * network.bytes_per_second / (2 * joined)
