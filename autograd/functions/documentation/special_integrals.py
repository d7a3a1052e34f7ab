"""Integrals and inverses of special functions under SciPy's names; `entries.py` explains the notation."""

TEXT = """
#### special.gammaincinv
The x with P(a, x) = y, elementwise: the quantile of the gamma distribution.
P is the function `gammainc`.
a: array or number | Real, > 0; the shapes broadcast.
y: array or number | Real, in [0, 1].
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
a_bar = −ct · ∂P(a, out)/∂a / p(out)
y_bar = ct / p(out)
. p is the density x^(a − 1) e^(−x) / Γ(a); the derivative by a is that of `gammainc`. At y = 0 and
  1, where the density is 0, it is infinite.
@ DLMF 8.2, 8.12
>>> a, y = pb.xp.asarray([2.0, 3.0]), pb.xp.asarray([0.5, 0.9])
>>> pb.special.gammaincinv(a, y)
Array([1.67834699, 5.32232034], dtype=float64, device='cpu')
>>> pb.grad(lambda a, y: pb.xp.sum(pb.special.gammaincinv(a, y)), argnums=(0, 1))(a, y)
(Array([0.99329489, 1.3887084 ], dtype=float64, device='cpu'),
 Array([ 3.19164869, 14.46379737], dtype=float64, device='cpu'))

#### special.gammainccinv
The x with Q(a, x) = y, elementwise: the upper quantile of the gamma distribution.
Q is the function `gammaincc`.
a: array or number | Real, > 0; the shapes broadcast.
y: array or number | Real, in [0, 1].
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
a_bar = −ct · ∂P(a, out)/∂a / p(out)
y_bar = −ct / p(out)
. p is the density x^(a − 1) e^(−x) / Γ(a); the derivative by a is that of `gammainc`. At y = 0 and
  1, where the density is 0, it is infinite.
@ DLMF 8.2, 8.12
>>> a, y = pb.xp.asarray([2.0, 3.0]), pb.xp.asarray([0.5, 0.1])
>>> pb.special.gammainccinv(a, y)
Array([1.67834699, 5.32232034], dtype=float64, device='cpu')
>>> pb.grad(lambda a, y: pb.xp.sum(pb.special.gammainccinv(a, y)), argnums=(0, 1))(a, y)
(Array([0.99329489, 1.3887084 ], dtype=float64, device='cpu'),
 Array([ -3.19164869, -14.46379737], dtype=float64, device='cpu'))

#### special.betaincc
1 minus the regularised incomplete beta function `betainc`, elementwise, with all its digits near 1.
a, b: array or number | Real, > 0; they have no derivative.
x: array or number | Real, in [0, 1]; all three shapes broadcast.
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = −ct · x^(a − 1) · (1 − x)^(b − 1) / B(a, b)
! MissingRuleError: If a derivative by `a` or `b` is asked for.
@ DLMF 8.17
>>> x = pb.xp.asarray([0.25, 0.5])
>>> pb.special.betaincc(2.0, 3.0, x)
Array([0.73828125, 0.3125    ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.betaincc(2.0, 3.0, x)))(x)
Array([-1.6875, -1.5   ], dtype=float64, device='cpu')

#### special.betaincinv
The x with I_x(a, b) = y, elementwise: the quantile of the beta distribution.
I_x is the function `betainc`.
a, b: array or number | Real, > 0; they have no derivative.
y: array or number | Real, in [0, 1]; all three shapes broadcast.
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
y_bar = ct · B(a, b) / (out^(a − 1) · (1 − out)^(b − 1))
! MissingRuleError: If a derivative by `a` or `b` is asked for.
@ DLMF 8.17
>>> y = pb.xp.asarray([0.25, 0.5])
>>> pb.special.betaincinv(2.0, 3.0, y)
Array([0.24302208, 0.38572757], dtype=float64, device='cpu')
>>> pb.grad(lambda y: pb.xp.sum(pb.special.betaincinv(2.0, 3.0, y)))(y)
Array([0.59842068, 0.57255344], dtype=float64, device='cpu')

#### special.betainccinv
The x with 1 − I_x(a, b) = y, elementwise: the upper quantile of the beta distribution.
I_x is the function `betainc`.
a, b: array or number | Real, > 0; they have no derivative.
y: array or number | Real, in [0, 1]; all three shapes broadcast.
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
y_bar = −ct · B(a, b) / (out^(a − 1) · (1 − out)^(b − 1))
! MissingRuleError: If a derivative by `a` or `b` is asked for.
@ DLMF 8.17
>>> y = pb.xp.asarray([0.25, 0.5])
>>> pb.special.betainccinv(2.0, 3.0, y)
Array([0.54367829, 0.38572757], dtype=float64, device='cpu')
>>> pb.grad(lambda y: pb.xp.sum(pb.special.betainccinv(2.0, 3.0, y)))(y)
Array([-0.73609606, -0.57255344], dtype=float64, device='cpu')

#### special.stdtrit
The quantile of Student's t with df degrees of freedom, elementwise: the inverse of `stdtr`.
df: array or number | Real, > 0; it has no derivative.
y: array or number | Real, in [0, 1]; both shapes broadcast.
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
y_bar = ct · √df · B(df/2, 1/2) · (1 + out²/df)^((df + 1)/2)
! MissingRuleError: If a derivative by `df` is asked for.
@ Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995, ch. 28.
>>> y = pb.xp.asarray([0.5, 0.9])
>>> pb.special.stdtrit(3.0, y)
Array([0.        , 1.63774435], dtype=float64, device='cpu')
>>> pb.grad(lambda y: pb.xp.sum(pb.special.stdtrit(3.0, y)))(y)
Array([2.72069905, 9.76049921], dtype=float64, device='cpu')

#### special.ndtri_exp
The inverse of `log_ndtr`, elementwise.
It is the quantile of the standard normal of a probability that is given by its logarithm.
x: array | The logarithm of the probability, real, ≤ 0.
-> same
x_bar = ct · Φ(out) / φ(out)
. Right far in the tail, where the probability itself underflows.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 7.8, 7.17
>>> x = pb.xp.asarray([-1.0, -800.0], device="cpu")
>>> pb.special.ndtri_exp(x)
Array([ -0.33747496, -39.88469484], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.ndtri_exp(x)))(x)
Array([0.97617169, 0.02505654], dtype=float64, device='cpu')

#### special.exp1
The exponential integral E_1(x) = ∫_x^∞ e^(−t)/t dt, elementwise.
x: floating
-> same
x_bar = −ct · e^(−x) / x
. ∞ at 0; for real x < 0 it is infinite or NaN, as the function.
@ DLMF 6.2
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.exp1(x)
Array([0.21938393, 0.04890051], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.exp1(x)))(x)
Array([-0.36787944, -0.06766764], dtype=float64, device='cpu')

#### special.expi
The exponential integral Ei(x), elementwise: the principal value of ∫_{−∞}^x e^t/t dt.
x: floating
-> same
x_bar = ct · e^x / x
. −∞ at 0, where the derivative is infinite.
@ DLMF 6.2
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.expi(x)
Array([1.89511782, 4.95423436], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.expi(x)))(x)
Array([2.71828183, 3.69452805], dtype=float64, device='cpu')

#### special.expn
The exponential integral E_n(x) = ∫_1^∞ e^(−x t)/tⁿ dt, elementwise.
n: int or array of int | The order, ≥ 0; it has no derivative.
x: array | Real, ≥ 0.
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = −ct · E_{n−1}(x)
. For n = 0, E_0(x) = e^(−x)/x is differentiated.
! MissingRuleError: If a derivative by `n` is asked for.
@ DLMF 8.19
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.expn(2, x)
Array([0.14849551, 0.03753426], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.expn(2, x)))(x)
Array([-0.21938393, -0.04890051], dtype=float64, device='cpu')

#### special.fresnel
Fresnel's integrals S = ∫_0^x sin(πt²/2) dt and C = ∫_0^x cos(πt²/2) dt, elementwise.
x: floating
-> tuple of Array | (S, C), each of the shape and dtype of `x`.
x_bar = S_bar · sin(π · x² / 2) + C_bar · cos(π · x² / 2)
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 7.2(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.fresnel(x)[0]
Array([0.06473243, 0.43825915], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.fresnel(x)[0]))(x)
Array([0.38268343, 1.        ], dtype=float64, device='cpu')

#### special.sici
The sine integral Si = ∫_0^x (sin t)/t dt and the cosine integral Ci, elementwise.
x: floating
-> tuple of Array | (Si, Ci), each of the shape and dtype of `x`.
x_bar = Si_bar · (sin x) / x + Ci_bar · (cos x) / x
. (sin x)/x is 1 at 0. Ci is −∞ there, with an infinite derivative.
@ DLMF 6.2
>>> x = pb.xp.asarray([0.5, 1.0])
>>> pb.special.sici(x)[0]
Array([0.49310742, 0.94608307], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.sici(x)[0]))(x)
Array([0.95885108, 0.84147098], dtype=float64, device='cpu')

#### special.shichi
The hyperbolic sine and cosine integrals Shi = ∫_0^x (sinh t)/t dt and Chi, elementwise.
x: floating
-> tuple of Array | (Shi, Chi), each of the shape and dtype of `x`.
x_bar = Shi_bar · (sinh x) / x + Chi_bar · (cosh x) / x
. (sinh x)/x is 1 at 0, by its series near there. Chi is −∞ there, with an infinite derivative.
@ DLMF 6.2
>>> x = pb.xp.asarray([0.5, 1.0])
>>> pb.special.shichi(x)[0]
Array([0.50699675, 1.05725088], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.shichi(x)[0]))(x)
Array([1.04219061, 1.17520119], dtype=float64, device='cpu')

#### special.spence
Spence's function ∫_1^x log t/(1 − t) dt, elementwise: the dilogarithm of 1 − x.
x: floating
-> same
x_bar = ct · log x / (1 − x)
. Near 1 by the series: −1 at 1. At 0 the derivative is −∞.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 25.12
>>> x = pb.xp.asarray([0.5, 2.0], device="cpu")
>>> pb.special.spence(x)
Array([ 0.58224053, -0.82246703], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.spence(x)))(x)
Array([-1.38629436, -0.69314718], dtype=float64, device='cpu')

#### special.erfi
The imaginary error function −i erf(i x), elementwise.
x: floating
-> same
x_bar = ct · (2/√π) · e^(x²)
. Overflows from |x| = 26.6 on in float64.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 7.10
>>> x = pb.xp.asarray([0.0, 1.0], device="cpu")
>>> pb.special.erfi(x)
Array([0.        , 1.65042576], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.erfi(x)))(x)
Array([1.12837917, 3.06725259], dtype=float64, device='cpu')

#### special.dawsn
Dawson's integral D(x) = e^(−x²) ∫_0^x e^(t²) dt, elementwise.
x: real floating
-> same
x_bar = ct · (1 − 2 · x · out)
. For |x| > 12, where the difference cancels, by the asymptotic series −Σ_k (2k − 1)!!/(2x²)^k.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 7.2(ii), 7.12
>>> x = pb.xp.asarray([0.0, 100.0], device="cpu")
>>> pb.special.dawsn(x)
Array([0.        , 0.00500025], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.dawsn(x)))(x)
Array([ 1.00000000e+00, -5.00075019e-05], dtype=float64, device='cpu')

#### special.wofz
The Faddeeva function w(x) = e^(−x²) erfc(−i x), elementwise.
x: complex
-> Array | Complex, of the shape of `x`.
x_bar = ct · (2 · i/√π − 2 · x · out)
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 7.2(i), 7.10
>>> x = pb.xp.asarray([0.5 + 1.0j, 1.0 + 0.0j], device="cpu")
>>> pb.special.wofz(x)
Array([0.39123402+0.12720241j, 0.36787944+0.60715771j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.real(pb.special.wofz(x))))(x)
Array([-0.1368292 -0.21870871j, -0.73575888+0.08593624j], dtype=complex128, device='cpu')

#### special.owens_t
Owen's function T(x, a) = (1/2π) ∫_0^a e^(−x² (1 + t²)/2)/(1 + t²) dt, elementwise.
x, a: floating pair
-> promoted
x_bar = −ct · e^(−x²/2) · erf(a · x/√2) / (2 · √(2π))
a_bar = ct · e^(−x² · (1 + a²)/2) / (2π · (1 + a²))
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ Owen, Tables for computing bivariate normal probabilities, 1956.
>>> x, a = pb.xp.asarray([0.5, 1.0], device="cpu"), pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.owens_t(x, a)
Array([0.10667106, 0.07846819], dtype=float64, device='cpu')
>>> pb.grad(lambda x, a: pb.xp.sum(pb.special.owens_t(x, a)), argnums=(0, 1))(x, a)
(Array([-0.06740729, -0.1154805 ], dtype=float64, device='cpu'),
 Array([0.061975  , 0.00261285], dtype=float64, device='cpu'))

#### special.lambertw
Lambert's W, elementwise: w with w e^w = x.
x: floating
k: int | The branch; 0 is the principal one.
tol: float | SciPy's tolerance of its iteration.
-> Array | Complex, of the shape of `x`.
x_bar = ct · e^(−out) / (1 + out)
. Right at x = 0 on the principal branch, where it is 1. At the branch point x = −1/e it is
  infinite.
@ Corless et al., On the Lambert W function, 1996.
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.xp.real(pb.special.lambertw(x))
Array([0.        , 0.56714329], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.real(pb.special.lambertw(x))))(x)
Array([1.        , 0.36189626], dtype=float64, device='cpu')

#### special.wrightomega
Wright's omega, elementwise: w with w + log w = x.
x: floating
-> same
x_bar = ct · out / (1 + out)
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ Corless and Jeffrey, The Wright ω function, 2002.
>>> x = pb.xp.asarray([0.0, 1.0], device="cpu")
>>> pb.special.wrightomega(x)
Array([0.56714329, 1.        ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.wrightomega(x)))(x)
Array([0.36189626, 0.5       ], dtype=float64, device='cpu')

#### special.ellipk
The complete elliptic integral of the first kind K(m), of the parameter m = k², elementwise.
x: array | The parameter m, real, < 1.
-> same
x_bar = ct · (E(x) / (1 − x) − out) / (2 · x)
. Near 0, where the difference cancels, by the series: π/8 at 0. ∞ at 1.
! NotImplementedError: Under a derivative of CuPy's arrays, for which there is no such function.
@ DLMF 19.4, 19.5
>>> x = pb.xp.asarray([0.0, 0.5], device="cpu")
>>> pb.special.ellipk(x)
Array([1.57079633, 1.85407468], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.ellipk(x)))(x)
Array([0.39269908, 0.84721308], dtype=float64, device='cpu')

#### special.ellipe
The complete elliptic integral of the second kind E(m), of the parameter m = k², elementwise.
x: array | The parameter m, real, ≤ 1.
-> same
x_bar = ct · (out − K(x)) / (2 · x)
. Near 0, where the difference cancels, by the series: −π/8 at 0. At 1 the derivative is −∞.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 19.4, 19.5
>>> x = pb.xp.asarray([0.0, 0.5], device="cpu")
>>> pb.special.ellipe(x)
Array([1.57079633, 1.35064388], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.ellipe(x)))(x)
Array([-0.39269908, -0.5034308 ], dtype=float64, device='cpu')
"""
