"""First-order methods as their formulas, written out in NumPy, and a list of all of them."""

from __future__ import annotations

import numpy as np

import pullback as pb

xp = pb.xp
optim = pb.optim
RNG = np.random.default_rng(0)
PARAMS = {
    "W": RNG.standard_normal((3, 2)),
    "b": RNG.standard_normal(2),
    "k": RNG.standard_normal((2, 1, 2)),
    "s": np.asarray(0.7),
}
A = RNG.standard_normal((5, 3))


def loss(p):
    return xp.mean(xp.tanh(A @ p["W"] + p["b"]) ** 2) + xp.sum(p["k"] ** 4) + (p["s"] - 2) ** 2


# `least`: the dimensions from which on parameters decay, 2 for mask="matrices"


def sgd(lr, momentum=0.0, nesterov=False, weight_decay=0.0, least=0):
    velocity: dict = {}

    def step(name, w, g, t):
        if w.ndim >= least:
            g = g + weight_decay * w
        velocity[name] = momentum * velocity.get(name, 0.0) + g
        return w - lr(t) * (g + momentum * velocity[name] if nesterov else velocity[name])

    return step


def adam(lr, b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0, decoupled=False, least=0):
    first: dict = {}
    second: dict = {}

    def step(name, w, g, t):
        if w.ndim >= least and not decoupled:
            g = g + weight_decay * w
        first[name] = b1 * first.get(name, 0.0) + (1 - b1) * g
        second[name] = b2 * second.get(name, 0.0) + (1 - b2) * g * g
        m, v = first[name] / (1 - b1 ** (t + 1)), second[name] / (1 - b2 ** (t + 1))
        if w.ndim >= least and decoupled:
            w = w - lr(t) * weight_decay * w
        return w - lr(t) * m / (np.sqrt(v) + eps)

    return step


def damped(lr, momentum, dampening):
    velocity: dict = {}

    def step(name, w, g, t):
        u = g if t == 0 else momentum * velocity[name] + (1 - dampening) * g
        velocity[name] = u
        return w - lr * u

    return step


def nesterov_sequence(lr):
    x: dict = {}

    def step(name, y, g, t):
        before = x.get(name, y)
        x[name] = y - lr * g
        return x[name] + (t / (t + 3)) * (x[name] - before)  # k = t + 1

    return step


def adagrad(lr, lr_decay=0.0, eps=1e-10, initial=0.0):
    total: dict = {}

    def step(name, w, g, t):
        total[name] = total.get(name, initial) + g * g
        return w - lr / (1 + t * lr_decay) * g / (np.sqrt(total[name]) + eps)

    return step


def rmsprop(lr, alpha=0.99, eps=1e-8, momentum=0.0, centered=False, weight_decay=0.0):
    v: dict = {}
    m: dict = {}
    u: dict = {}

    def step(name, w, g, t):
        g = g + weight_decay * w
        v[name] = alpha * v.get(name, 0.0) + (1 - alpha) * g * g
        m[name] = alpha * m.get(name, 0.0) + (1 - alpha) * g
        spread = v[name] - m[name] ** 2 if centered else v[name]
        u[name] = momentum * u.get(name, 0.0) + g / (np.sqrt(spread) + eps)
        return w - lr * u[name]

    return step


def adadelta(lr, rho=0.9, eps=1e-6):
    v: dict = {}
    a: dict = {}

    def step(name, w, g, t):
        v[name] = rho * v.get(name, 0.0) + (1 - rho) * g * g
        d = np.sqrt(a.get(name, 0.0) + eps) / np.sqrt(v[name] + eps) * g
        a[name] = rho * a.get(name, 0.0) + (1 - rho) * d * d
        return w - lr * d

    return step


def amsgrad(lr, b1=0.9, b2=0.999, eps=1e-8):
    m: dict = {}
    v: dict = {}
    top: dict = {}

    def step(name, w, g, t):
        m[name] = b1 * m.get(name, 0.0) + (1 - b1) * g
        v[name] = b2 * v.get(name, 0.0) + (1 - b2) * g * g
        top[name] = np.maximum(top.get(name, 0.0), v[name])
        root = np.sqrt(top[name] / (1 - b2 ** (t + 1)))
        return w - lr * m[name] / (1 - b1 ** (t + 1)) / (root + eps)

    return step


def nadam(lr, b1=0.9, b2=0.999, eps=1e-8, psi=4e-3, weight_decay=0.0):
    m: dict = {}
    v: dict = {}
    mu = lambda k: b1 * (1 - 0.5 * 0.96 ** (k * psi))

    def step(name, w, g, t):
        w = w - lr * weight_decay * w
        k = t + 1
        product = np.prod([mu(i) for i in range(1, k + 1)])
        m[name] = b1 * m.get(name, 0.0) + (1 - b1) * g
        v[name] = b2 * v.get(name, 0.0) + (1 - b2) * g * g
        share = (1 - mu(k)) / (1 - product) * g + mu(k + 1) / (1 - product * mu(k + 1)) * m[name]
        return w - lr * share / (np.sqrt(v[name] / (1 - b2**k)) + eps)

    return step


def lion(lr, b1=0.9, b2=0.99, weight_decay=1e-3, least=0):
    m: dict = {}

    def step(name, w, g, t):
        move = np.sign(b1 * m.get(name, 0.0) + (1 - b1) * g)
        m[name] = b2 * m.get(name, 0.0) + (1 - b2) * g
        return w - lr * (move + weight_decay * w * (w.ndim >= least))

    return step


