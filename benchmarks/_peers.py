"""One training step of the same network, written for each library.

The step: forward, softmax cross-entropy of integer labels, backward, plain SGD or Adam, in float32. It
returns the loss as the library's own scalar. Every factory takes the same `Problem` and gives back
a `Step`. Weights are (inputs, outputs) in all, so that they can be compared entry by entry.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from _adam import functional, in_place
from _problem import Problem, Step, version_of


def _array_library(device: str) -> tuple[Any, Step]:
    """NumPy or CuPy, and a `Step` whose functions are to be filled in."""
    if device == "cpu":
        return np, Step(lambda: None, list, versions={"numpy": np.__version__})
    import cupy as cp

    wait = cp.cuda.get_current_stream().synchronize
    return cp, Step(lambda: None, list, wait, {"cupy": cp.__version__})


def products(p: Problem, device: str, tf32: bool) -> Step:
    """Only the matrix products of a step: what no library can go below."""
    xp, step = _array_library(device)
    weights = [xp.asarray(w) for w in p.params[::2]]
    acts = [xp.asarray(p.x)]
    for w in weights:
        acts.append(acts[-1] @ w)

    def run():
        for a, w in zip(acts, weights, strict=False):
            a @ w
        for i in reversed(range(len(weights))):
            acts[i].T @ acts[i + 1]
            if i:
                acts[i + 1] @ weights[i].T

    step.run = run
    return step


def hand(p: Problem, device: str, tf32: bool) -> Step:
    """Forward and backward by hand, with what measurement favours and a careful person would write.

    The softmax works on a transposed copy, because NumPy reduces a short last axis slowly; the mask
    of relu is multiplied, because `where` mispredicts its branches; parameters change in place.
    """
    xp, step = _array_library(device)
    weights = [xp.array(w) for w in p.params[::2]]
    biases = [xp.array(b) for b in p.params[1::2]]
    x, y = xp.asarray(p.x), xp.asarray(p.y)
    n, last = len(p.y), len(weights) - 1
    rows, lr, scale = xp.arange(n), np.float32(p.lr), np.float32(1 / n)
    adam = in_place(xp, p.lr) if p.optimizer == "adam" else None

    def run():
        h, acts = x, [x]
        for i in range(last):
            h = h @ weights[i]
            h += biases[i]
            xp.maximum(h, 0, out=h)
            acts.append(h)
        z = h @ weights[last]
        z += biases[last]
        z = z.T.copy()
        z -= z.max(0)
        picked = z[y, rows]
        xp.exp(z, out=z)
        total = z.sum(0)
        loss = (xp.log(total) - picked).sum() * scale
        z /= total
        z[y, rows] -= 1
        z *= scale
        g, grads = z.T, []
        for i in reversed(range(last + 1)):
            gw, gb = acts[i].T @ g, g.sum(0)
            if i:
                g = g @ weights[i].T
                g *= acts[i] > 0
            if adam:
                grads += [gb, gw]
                continue
            gw *= lr
            weights[i] -= gw
            gb *= lr
            biases[i] -= gb
        if adam:
            adam([a for pair in zip(weights, biases, strict=True) for a in pair], grads[::-1])
        return loss

    def params():
        pairs = zip(weights, biases, strict=True)
        return [a.get() if device == "cuda" else a.copy() for pair in pairs for a in pair]

    step.run, step.params = run, params
    return step


def pullback(p: Problem, device: str, tf32: bool) -> Step:
    """The library's own user-level step: a model, a loss, `value_and_grad`, an optimiser."""
    import pullback as pb

    pb.backend.use("numpy" if device == "cpu" else "cupy")
    backend = pb.backend.current()
    widths = [p.params[0].shape[0], *(b.shape[0] for b in p.params[1::2])]
    model = pb.models.MLP(widths, activation="relu", seed=0)
    _, spec = pb.tree.flatten(model)
    # Copies, so that no two steps share parameters; a model's leaves are W1, b1, W2, b2, …
    model = pb.tree.unflatten(spec, [backend.asarray(a.copy()) for a in p.params])
    x, y = backend.asarray(p.x), backend.asarray(p.y)
    opt = (pb.optim.Adam if p.optimizer == "adam" else pb.optim.SGD)(p.lr)
    state = opt.init(model)
    loss_and_grad = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))

    def run():
        nonlocal model, state
        loss, grads = loss_and_grad(model)
        model, state = opt.step(model, grads, state)
        return loss

    def params():
        return [np.array(pb.to_numpy(a)) for a in pb.tree.leaves(model)]

    versions = {"pullback": pb.__version__}
    if device == "cuda":
        versions |= {"cupy": version_of("cupy")}
    return Step(run, params, backend.synchronize, versions)


