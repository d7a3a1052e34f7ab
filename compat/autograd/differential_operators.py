"""The operators of functions: `grad`, `jacobian`, `hessian`, `make_vjp` and their kin, each with `argnum`.

Gradients with respect to complex numbers are ∂L/∂Re z − i ∂L/∂Im z, HIPS autograd's and JAX's convention and the
conjugate of what `pullback.grad` returns: ``z − s · conj(gradient)`` descends.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from ...autograd import checkpoint as _checkpoint
from ...autograd import jacobian as _jacobian
from ...autograd.core.array import Array
from ...autograd.core.dtypes import is_complex
from ...autograd.functions import namespace
from ...autograd.pytree import tree
from . import reverse
from .reverse import value_and_gradient
from .values import as_leaf, plain
from .vector_spaces import vspace
from .wrap_util import unary_to_nary

__all__ = [
    "checkpoint",
    "deriv",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]

Function = Callable[..., Any]

make_vjp = unary_to_nary(reverse.make_vjp)
make_jvp = unary_to_nary(reverse.make_jvp)


@unary_to_nary
def grad(fun: Function, x: Any) -> Any:
    """
    Returns a function which computes the gradient of `fun`, with respect to the argument number `argnum`.

    Called as ``grad(fun, argnum=0)``; what it returns takes the arguments of `fun`.

    Parameters
    ----------
    fun : callable
        Returns one real number: an array of one element.
    argnum : int or tuple or list of int
        Which argument to differentiate, an array, a float or a container of them; of several, the result is a tuple.

    Returns
    -------
    callable
        The gradient, in the structure of the argument. For complex z it is ∂L/∂Re z − i ∂L/∂Im z.

    Raises
    ------
    TypeError
        If `fun` returns several numbers or a complex one, or the argument is an integer.

    Warns
    -----
    UserWarning
        If the value does not depend on the argument.

    Examples
    --------
    >>> import pullback.compat.autograd.numpy as np
    >>> from pullback.compat.autograd import grad
    >>> grad(lambda x: np.sum(np.sin(x)))(np.zeros(2))
    array([1., 1.])
    """
    return value_and_gradient(
        fun,
        x,
        "Grad only applies to real scalar-output functions. Try jacobian, elementwise_grad or holomorphic_grad.",
    )[1]


@unary_to_nary
def value_and_grad(fun: Function, x: Any) -> tuple[Any, Any]:
    """Returns a function that computes the value of `fun` and its gradient, as `scipy.optimize` wants them.

    Examples
    --------
    >>> import pullback.compat.autograd.numpy as np
    >>> from pullback.compat.autograd import value_and_grad
    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.ones(2))
    >>> float(value), gradient
    (2.0, array([2., 2.]))
    """
    return value_and_gradient(
        fun,
        x,
        "value_and_grad only applies to real scalar-output functions. "
        "Try jacobian, elementwise_grad or holomorphic_grad.",
    )


@unary_to_nary
def elementwise_grad(fun: Function, x: Any) -> Any:
    """Returns a function that computes the sum of each column of the Jacobian: its diagonal, if it is diagonal.

    Raises
    ------
    TypeError
        If the value of `fun` is complex.
    """
    vjp, ans = reverse.make_vjp(fun, x)
    if vspace(ans).iscomplex:
        raise TypeError("Elementwise_grad only applies to real-output functions.")
    return vjp(vspace(ans).ones())


@unary_to_nary
def deriv(fun: Function, x: Any) -> Any:
    """Returns a function that computes the derivative of `fun` with respect to a number, forwards."""
    return reverse.make_jvp(fun, x)(vspace(x).ones())[1]


@unary_to_nary
def jacobian(fun: Function, x: Any) -> Any:
    """Returns a function that computes the Jacobian of `fun` with respect to one array.

    Its shape is that of the value, followed by that of the argument. All rows go through the tape in one sweep.

    Examples
    --------
    >>> import pullback.compat.autograd.numpy as np
    >>> from pullback.compat.autograd import jacobian
    >>> jacobian(lambda x: x**2)(np.ones(2))
    array([[2., 0.],
           [0., 2.]])
    """
    leaf = as_leaf(x)
    shapes: list[Any] = []

    def of_array(x: Any) -> Any:
        out = fun(x)
        if isinstance(out, tuple | list):
            raise TypeError(
                f"jacobian: the function returned a {type(out).__name__}; make one array of it"
            )
        shapes.append(out)
        return out

    if not hasattr(leaf, "dtype"):
        raise TypeError(
            f"jacobian: the argument is a {type(x).__name__}, not an array; flatten it (misc.flatten)"
        )
    if is_complex(leaf.dtype):
        return _complex_jacobian(fun, x)
    out = _jacobian(of_array)(leaf)
    if not isinstance(shapes[0], Array):
        warnings.warn("Output seems independent of input.", stacklevel=2)
    return plain(out)


def _complex_jacobian(fun: Function, x: Any) -> Any:
    """The rows of the pullback, in HIPS autograd's convention."""
    vjp, ans = reverse.make_vjp(fun, x)
    space = vspace(ans)
    if space.iscomplex:
        raise TypeError(
            "jacobian: of a complex function of complex numbers, take that of its real and imaginary parts"
        )
    rows = [vjp(row) for row in space.standard_basis()]
    shape = (*space.shape, *vspace(x).shape)
    return plain(namespace.reshape(namespace.stack([namespace.asarray(r) for r in rows]), shape))