def constant(lr):
    return lambda t: lr


def decaying(t: int) -> float:
    return 0.1 / (1 + t)


METHODS = {
    "sgd": (optim.SGD(0.1), lambda: sgd(constant(0.1))),
    "momentum": (optim.SGD(0.1, momentum=0.9), lambda: sgd(constant(0.1), 0.9)),
    "nesterov": (
        optim.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: sgd(constant(0.1), 0.9, True),
    ),
    "sgd, decay": (optim.SGD(0.1, weight_decay=0.3), lambda: sgd(constant(0.1), weight_decay=0.3)),
    "sgd, decay of matrices": (
        optim.SGD(0.1, weight_decay=0.3, mask="matrices"),
        lambda: sgd(constant(0.1), weight_decay=0.3, least=2),
    ),
    "nesterov, decay": (
        optim.SGD(0.1, momentum=0.5, nesterov=True, weight_decay=0.3),
        lambda: sgd(constant(0.1), 0.5, True, 0.3),
    ),
    "sgd, schedule": (optim.SGD(decaying, momentum=0.5), lambda: sgd(decaying, 0.5)),
    "adam": (optim.Adam(0.05), lambda: adam(constant(0.05))),
    "adam, settings": (
        optim.Adam(0.05, b1=0.5, b2=0.9, eps=1e-2, weight_decay=0.3),
        lambda: adam(constant(0.05), 0.5, 0.9, 1e-2, 0.3),
    ),
    "adam, b1 = b2 = 0": (optim.Adam(0.05, b1=0.0, b2=0.0), lambda: adam(constant(0.05), 0.0, 0.0)),
    "adam, schedule": (optim.Adam(decaying), lambda: adam(decaying)),
    "adamw": (optim.AdamW(0.05), lambda: adam(constant(0.05), weight_decay=1e-2, decoupled=True)),
    "adamw, decay": (
        optim.AdamW(decaying, weight_decay=0.5),
        lambda: adam(decaying, weight_decay=0.5, decoupled=True),
    ),
    "adam, decay of matrices": (
        optim.Adam(0.05, weight_decay=0.3, mask="matrices"),
        lambda: adam(constant(0.05), weight_decay=0.3, least=2),
    ),
    "adamw, decay of matrices": (
        optim.AdamW(0.05, weight_decay=0.5, mask="matrices"),
        lambda: adam(constant(0.05), weight_decay=0.5, decoupled=True, least=2),
    ),
    "dampening": (
        optim.SGD(0.1, momentum=0.9, dampening=0.3),
        lambda: damped(0.1, 0.9, 0.3),
    ),
    "nesterov's sequence": (optim.Nesterov(0.1), lambda: nesterov_sequence(0.1)),
    "adagrad": (optim.Adagrad(0.1), lambda: adagrad(0.1)),
    "adagrad, settings": (
        optim.Adagrad(0.1, lr_decay=0.2, initial=0.5, eps=1e-3),
        lambda: adagrad(0.1, 0.2, 1e-3, 0.5),
    ),
    "rmsprop": (optim.RMSprop(0.01), lambda: rmsprop(0.01)),
    "rmsprop, momentum": (
        optim.RMSprop(0.01, momentum=0.7),
        lambda: rmsprop(0.01, momentum=0.7),
    ),
    "rmsprop, centered": (optim.RMSprop(0.01, centered=True), lambda: rmsprop(0.01, centered=True)),
    "rmsprop, all": (
        optim.RMSprop(0.01, 0.9, 1e-4, 0.5, centered=True, weight_decay=0.1),
        lambda: rmsprop(0.01, 0.9, 1e-4, 0.5, True, 0.1),
    ),
    "adadelta": (optim.Adadelta(), lambda: adadelta(1.0)),
    "adadelta, settings": (
        optim.Adadelta(0.5, rho=0.5, eps=1e-3),
        lambda: adadelta(0.5, 0.5, 1e-3),
    ),
    "amsgrad": (optim.AMSGrad(0.1, b2=0.5), lambda: amsgrad(0.1, b2=0.5)),
    "nadam": (optim.NAdam(0.05), lambda: nadam(0.05)),
    "nadam, decay": (
        optim.NAdam(0.05, weight_decay=0.3, decoupled=True),
        lambda: nadam(0.05, weight_decay=0.3),
    ),
    "lion": (optim.Lion(0.01), lambda: lion(0.01)),
    "lion, decay": (optim.Lion(0.01, 0.5, 0.7, 0.3), lambda: lion(0.01, 0.5, 0.7, 0.3)),
    "lion, decay of matrices": (
        optim.Lion(0.01, weight_decay=0.3, mask="matrices"),
        lambda: lion(0.01, weight_decay=0.3, least=2),
    ),
}
OPTIMISERS = [
    optim.SGD(0.1), optim.SGD(0.1, momentum=0.9), optim.SGD(0.1, weight_decay=0.1), optim.Nesterov(0.1),
    optim.Adagrad(), optim.RMSprop(centered=True, momentum=0.5), optim.Adadelta(), optim.Adam(), optim.AdamW(),
    optim.AMSGrad(), optim.NAdam(), optim.Lion(), optim.Clipped(optim.Adam(), norm=1.0),
    optim.Accumulated(optim.Adam(), 2), optim.Averaged(optim.SGD(0.1)), optim.Finite(optim.SGD(0.1)),
]  # fmt: skip
NAMES = [repr(opt)[:40] for opt in OPTIMISERS]