def compiled(
    p: Problem,
    device: str,
    tf32: bool,
    fast: bool | None = None,
    precision: str = "float32",
) -> Step:
    """The same step through `pb.compile`; parameters and state are donated.

    On CUDA it is compiled as users compile it: generated kernels, and one graph where that is faster. On the CPU it
    is replayed by NumPy alone, unless `fast` says otherwise.
    """
    import pullback as pb

    pb.backend.use("numpy" if device == "cpu" else "cupy")
    fast = device == "cuda" if fast is None else fast
    backend = pb.backend.current()
    widths = [p.params[0].shape[0], *(b.shape[0] for b in p.params[1::2])]
    _, spec = pb.tree.flatten(pb.models.MLP(widths, activation="relu", seed=0))
    model = pb.tree.unflatten(spec, [backend.asarray(a.copy()) for a in p.params])
    x, y = backend.asarray(p.x), backend.asarray(p.y)
    opt = (pb.optim.Adam if p.optimizer == "adam" else pb.optim.SGD)(p.lr)
    state = opt.init(model)

    @pb.compile(donate_argnums=(0, 1), fast=fast, precision="tf32" if tf32 else precision)
    def step(model, state, x, y):
        loss, grads = pb.value_and_grad(lambda m: pb.models.cross_entropy(m(x), y))(model)
        model, state = opt.step(model, grads, state)
        return model, state, loss

    def run():
        nonlocal model, state
        model, state, loss = step(model, state, x, y)
        return loss

    versions = {"pullback": pb.__version__}
    if fast and device == "cpu":
        versions |= {"numba": version_of("numba")}
    if device == "cuda":
        versions |= {"cupy": version_of("cupy"), "nvmath-python": version_of("nvmath-python")}
    copies = lambda: [np.array(pb.to_numpy(a)) for a in pb.tree.leaves(model)]
    return Step(run, copies, backend.synchronize, versions)


def compiled_fast(p: Problem, device: str, tf32: bool) -> Step:
    """The same with kernels compiled by numba."""
    import numba  # noqa: F401 - one that is missing is left out

    return compiled(p, device, tf32, fast=True)


def compiled_bfloat16(p: Problem, device: str, tf32: bool) -> Step:
    """The same with products of bfloat16 accumulated in float32, and master weights."""
    return compiled(p, device, False, precision="bfloat16")


def compiled_launches(p: Problem, device: str, tf32: bool) -> Step:
    """The same on CUDA launch by launch, as it runs where no graph can be captured."""
    os.environ["PULLBACK_GRAPHS"] = "0"  # read where a segment is bound; a worker serves one peer
    return compiled(p, device, tf32, fast=True)


def compiled_untuned(p: Problem, device: str, tf32: bool) -> Step:
    """The same on CUDA with the first choices of cuBLASLt, and epilogues by the size of their products."""
    os.environ["PULLBACK_TUNE"] = "0"  # read where a product is bound
    return compiled(p, device, tf32, fast=True)


