"""Finding parameters: first-order methods, schedules, and full-batch minimisation. Knows nothing of models.

An optimiser is a frozen dataclass with two pure functions: ``state = opt.init(params)`` and
``params, state = opt.step(params, grads, state)``, on pytrees of arrays. Its state, the step count included, is a
pytree of arrays, so that a compiled step is recorded once. A learning rate is a number or a function of the step count.
`Clipped`, `Accumulated`, `Averaged`, `Finite`, `Proximal` and `LossScaling` hold an optimiser and are one. Leaves that
are not floating-point arrays, or whose gradient is None, stay as they are. `minimize` is for functions that are
evaluated on all data at once: line searches, second derivatives, least squares, and penalties with kinks (`proximal`).

Updates are written once, as formulas (`first_order/formulas.py`), and run in one pass over memory: on NumPy
block by block, small parameters as one vector; on CuPy as one kernel for all parameters. `pb.compile` takes
them into the program of a complete step, whose kernels are faster still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import proximal
    from .first_order.adam import Adam, AdamW, AMSGrad, NAdam
    from .first_order.adaptive import Adadelta, Adagrad, RMSprop
    from .first_order.clipping import Clipped, clip_by_global_norm, clip_by_value, global_norm
    from .first_order.loss_scaling import LossScaling
    from .first_order.plateau import ReduceOnPlateau
    from .first_order.proximal_step import Proximal
    from .first_order.schedules import (
        Constant,
        CosineDecay,
        ExponentialDecay,
        InverseDecay,
        InverseSqrtDecay,
        OneCycle,
        PolynomialDecay,
        StepDecay,
        WarmUp,
    )
    from .first_order.sgd import SGD, Lion, Nesterov
    from .first_order.wrappers import Accumulated, Averaged, Finite
    from .full_batch.line import SearchError
    from .full_batch.line_search import Armijo, Backtracking, Exact, FixedStep, Halving, line_search
    from .full_batch.minimize import minimize
    from .full_batch.wolfe import StrongWolfe

__all__ = [
    "SGD",
    "Nesterov",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Adam",
    "AdamW",
    "NAdam",
    "AMSGrad",
    "Lion",
    "Clipped",
    "Accumulated",
    "Averaged",
    "Finite",
    "LossScaling",
    "clip_by_value",
    "clip_by_global_norm",
    "global_norm",
    "Constant",
    "StepDecay",
    "InverseDecay",
    "InverseSqrtDecay",
    "ExponentialDecay",
    "PolynomialDecay",
    "CosineDecay",
    "WarmUp",
    "OneCycle",
    "ReduceOnPlateau",
    "proximal",
    "Proximal",
    "minimize",
    "line_search",
    "FixedStep",
    "Halving",
    "Exact",
    "Backtracking",
    "Armijo",
    "StrongWolfe",
    "SearchError",
]

# Read when a name is first used: thirty dataclasses take 35 ms to make, a tenth of `import pullback`
_HOMES = {
    "full_batch.line": "SearchError",
    "first_order.adam": "Adam AdamW AMSGrad NAdam",
    "first_order.adaptive": "Adadelta Adagrad RMSprop",
    "first_order.clipping": "Clipped clip_by_global_norm clip_by_value global_norm",
    "first_order.sgd": "SGD Lion Nesterov",
    "full_batch.minimize": "minimize",
    "full_batch.line_search": "Armijo Backtracking Exact FixedStep Halving line_search",
    "first_order.loss_scaling": "LossScaling",
    "first_order.plateau": "ReduceOnPlateau",
    "first_order.schedules": "Constant CosineDecay ExponentialDecay InverseDecay InverseSqrtDecay OneCycle"
    " PolynomialDecay StepDecay WarmUp",
    "first_order.proximal_step": "Proximal",
    "first_order.wrappers": "Accumulated Averaged Finite",
    "full_batch.wolfe": "StrongWolfe",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "proximal":
        import importlib

        return importlib.import_module(".proximal", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