@unary_to_nary
def holomorphic_grad(fun: Function, x: Any) -> Any:
    """Returns a function that computes the complex derivative of a holomorphic function.

    Warns
    -----
    UserWarning
        If the argument is real.
    """
    if not vspace(x).iscomplex:
        warnings.warn("Input to holomorphic_grad is not complex", stacklevel=3)
    return grad(lambda x: namespace.real(fun(x)))(x)


def grad_named(fun: Function, argname: str) -> Function:
    """The gradient with respect to the argument of a name."""
    return grad(fun, inspect.getfullargspec(fun).args.index(argname))


@unary_to_nary
def hessian(fun: Function, x: Any) -> Any:
    """Returns a function that computes the matrix of second derivatives, exactly."""
    return jacobian(jacobian(fun))(x)


@unary_to_nary
def make_hvp(fun: Function, x: Any) -> Any:
    """Returns a function whose value is ``(v ↦ Hessian · v, gradient)``; the gradient is evaluated once."""
    return reverse.make_vjp(grad(fun), x)


def hessian_tensor_product(fun: Function, argnum: int = 0) -> Function:
    """The product of the Hessian with a tensor: a function of ``(*args, tensor)``."""
    fun_grad = grad(fun, argnum)

    def vector_dot_grad(*args: Any, **kwargs: Any) -> Any:
        *rest, vector = args
        gradient = namespace.asarray(fun_grad(*rest, **kwargs))
        return namespace.tensordot(gradient, vector, axes=_ndim(vector))

    return grad(vector_dot_grad, argnum)


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(fun: Function, argnum: int = 0) -> Function:
    """The product of a tensor, on the left, with the Jacobian: a function of ``(*args, tensor)``."""

    def vector_dot_fun(*args: Any, **kwargs: Any) -> Any:
        *rest, vector = args
        value = namespace.asarray(fun(*rest, **kwargs))
        return namespace.tensordot(vector, value, axes=_ndim(vector))

    return jacobian(vector_dot_fun, argnum)


vector_jacobian_product = tensor_jacobian_product


def _ndim(x: Any) -> int:
    return len(getattr(x, "shape", ()))


@unary_to_nary
def make_jvp_reversemode(fun: Function, x: Any) -> Any:
    """Returns a function whose value is v ↦ J v, by the pullback of the pullback; `fun` is evaluated once."""
    vjp, y = reverse.make_vjp(fun, x)
    return reverse.make_vjp(vjp, vspace(y).zeros())[0]


def _half_square(x: Any) -> Any:
    return 0.5 * namespace.sum(namespace.asarray(x) ** 2, axis=-1)


def make_ggnvp(f: Function, g: Function = _half_square, f_argnum: int = 0) -> Function:
    """Returns a function whose value is v ↦ Jᵀ H J v: the generalised Gauss–Newton product of ``g(f(x))``.

    J is the Jacobian of `f`, H the Hessian of `g`, by default that of half the square.
    """

    @unary_to_nary
    def make(f: Function, x: Any) -> Any:
        f_vjp, f_x = reverse.make_vjp(f, x)
        g_hvp, grad_g_x = reverse.make_vjp(grad(g), f_x)
        f_jvp, _ = reverse.make_vjp(f_vjp, vspace(grad_g_x).zeros())
        return lambda v: f_vjp(g_hvp(f_jvp(v)))

    return make(f, f_argnum)


@unary_to_nary
def grad_and_aux(fun: Function, x: Any) -> tuple[Any, Any]:
    """Returns a function that computes the gradient of the first of two results, and the second."""
    kept: list[Any] = []

    def first(x: Any) -> Any:
        value, aux = fun(x)
        kept.append(aux)
        return value

    vjp, ans = reverse.make_vjp(first, x)
    return vjp(vspace(ans).ones()), tree.map(plain, kept[0])


def multigrad_dict(fun: Function) -> Function:
    """The gradients with respect to all arguments, as a dict by their names."""
    signature = inspect.signature(fun)
    kinds = {name: p.kind for name, p in signature.parameters.items()}

    def call(bound: dict[str, Any]) -> Any:
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, value in bound.items():
            if kinds[name] is inspect.Parameter.VAR_POSITIONAL:
                args += value
            elif kinds[name] is inspect.Parameter.VAR_KEYWORD:
                kwargs |= value
            elif kinds[name] is inspect.Parameter.KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return fun(*args, **kwargs)

    def gradfun(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return grad(call)(dict(bound.arguments))

    return gradfun


def checkpoint(fun: Function) -> Function:
    """`fun` with its values forgotten after the forward pass, and computed again on the way back."""

    @functools.wraps(fun)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return tree.map(plain, _checkpoint(functools.partial(fun, **kwargs))(*args))

    return wrapped


def __dir__() -> list[str]:
    return sorted(__all__)