def torch(p: Problem, device: str, tf32: bool, optimiser: bool = False) -> Step:
    """Eager PyTorch with the fastest of its updates: one multi-tensor addition, or its fused Adam."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = tf32
    params = [torch.tensor(a, device=device, requires_grad=True) for a in p.params]
    x, y = torch.tensor(p.x, device=device), torch.tensor(p.y, device=device)
    if p.optimizer == "adam":
        optimiser, opt = True, torch.optim.Adam(params, lr=p.lr, fused=True)
    else:
        opt = torch.optim.SGD(params, lr=p.lr)
    cross_entropy = torch.nn.functional.cross_entropy

    def forward():
        h = x
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = torch.relu(torch.addmm(b, h, w))
        return cross_entropy(torch.addmm(params[-1], h, params[-2]), y)

    def run():
        loss = forward()
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-p.lr)
        return loss.detach()

    def run_optimiser():
        opt.zero_grad()
        loss = forward()
        loss.backward()
        opt.step()
        return loss.detach()

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    versions = {"torch": torch.__version__}
    copies = lambda: [a.detach().cpu().numpy().copy() for a in params]
    return Step(run_optimiser if optimiser else run, copies, wait, versions)


def torch_bfloat16(p: Problem, device: str, tf32: bool) -> Step:
    """Eager PyTorch with products of bfloat16, by autocast, and float32 parameters."""
    import torch as library

    step = torch(p, device, False)
    plain = step.run

    def run():
        with library.autocast(device, dtype=library.bfloat16):
            return plain()

    step.run = run
    return step


def torch_optim(p: Problem, device: str, tf32: bool) -> Step:
    """Eager PyTorch as it is usually written: `loss.backward()` and `torch.optim.SGD`."""
    return torch(p, device, tf32, optimiser=True)


def torch_compiled(p: Problem, device: str, tf32: bool) -> Step:
    """PyTorch's forward and backward through `torch.compile`; on the CPU its compiler needs g++."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = tf32
    params = [torch.tensor(a, device=device, requires_grad=True) for a in p.params]
    x, y = torch.tensor(p.x, device=device), torch.tensor(p.y, device=device)

    @torch.compile
    def loss_of(params, x, y):
        h = x
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = torch.relu(torch.addmm(b, h, w))
        return torch.nn.functional.cross_entropy(torch.addmm(params[-1], h, params[-2]), y)

    def run():
        loss = loss_of(params, x, y)
        grads = torch.autograd.grad(loss, params)
        with torch.no_grad():
            torch._foreach_add_(params, grads, alpha=-p.lr)
        return loss.detach()

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    copies = lambda: [a.detach().cpu().numpy().copy() for a in params]
    return Step(run, copies, wait, {"torch": torch.__version__})


