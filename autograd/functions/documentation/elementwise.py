"""Elementwise functions with a derivative; `entries.py` explains the notation."""

TEXT = """
#### add
The sum x1 + x2, elementwise.
x1, x2: pair
-> promoted
x1_bar = ct
x2_bar = ct
. The cotangent of an argument that was broadcast is summed over the axes along which it was copied,
  and cast back where its dtype was promoted; so it is for all functions of two arrays.
@ standard
>>> x1, x2 = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([[10.0], [20.0]])
>>> pb.xp.add(x1, x2)
Array([[11., 12.],
       [21., 22.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.add(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([2., 2.], dtype=float64, device='cpu'), Array([[2.],
       [2.]], dtype=float64, device='cpu'))

#### subtract
The difference x1 − x2, elementwise.
x1, x2: pair
-> promoted
x1_bar = ct
x2_bar = −ct
@ standard
>>> x1, x2 = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([0.5, 5.0])
>>> pb.xp.subtract(x1, x2)
Array([ 0.5, -3. ], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.subtract(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([1., 1.], dtype=float64, device='cpu'), Array([-1., -1.], dtype=float64, device='cpu'))

#### multiply
The product x1 · x2, elementwise.
x1, x2: pair
-> promoted
x1_bar = ct · x2
x2_bar = ct · x1
. 0 · ∞ is NaN in the derivative, as in the product itself. Of ``multiply(x, x)`` both shares add up
  to 2 x; `square` keeps one array less.
@ Griewank and Walther, Evaluating Derivatives, 2008, ch. 3.
>>> x1, x2 = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])
>>> pb.xp.multiply(x1, x2)
Array([3., 8.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.multiply(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([3., 4.], dtype=float64, device='cpu'), Array([1., 2.], dtype=float64, device='cpu'))

#### divide
The quotient x1 / x2, elementwise.
x1, x2: pair
-> Array | Of the shape that both broadcast to; floating-point, on NumPy and CuPy of integers too.
x1_bar = ct / x2
x2_bar = −ct / x2 · out
. At a divisor of 0 the derivative is infinite or NaN, as the quotient is; nothing is raised.
@ Griewank and Walther, Evaluating Derivatives, 2008, ch. 3.
>>> x1, x2 = pb.xp.asarray([1.0, 6.0]), pb.xp.asarray([2.0, 3.0])
>>> pb.xp.divide(x1, x2)
Array([0.5, 2. ], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.divide(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([0.5       , 0.33333333], dtype=float64, device='cpu'),
 Array([-0.25      , -0.66666667], dtype=float64, device='cpu'))

#### negative
−x, elementwise.
x: numeric
-> same
x_bar = −ct
@ standard
>>> x = pb.xp.asarray([1.0, -2.0])
>>> pb.xp.negative(x)
Array([-1.,  2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.negative(x)))(x)
Array([-1., -1.], dtype=float64, device='cpu')

#### positive
+x, elementwise: a copy of `x` that stays on its tape.
x: numeric
-> same
x_bar = ct
@ standard
>>> x = pb.xp.asarray([1.0, -2.0])
>>> pb.xp.positive(x)
Array([ 1., -2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.positive(x)))(x)
Array([1., 1.], dtype=float64, device='cpu')

#### square
x², elementwise.
x: numeric
-> same
x_bar = 2 · ct · x
. A complex x is squared, not its absolute value. ``square(abs(x))`` has a second derivative at 0
  only for real x.
@ standard
>>> x = pb.xp.asarray([3.0, -2.0])
>>> pb.xp.square(x)
Array([9., 4.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.square(x)))(x)
Array([ 6., -4.], dtype=float64, device='cpu')

#### reciprocal
1 / x, elementwise.
x: floating
-> same
x_bar = −ct · out²
. Infinite at 0, with an infinite derivative.
@ standard
>>> x = pb.xp.asarray([2.0, -4.0])
>>> pb.xp.reciprocal(x)
Array([ 0.5 , -0.25], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.reciprocal(x)))(x)
Array([-0.25  , -0.0625], dtype=float64, device='cpu')

#### sqrt
The square root, elementwise; of a complex number the one with the real part ≥ 0.
x: floating
-> same
x_bar = ct / (2 · out)
. At 0 the derivative is infinite, so ``sqrt(sum(x * x))`` has the gradient NaN at x = 0, where
  `linalg.vector_norm` and `hypot` give 0. A negative real x gives NaN, function and derivative.
@ DLMF 4.7
>>> x = pb.xp.asarray([4.0, 0.25])
>>> pb.xp.sqrt(x)
Array([2. , 0.5], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sqrt(x)))(x)
Array([0.25, 1.  ], dtype=float64, device='cpu')

#### cbrt
The real cube root, elementwise, of negative numbers too.
x: real floating
-> same
x_bar = ct / (3 · out²)
. At 0 the derivative is infinite. Not in the standard.
@ DLMF 4.7
>>> x = pb.xp.asarray([8.0, -27.0])
>>> pb.xp.cbrt(x)
Array([ 2., -3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.cbrt(x)))(x)
Array([0.08333333, 0.03703704], dtype=float64, device='cpu')

#### pow
x1 to the power of x2, elementwise.
x1, x2: pair
-> promoted
x1_bar = ct · x2 · x1^(x2 − 1)
x2_bar = ct · out · log x1
. 0**0 is 1, and has the derivative 0 by both. A base of 0 has the derivative 0 by the exponent. A
  negative real base with a whole exponent has a derivative by the base, and NaN by the exponent.
  The exponent −1 of an unsigned 0 does not wrap around.
! ValueError: If both are integers and an exponent is negative (on NumPy).
@ DLMF 4.7
>>> x1, x2 = pb.xp.asarray([2.0, 3.0, 0.0]), pb.xp.asarray([3.0, 2.0, 0.0])
>>> pb.xp.pow(x1, x2)
Array([8., 9., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.pow(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([12.,  6.,  0.], dtype=float64, device='cpu'),
 Array([5.54517744, 9.8875106 , 0.        ], dtype=float64, device='cpu'))

#### exp
The exponential e^x, elementwise.
x: floating
-> same
x_bar = ct · out
. Overflows to infinity with its derivative: from x = 709.8 on in float64, 88.7 in float32.
@ DLMF 4.7
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.exp(x)
Array([1.        , 2.71828183], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.exp(x)))(x)
Array([1.        , 2.71828183], dtype=float64, device='cpu')

#### expm1
e^x − 1, elementwise, with all its digits at small x.
x: floating
-> same
x_bar = ct · e^x
. Not ct · (out + 1), which has no digits left at very negative x.
@ DLMF 4.7
>>> x = pb.xp.asarray([0.0, 1e-10])
>>> pb.xp.expm1(x)
Array([0.e+00, 1.e-10], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.expm1(x)))(x)
Array([1., 1.], dtype=float64, device='cpu')

#### log
The natural logarithm, elementwise; of a complex number with the imaginary part in [−π, π].
x: floating
-> same
x_bar = ct / x
. −∞ at 0, with an infinite derivative. A negative real x gives NaN. ``where(x > 0, log(x), 0)`` has
  the gradient NaN at x = 0: guard the argument, by `apply_where`.
@ DLMF 4.7
>>> x = pb.xp.asarray([1.0, 4.0])
>>> pb.xp.log(x)
Array([0.        , 1.38629436], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.log(x)))(x)
Array([1.  , 0.25], dtype=float64, device='cpu')

#### log1p
log(1 + x), elementwise, with all its digits at small x.
x: floating
-> same
x_bar = ct / (1 + x)
. −∞ at −1, with an infinite derivative; NaN below, unless complex.
@ DLMF 4.7
>>> x = pb.xp.asarray([0.0, 1e-10])
>>> pb.xp.log1p(x)
Array([0.e+00, 1.e-10], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.log1p(x)))(x)
Array([1., 1.], dtype=float64, device='cpu')

#### log2
The logarithm to the base 2, elementwise.
x: floating
-> same
x_bar = ct / (x · log 2)
. −∞ at 0, with an infinite derivative; NaN below, unless complex.
@ DLMF 4.7
>>> x = pb.xp.asarray([1.0, 8.0])
>>> pb.xp.log2(x)
Array([0., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.log2(x)))(x)
Array([1.44269504, 0.18033688], dtype=float64, device='cpu')

#### log10
The logarithm to the base 10, elementwise.
x: floating
-> same
x_bar = ct / (x · log 10)
. −∞ at 0, with an infinite derivative; NaN below, unless complex.
@ DLMF 4.7
>>> x = pb.xp.asarray([1.0, 100.0])
>>> pb.xp.log10(x)
Array([0., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.log10(x)))(x)
Array([0.43429448, 0.00434294], dtype=float64, device='cpu')

#### logaddexp
log(e^x1 + e^x2), elementwise, without overflow.
x1, x2: floating pair
-> promoted
x1_bar = ct · σ(x1 − x2)
x2_bar = ct · σ(x2 − x1)
. σ(z) = 1 / (1 + e^−z). Where both are −∞ the result is −∞ and both derivatives are 0, not NaN;
  where one is −∞ the other has the whole derivative. Real arguments alone.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x1, x2 = pb.xp.asarray([0.0, 1000.0]), pb.xp.asarray([0.0, 999.0])
>>> pb.xp.logaddexp(x1, x2)
Array([6.93147181e-01, 1.00031326e+03], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.logaddexp(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([0.5       , 0.73105858], dtype=float64, device='cpu'),
 Array([0.5       , 0.26894142], dtype=float64, device='cpu'))

#### sigmoid
The logistic function σ(x) = 1 / (1 + e^−x), elementwise; ``special.expit`` is the same function.
x: real floating
-> same
x_bar = ct · sech²(x / 2) / 4
. That is ct · σ(x) · σ(−x), with all its digits in both tails. Not in the standard.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([0.0, -40.0])
>>> pb.xp.sigmoid(x)
Array([5.00000000e-01, 4.24835426e-18], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sigmoid(x)))(x)
Array([2.50000000e-01, 4.24835426e-18], dtype=float64, device='cpu')

#### softplus
log(1 + e^x), elementwise, without overflow.
x: real floating
-> same
x_bar = ct · σ(x)
. σ is `sigmoid`. Right in both tails. Not in the standard.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([0.0, 1000.0])
>>> pb.xp.softplus(x)
Array([6.93147181e-01, 1.00000000e+03], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.softplus(x)))(x)
Array([0.5, 1. ], dtype=float64, device='cpu')

#### relu
max(x, 0), elementwise.
x: real floating
-> same
x_bar = ct where x > 0, else 0
. At 0 the derivative is 0, unlike that of ``maximum(x, 0.0)``, which is 1/2. It is chosen, not
  multiplied: an infinite cotangent does not make NaN where x ≤ 0. Not in the standard.
@ Rockafellar, Convex Analysis, 1970, §23, on subgradients.
>>> x = pb.xp.asarray([-1.0, 0.0, 2.0])
>>> pb.xp.relu(x)
Array([0., 0., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.relu(x)))(x)
Array([0., 0., 1.], dtype=float64, device='cpu')

#### hypot
The length √(x1² + x2²), elementwise, without overflow of the squares.
x1, x2: floating pair
-> promoted
x1_bar = ct · x1 / out
x2_bar = ct · x2 / out
. At the origin the derivative is taken as 0, one of the subgradients; the second derivative does
  not exist there, and is NaN. Real arguments alone.
@ dr = (x dx + y dy) / r in polar coordinates.
>>> x1, x2 = pb.xp.asarray([3.0, 0.0]), pb.xp.asarray([4.0, 0.0])
>>> pb.xp.hypot(x1, x2)
Array([5., 0.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.hypot(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([0.6, 0. ], dtype=float64, device='cpu'), Array([0.8, 0. ], dtype=float64, device='cpu'))

#### abs
The absolute value |x|, elementwise.
x: numeric
-> Array | Of the shape of `x`; real: float32 of complex64, float64 of complex128.
x_bar = ct · sign(x); for complex x, ct · conj(x) / |x|
. 0 at 0. For real x so are all higher derivatives there; for complex x the second one is NaN, since
  |x| is a length. NaN at NaN.
@ Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
>>> x = pb.xp.asarray([-2.0, 0.0, 3.0])
>>> pb.xp.abs(x)
Array([2., 0., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(x)))(x)
Array([-1.,  0.,  1.], dtype=float64, device='cpu')
>>> pb.grad(pb.xp.abs)(3.0 + 4.0j)
(0.6000000000000001+0.8j)

#### sign
The sign, elementwise: −1, 0 or 1; of a complex number x / |x|, and 0 at 0.
x: numeric
-> same
x_bar = 0; for complex x, i · conj(out) · Im(ct · out) / |x|
. For real x the derivative is 0 everywhere, also at the jump. For complex x it is the part across
  the ray from the origin, and at 0 it is 0.
@ Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
>>> x = pb.xp.asarray([-2.0, 0.0, 3.0])
>>> pb.xp.sign(x)
Array([-1.,  0.,  1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sign(x)))(x)
Array([0., 0., 0.], dtype=float64, device='cpu')

#### conj
The complex conjugate, elementwise; a real array as it is.
x: numeric
-> same
x_bar = conj(ct)
@ Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
>>> z = pb.xp.asarray([1.0 + 2.0j])
>>> pb.xp.conj(z)
Array([1.-2.j], dtype=complex128, device='cpu')
>>> pb.grad(lambda z: pb.xp.sum(pb.xp.real(z * pb.xp.conj(z))))(z)
Array([2.+4.j], dtype=complex128, device='cpu')

#### real
The real part of a complex number, elementwise; a real array as it is.
x: numeric
-> Array | Of the shape of `x`; float32 of complex64, float64 of complex128.
x_bar = ct
. On NumPy and CuPy the result is a view of `x`: a write to it reaches `x`.
@ Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
>>> z = pb.xp.asarray([1.0 + 2.0j])
>>> pb.xp.real(z)
Array([1.], dtype=float64, device='cpu')
>>> pb.grad(lambda z: pb.xp.sum(pb.xp.real(z * z)))(z)
Array([2.-4.j], dtype=complex128, device='cpu')

#### imag
The imaginary part of a complex number, elementwise.
x: array | Complex; of a real dtype too where the array's library allows it, as NumPy does.
-> Array | Of the shape of `x`; float32 of complex64, float64 of complex128.
x_bar = −i · ct
. The i comes from the conjugated cotangents that the sweep carries: what `grad` returns for L = Im
  x is ∂L/∂Re x + i ∂L/∂Im x = i.
@ Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009.
>>> z = pb.xp.asarray([1.0 + 2.0j])
>>> pb.xp.imag(z)
Array([2.], dtype=float64, device='cpu')
>>> pb.grad(lambda z: pb.xp.sum(pb.xp.imag(z)))(z)
Array([0.+1.j], dtype=complex128, device='cpu')

#### maximum
The larger of x1 and x2, elementwise.
x1, x2: real pair
-> promoted
x1_bar = ct where x1 > x2, ct / 2 where x1 = x2, else 0
x2_bar = the rest of ct
. Equal arguments get half each, so that ``maximum(x, x)`` has the derivative 1. Where one is NaN,
  so is the result, and both get 0.
@ Rockafellar, Convex Analysis, 1970, §23, on subgradients.
>>> x1, x2 = pb.xp.asarray([1.0, 2.0, 3.0]), pb.xp.asarray([3.0, 2.0, 1.0])
>>> pb.xp.maximum(x1, x2)
Array([3., 2., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.maximum(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([0. , 0.5, 1. ], dtype=float64, device='cpu'),
 Array([1. , 0.5, 0. ], dtype=float64, device='cpu'))

#### minimum
The smaller of x1 and x2, elementwise.
x1, x2: real pair
-> promoted
x1_bar = ct where x1 < x2, ct / 2 where x1 = x2, else 0
x2_bar = the rest of ct
. Equal arguments get half each, so that ``minimum(x, x)`` has the derivative 1. Where one is NaN,
  so is the result, and both get 0.
@ Rockafellar, Convex Analysis, 1970, §23, on subgradients.
>>> x1, x2 = pb.xp.asarray([1.0, 2.0, 3.0]), pb.xp.asarray([3.0, 2.0, 1.0])
>>> pb.xp.minimum(x1, x2)
Array([1., 2., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.minimum(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([1. , 0.5, 0. ], dtype=float64, device='cpu'),
 Array([0. , 0.5, 1. ], dtype=float64, device='cpu'))

#### clip
`x`, not below `min` and not above `max`, elementwise.
x: real
min: array or number, optional | The lower bounds, which broadcast with `x`; none by default.
max: array or number, optional | The upper bounds, which broadcast with `x`; none by default.
-> Array | Of the shape that all broadcast to, in the dtype of `x`.
x_bar = ct where min ≤ x ≤ max, else 0
min_bar = ct where x < min ≤ max, else 0
max_bar = ct where x > max or min > max, else 0
. At a bound x has the whole derivative and the bound nothing, as in PyTorch. Bounds in the wrong
  order give `max`. NaN stays NaN, with the derivative 0.
@ standard
>>> x = pb.xp.asarray([-1.0, 0.0, 0.5, 2.0])
>>> pb.xp.clip(x, 0.0, 1.0)
Array([0. , 0. , 0.5, 1. ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.clip(x, 0.0, 1.0)))(x)
Array([0., 1., 1., 0.], dtype=float64, device='cpu')
"""
