"""Trigonometric and hyperbolic functions with a derivative; `entries.py` explains the notation."""

TEXT = """
#### sin
The sine, elementwise.
x: floating
-> same
x_bar = ct · cos x
. In radians.
@ DLMF 4.20
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.sin(x)
Array([0.        , 0.84147098], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sin(x)))(x)
Array([1.        , 0.54030231], dtype=float64, device='cpu')

#### cos
The cosine, elementwise.
x: floating
-> same
x_bar = −ct · sin x
. In radians.
@ DLMF 4.20
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.cos(x)
Array([1.        , 0.54030231], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.cos(x)))(x)
Array([-0.        , -0.84147098], dtype=float64, device='cpu')

#### tan
The tangent, elementwise.
x: floating
-> same
x_bar = ct · (1 + out²)
. For complex x as ct · sech²(i x): far from the real axis tan tends to ±i, and 1 + out² has no
  digits left.
@ DLMF 4.20
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.tan(x)
Array([0.        , 1.55740772], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.tan(x)))(x)
Array([1.        , 3.42551882], dtype=float64, device='cpu')

#### asin
The inverse sine, elementwise, in [−π/2, π/2].
x: floating
-> same
x_bar = ct / (√(1 − x) · √(1 + x))
. Infinite at ±1; NaN beyond, unless complex: there the derivative has the cuts of the function,
  signed zeros included. All digits at small x, at every order.
@ DLMF 4.24(ii)
@ Kahan, Branch cuts for complex elementary functions, 1987.
>>> x = pb.xp.asarray([0.0, 0.5])
>>> pb.xp.asin(x)
Array([0.        , 0.52359878], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.asin(x)))(x)
Array([1.        , 1.15470054], dtype=float64, device='cpu')

#### acos
The inverse cosine, elementwise, in [0, π].
x: floating
-> same
x_bar = −ct / (√(1 − x) · √(1 + x))
. Infinite at ±1; NaN beyond, unless complex: there the derivative has the cuts of the function,
  signed zeros included.
@ DLMF 4.24(ii)
@ Kahan, Branch cuts for complex elementary functions, 1987.
>>> x = pb.xp.asarray([0.0, 0.5])
>>> pb.xp.acos(x)
Array([1.57079633, 1.04719755], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.acos(x)))(x)
Array([-1.        , -1.15470054], dtype=float64, device='cpu')

#### atan
The inverse tangent, elementwise, in [−π/2, π/2].
x: floating
-> same
x_bar = ct / (1 + x²)
. Infinite at ±i. No overflow of x²; all digits at small and large x, at every order.
@ DLMF 4.24(ii)
@ Kahan, Branch cuts for complex elementary functions, 1987.
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.atan(x)
Array([0.        , 0.78539816], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.atan(x)))(x)
Array([1. , 0.5], dtype=float64, device='cpu')

#### atan2
The angle of the point (x2, x1) with the first axis, elementwise, in [−π, π].
x1, x2: floating pair
-> promoted
x1_bar = ct · x2 / (x1² + x2²)
x2_bar = −ct · x1 / (x1² + x2²)
. x1 is the ordinate, as in ``numpy.arctan2``. At the origin the derivative is taken as 0, and the
  second one is NaN; where an argument is infinite it is 0. The squares neither over- nor underflow.
  Real arguments alone.
@ dφ = (x dy − y dx) / r² in polar coordinates.
>>> x1, x2 = pb.xp.asarray([1.0, 0.0]), pb.xp.asarray([1.0, 0.0])
>>> pb.xp.atan2(x1, x2)
Array([0.78539816, 0.        ], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.atan2(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([0.5, 0. ], dtype=float64, device='cpu'),
 Array([-0.5, -0. ], dtype=float64, device='cpu'))

#### sinh
The hyperbolic sine, elementwise.
x: floating
-> same
x_bar = ct · cosh x
@ DLMF 4.34
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.sinh(x)
Array([0.        , 1.17520119], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sinh(x)))(x)
Array([1.        , 1.54308063], dtype=float64, device='cpu')

#### cosh
The hyperbolic cosine, elementwise.
x: floating
-> same
x_bar = ct · sinh x
@ DLMF 4.34
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.cosh(x)
Array([1.        , 1.54308063], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.cosh(x)))(x)
Array([0.        , 1.17520119], dtype=float64, device='cpu')

#### tanh
The hyperbolic tangent, elementwise.
x: floating
-> same
x_bar = ct · sech² x
. Right in the tails, where 1 − tanh² has no digits left and 1 / cosh² overflows.
@ DLMF 4.34
>>> x = pb.xp.asarray([0.0, 20.0])
>>> pb.xp.tanh(x)
Array([0., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.tanh(x)))(x)
Array([1.0000000e+00, 1.6993417e-17], dtype=float64, device='cpu')

#### sech2
sech² x = 1 / cosh² x, elementwise: the derivative of the hyperbolic tangent.
x: floating
-> same
x_bar = −2 · ct · out · tanh x
. Neither over- nor underflows before the result does. Not in the standard.
@ DLMF 4.34
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.sech2(x)
Array([1.        , 0.41997434], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sech2(x)))(x)
Array([-0.        , -0.63970001], dtype=float64, device='cpu')

#### asinh
The inverse hyperbolic sine, elementwise.
x: floating
-> same
x_bar = ct / √(1 + x²)
. No overflow of x². For complex x as ct / cosh(out), which has the cuts of the function; infinite
  at ±i.
@ DLMF 4.38(ii)
@ Kahan, Branch cuts for complex elementary functions, 1987.
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.asinh(x)
Array([0.        , 0.88137359], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.asinh(x)))(x)
Array([1.        , 0.70710678], dtype=float64, device='cpu')

#### acosh
The inverse hyperbolic cosine, elementwise, in [0, ∞].
x: floating
-> same
x_bar = ct / (√(x − 1) · √(x + 1))
. Infinite at 1; NaN below, unless complex, with the cut of the function.
@ DLMF 4.38(ii)
@ Kahan, Branch cuts for complex elementary functions, 1987.
>>> x = pb.xp.asarray([2.0, 3.0])
>>> pb.xp.acosh(x)
Array([1.3169579 , 1.76274717], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.acosh(x)))(x)
Array([0.57735027, 0.35355339], dtype=float64, device='cpu')

#### atanh
The inverse hyperbolic tangent, elementwise.
x: floating
-> same
x_bar = ct / ((1 − x) · (1 + x))
. Infinite at ±1; NaN beyond, unless complex.
@ DLMF 4.38(ii)
@ Kahan, Branch cuts for complex elementary functions, 1987.
>>> x = pb.xp.asarray([0.0, 0.5])
>>> pb.xp.atanh(x)
Array([0.        , 0.54930614], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.atanh(x)))(x)
Array([1.        , 1.33333333], dtype=float64, device='cpu')

#### sinc
sin(πx) / (πx), elementwise, 1 at 0; as ``numpy.sinc``, and under the same name in `special`.
x: floating
-> same
x_bar = ct · sinc'(x)
. The derivative is `sinc_derivative` with n = 1, computed without the cancellation of cos(πx) / x −
  sin(πx) / (πx²) near 0. Not in the standard.
@ Derived in ``backend/generic/special.py``.
>>> x = pb.xp.asarray([0.0, 0.5])
>>> pb.xp.sinc(x)
Array([1.        , 0.63661977], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sinc(x)))(x)
Array([-0.        , -1.27323954], dtype=float64, device='cpu')

#### sinc_derivative
The n-th derivative of sinc(x) = sin(πx) / (πx), elementwise.
x: floating
n: int | The order of the derivative, 0 for `sinc` itself.
-> same
x_bar = ct · the derivative of order n + 1
. Without cancellation near 0, at every order. Not in the standard.
@ Derived in ``backend/generic/special.py``.
>>> pb.xp.sinc_derivative(pb.xp.asarray([0.0, 0.5]), n=2)
Array([-3.28986813, -1.19022713], dtype=float64, device='cpu')
"""