def jax(p: Problem, device: str, tf32: bool, bfloat16: bool = False) -> Step:
    """JAX, the whole step in one `jit` with donated parameters."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if tf32 else "float32")
    if jax.default_backend() != ("gpu" if device == "cuda" else "cpu"):
        raise RuntimeError(f"JAX runs on {jax.default_backend()} here, not on {device}")

    low = jnp.bfloat16
    product = jnp.matmul
    if bfloat16:
        product = lambda a, b: jnp.matmul(
            a.astype(low), b.astype(low), preferred_element_type=jnp.float32
        )

    def loss_of(params, x, y):
        h = x
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = jax.nn.relu(product(h, w) + b)
        logp = jax.nn.log_softmax(product(h, params[-2]) + params[-1])
        return -jnp.mean(jnp.take_along_axis(logp, y[:, None], axis=1))

    init, update = functional(jnp, p.lr)
    if p.optimizer == "sgd":
        init = lambda params: ()
        update = lambda params, grads, state: (
            [a - p.lr * g for a, g in zip(params, grads, strict=True)],
            state,
        )

    def one(params, state, x, y):
        loss, grads = jax.value_and_grad(loss_of)(params, x, y)
        return *update(params, grads, state), loss

    one = jax.jit(one, donate_argnums=(0, 1))
    params = [jnp.array(a) for a in p.params]
    state = init(params)
    x, y = jnp.array(p.x), jnp.array(p.y.astype(np.int32))

    def run():
        nonlocal params, state
        params, state, loss = one(params, state, x, y)
        return loss

    wait = lambda: jax.block_until_ready(params)
    return Step(run, lambda: [np.array(a) for a in params], wait, {"jax": jax.__version__})


def jax_bfloat16(p: Problem, device: str, tf32: bool) -> Step:
    """The same with products of bfloat16 accumulated in float32, and float32 parameters."""
    return jax(p, device, False, bfloat16=True)


def autograd(p: Problem, device: str, tf32: bool) -> Step:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    rows, lr = np.arange(len(p.y)), np.float32(p.lr)

    def loss_of(params):
        h = p.x
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = anp.maximum(h @ w + b, 0)
        z = h @ params[-2] + params[-1]
        z = z - anp.max(z, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - z[rows, p.y])

    loss_and_grad = value_and_grad(loss_of)
    params = [a.copy() for a in p.params]

    def run():
        nonlocal params
        loss, grads = loss_and_grad(params)
        params = [a - lr * g for a, g in zip(params, grads, strict=True)]
        return loss

    versions = {"autograd": version_of("autograd")}
    return Step(run, lambda: [a.copy() for a in params], versions=versions)


def mygrad(p: Problem, device: str, tf32: bool) -> Step:
    """MyGrad, its memory guards off and its fused cross-entropy on."""
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    mg.turn_memory_guarding_off()
    params, lr = [mg.tensor(a.copy()) for a in p.params], np.float32(p.lr)

    def run():
        h = p.x
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = relu(mg.matmul(h, w) + b)
        loss = softmax_crossentropy(mg.matmul(h, params[-2]) + params[-1], p.y)
        loss.backward()
        for a in params:
            a.data -= lr * a.grad
        return loss.data

    versions = {"mygrad": version_of("mygrad")}
    return Step(run, lambda: [a.data.copy() for a in params], versions=versions)


def tinygrad(p: Problem, device: str, tf32: bool) -> Step:
    """tinygrad on its own CPU device, the whole step under its `TinyJit`."""
    from tinygrad import Context, Tensor, TinyJit
    from tinygrad.nn.optim import SGD

    params = [Tensor(a, device="CPU").realize().is_param_() for a in p.params]
    x, y = Tensor(p.x, device="CPU").realize(), Tensor(p.y, device="CPU").realize()
    opt = SGD(params, lr=p.lr)

    @TinyJit
    def one(x, y):
        h = x
        for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
            h = (h @ w + b).relu()
        loss = (h @ params[-2] + params[-1]).sparse_categorical_crossentropy(y)
        opt.zero_grad()
        loss.backward()
        with Context(TRAINING=1):
            return loss.realize(*opt.schedule_step())

    def run():
        return one(x, y).item()

    versions = {"tinygrad": version_of("tinygrad")}
    return Step(run, lambda: [a.numpy().copy() for a in params], versions=versions)


Factory = Callable[[Problem, str, bool], Step]
PEERS: dict[str, Factory] = {
    "products": products,
    "hand": hand,
    "pullback": pullback,
    "pullback compiled": compiled,
    "pullback compiled fast": compiled_fast,
    "pullback launches": compiled_launches,
    "pullback untuned": compiled_untuned,
    "pullback compiled bfloat16": compiled_bfloat16,
    "torch": torch,
    "torch-optim": torch_optim,
    "torch bfloat16": torch_bfloat16,
    "torch compiled": torch_compiled,
    "jax": jax,
    "jax bfloat16": jax_bfloat16,
    "autograd": autograd,
    "mygrad": mygrad,
    "tinygrad": tinygrad,
}
ON_CPU = tuple(
    name
    for name in PEERS
    if not name.endswith("bfloat16") and name not in ("pullback launches", "pullback untuned")
)
ON_CUDA = (
    "products",
    "hand",
    "pullback",
    "pullback compiled",
    "pullback launches",
    "pullback untuned",
    "torch",
    "torch-optim",
    "torch compiled",
    "jax",
)
ON_CUDA_BFLOAT16 = ("pullback compiled bfloat16", "torch bfloat16", "jax bfloat16")
WITH_ADAM = ("hand", "pullback", "pullback compiled", "pullback compiled fast", "torch", "jax")
