"""Helpers of `test_leaves.py` and the test files split from it."""

from __future__ import annotations

import pullback as pb

optim = pb.optim


ADAPTIVE = {
    "adam": optim.Adam(), "adamw": optim.AdamW(weight_decay=0.0), "amsgrad": optim.AMSGrad(), "nadam": optim.NAdam(),
    "rmsprop": optim.RMSprop(), "rmsprop, momentum": optim.RMSprop(momentum=0.5),
    "rmsprop, centered": optim.RMSprop(centered=True), "adagrad": optim.Adagrad(), "adadelta": optim.Adadelta(),
    "rmsprop, all": optim.RMSprop(centered=True, momentum=0.5),
}  # fmt: skip


VANISHING = {  # eps that is 0, or that becomes 0 in float32
    "adam, eps 0": optim.Adam(eps=0.0), "amsgrad, eps 0": optim.AMSGrad(eps=0.0), "nadam, eps 0": optim.NAdam(eps=0.0),
    "rmsprop, eps 0": optim.RMSprop(eps=0.0), "adagrad, eps 0": optim.Adagrad(eps=0.0),
    "centered, eps 0": optim.RMSprop(eps=0.0, centered=True), "adam, eps 1e-60": optim.Adam(eps=1e-60),
    "adadelta, eps 1e-60": optim.Adadelta(eps=1e-60),
}  # fmt: skip


def run(opt, w, gradients, step=None):
    step, state = step or opt.step, opt.init(w)
    for g in gradients:
        w, state = step(w, g, state)
    return w, state
