"""Special functions, under SciPy's names; `entries.py` explains the notation."""

TEXT = """
#### special.erf
The error function, (2/√π) ∫_0^x e^(−t²) dt, elementwise.
x: floating
-> same
x_bar = ct · (2/√π) · e^(−x²)
@ DLMF 7.10
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.special.erf(x)
Array([0.        , 0.84270079], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.erf(x)))(x)
Array([1.12837917, 0.4151075 ], dtype=float64, device='cpu')

#### special.erfc
1 − erf(x), elementwise, with all its digits at large x.
x: floating
-> same
x_bar = −ct · (2/√π) · e^(−x²)
@ DLMF 7.10
>>> x = pb.xp.asarray([0.0, 10.0])
>>> pb.special.erfc(x)
Array([1.00000000e+00, 2.08848758e-45], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.erfc(x)))(x)
Array([-1.12837917e+00, -4.19765623e-44], dtype=float64, device='cpu')

#### special.erfcx
e^(x²) erfc(x), elementwise, which does not underflow at large x.
x: floating
-> same
x_bar = ct · (2 · x · out − 2/√π)
. At large real x, where the difference cancels, by its series or a continued fraction; it overflows
  to the left of x = −26.
@ DLMF 7.10, 7.9
>>> x = pb.xp.asarray([0.0, 100.0])
>>> pb.special.erfcx(x)
Array([1.        , 0.00564161], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.erfcx(x)))(x)
Array([-1.12837917e+00, -5.64104976e-05], dtype=float64, device='cpu')

#### special.erfinv
The inverse of `erf` on (−1, 1), elementwise.
x: real floating
-> same
x_bar = ct · (√π/2) · e^(out²)
. ±∞ at ±1, with an infinite derivative; NaN beyond.
@ DLMF 7.17
>>> x = pb.xp.asarray([0.0, 0.5])
>>> pb.special.erfinv(x)
Array([0.        , 0.47693628], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.erfinv(x)))(x)
Array([0.88622693, 1.11258482], dtype=float64, device='cpu')

#### special.erfcinv
The inverse of `erfc` on (0, 2), elementwise.
x: real floating
-> same
x_bar = −ct · (√π/2) · e^(out²)
. ±∞ at 0 and 2, with an infinite derivative; NaN beyond.
@ DLMF 7.17
>>> x = pb.xp.asarray([0.5, 1.5])
>>> pb.special.erfcinv(x)
Array([ 0.47693628, -0.47693628], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.erfcinv(x)))(x)
Array([-1.11258482, -1.11258482], dtype=float64, device='cpu')

#### special.ndtr
The distribution Φ of the standard normal, elementwise.
x: floating
-> same
x_bar = ct · e^(−x²/2) / √(2π)
. Left of x = −38 it underflows; `log_ndtr` does not.
@ DLMF 7.10
>>> x = pb.xp.asarray([0.0, 2.0])
>>> pb.special.ndtr(x)
Array([0.5       , 0.97724987], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.ndtr(x)))(x)
Array([0.39894228, 0.05399097], dtype=float64, device='cpu')

#### special.ndtri
The quantile of the standard normal: the inverse of `ndtr` on (0, 1), elementwise.
x: real floating
-> same
x_bar = ct · √(2π) · e^(out²/2)
. ±∞ at 0 and 1, with an infinite derivative; NaN beyond.
@ DLMF 7.17
>>> x = pb.xp.asarray([0.5, 0.975])
>>> pb.special.ndtri(x)
Array([0.        , 1.95996398], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.ndtri(x)))(x)
Array([ 2.50662827, 17.11008308], dtype=float64, device='cpu')

#### special.log_ndtr
The logarithm of the distribution of the standard normal, elementwise.
x: real floating
-> same
x_bar = ct · φ(x) / Φ(x)
. Left of 0, where density φ and distribution Φ underflow, as √(2/π) / erfcx(−x/√2): right far in
  the tail, at every order.
@ DLMF 7.10, 7.8
>>> x = pb.xp.asarray([0.0, -40.0])
>>> pb.special.log_ndtr(x)
Array([-6.93147181e-01, -8.04608442e+02], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.log_ndtr(x)))(x)
Array([ 0.79788456, 40.02496885], dtype=float64, device='cpu')

#### special.gamma
The gamma function, elementwise.
x: floating
-> same
x_bar = ct · out · ψ(x)
. ψ is `digamma`. At the poles 0, −1, … both are infinite or NaN; for x > 171.6 it overflows in
  float64: use `gammaln`.
@ DLMF 5.2
>>> x = pb.xp.asarray([1.0, 5.0])
>>> pb.special.gamma(x)
Array([ 1., 24.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.gamma(x)))(x)
Array([-0.57721566, 36.14682404], dtype=float64, device='cpu')

#### special.rgamma
1 / Γ(x), elementwise, 0 at the poles of the gamma function.
x: real floating
-> same
x_bar = −ct · out · ψ(x)
. Left of 1/2, where ψ has poles and the result zeros, by 1/Γ(x) = x (x + 1) … (x + n − 1) / Γ(x +
  n): finite at 0, −1, …, −22; further to the left it is NaN at those.
@ DLMF 5.2, 5.5
>>> x = pb.xp.asarray([0.0, 3.0])
>>> pb.special.rgamma(x)
Array([0. , 0.5], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.rgamma(x)))(x)
Array([ 1.        , -0.46139217], dtype=float64, device='cpu')

#### special.gammaln
log |Γ(x)|, elementwise.
x: real floating
-> same
x_bar = ct · ψ(x)
. ψ is `digamma`. ∞ at the poles 0, −1, ….
@ DLMF 5.2
>>> x = pb.xp.asarray([1.0, 100.0])
>>> pb.special.gammaln(x)
Array([  0.        , 359.13420537], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.gammaln(x)))(x)
Array([-0.57721566,  4.60016185], dtype=float64, device='cpu')

#### special.loggamma
The principal branch of log Γ(x), elementwise.
x: floating
-> same
x_bar = ct · ψ(x)
. NaN for a negative real x: make it complex, or use `gammaln`.
@ DLMF 5.2
>>> x = pb.xp.asarray([1.0, 100.0])
>>> pb.special.loggamma(x)
Array([  0.        , 359.13420537], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.loggamma(x)))(x)
Array([-0.57721566,  4.60016185], dtype=float64, device='cpu')

#### special.digamma
ψ(x) = Γ'(x) / Γ(x), elementwise; ``special.psi`` is the same function.
x: floating
-> same
x_bar = ct · ψ'(x)
. ψ' is `polygamma` with n = 1, of real x alone: under a derivative x is real.
@ DLMF 5.2, 5.15
>>> x = pb.xp.asarray([1.0, 10.0])
>>> pb.special.digamma(x)
Array([-0.57721566,  2.25175259], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.digamma(x)))(x)
Array([1.64493407, 0.10516634], dtype=float64, device='cpu')

#### special.polygamma
The n-th derivative of ψ, elementwise.
n: int or array of int | The order, ≥ 0; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = ct · polygamma(n + 1, x)
! MissingRuleError: If a derivative by `n` is asked for.
@ DLMF 5.15
>>> x = pb.xp.asarray([1.0, 10.0])
>>> pb.special.polygamma(1, x)
Array([1.64493407, 0.10516634], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.polygamma(1, x)))(x)
Array([-2.40411381, -0.01104983], dtype=float64, device='cpu')

#### special.zeta
Hurwitz' zeta function Σ_k (k + q)^(−x), elementwise; Riemann's without q.
x: array or number | Real, > 1 where `q` is given; it has no derivative.
q: array or number, optional | Real; 1 by default.
-> promoted
q_bar = −ct · x · zeta(x + 1, q)
! MissingRuleError: If a derivative by `x` is asked for.
@ DLMF 25.11.17
>>> q = pb.xp.asarray([1.0, 2.0])
>>> pb.special.zeta(2.0, q)
Array([1.64493407, 0.64493407], dtype=float64, device='cpu')
>>> pb.grad(lambda q: pb.xp.sum(pb.special.zeta(2.0, q)))(q)
Array([-2.40411381, -0.40411381], dtype=float64, device='cpu')

#### special.beta
The beta function Γ(a) Γ(b) / Γ(a + b), elementwise.
a, b: floating pair
-> promoted
a_bar = ct · out · (ψ(a) − ψ(a + b))
b_bar = ct · out · (ψ(b) − ψ(a + b))
. Where the digammas would cancel, for one argument large beside the other, their difference is
  computed as one.
@ DLMF 5.12
>>> a, b = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])
>>> pb.special.beta(a, b)
Array([0.33333333, 0.05      ], dtype=float64, device='cpu')
>>> pb.grad(lambda a, b: pb.xp.sum(pb.special.beta(a, b)), argnums=(0, 1))(a, b)
(Array([-0.61111111, -0.06416667], dtype=float64, device='cpu'),
 Array([-0.11111111, -0.0225    ], dtype=float64, device='cpu'))

#### special.betaln
log |B(a, b)|, elementwise, with the function `beta`.
a, b: floating pair
-> promoted
a_bar = ct · (ψ(a) − ψ(a + b))
b_bar = ct · (ψ(b) − ψ(a + b))
. Where the digammas would cancel, for one argument large beside the other, their difference is
  computed as one.
@ DLMF 5.12
>>> a, b = pb.xp.asarray([1.0, 1e10]), pb.xp.asarray([3.0, 4.0])
>>> pb.special.betaln(a, b)
Array([ -1.09861229, -90.31164425], dtype=float64, device='cpu')
>>> pb.grad(lambda a, b: pb.xp.sum(pb.special.betaln(a, b)), argnums=(0, 1))(a, b)
(Array([-1.83333333e+00, -4.00000000e-10], dtype=float64, device='cpu'),
 Array([ -0.33333333, -21.76973326], dtype=float64, device='cpu'))

#### special.gammainc
The regularised lower incomplete gamma function P(a, x) = γ(a, x) / Γ(a), elementwise.
It is the distribution function of the gamma distribution of shape a.
a, x: floating pair
-> promoted
a_bar = ct · ∂P(a, x)/∂a
x_bar = ct · x^(a − 1) · e^(−x) / Γ(a)
. By a there is no closed form: an integral that dies out is taken by Gauss' rule, or, for a and x
  below 1, a series, to 12 digits for a up to 10⁶, also where the function is 0 or 1 but for
  rounding. At x = 0 and ∞ the derivative by a is 0.
@ DLMF 8.2, 8.8.13, 8.11.4
>>> a, x = pb.xp.asarray([2.0, 3.0]), pb.xp.asarray([1.0, 5.0])
>>> pb.special.gammainc(a, x)
Array([0.26424112, 0.87534798], dtype=float64, device='cpu')
>>> pb.grad(lambda a, x: pb.xp.sum(pb.special.gammainc(a, x)), argnums=(0, 1))(a, x)
(Array([-0.27619605, -0.11369284], dtype=float64, device='cpu'),
 Array([0.36787944, 0.08422434], dtype=float64, device='cpu'))

#### special.gammaincc
The regularised upper incomplete gamma function Q(a, x) = 1 − P(a, x), elementwise.
It has all its digits in the right tail of the gamma distribution.
a, x: floating pair
-> promoted
a_bar = −ct · ∂P(a, x)/∂a
x_bar = −ct · x^(a − 1) · e^(−x) / Γ(a)
. As for `gammainc`; the derivative by a is right where Q underflows beside 1.
@ DLMF 8.2, 8.8.13, 8.11.4
>>> a, x = pb.xp.asarray([2.0, 3.0]), pb.xp.asarray([1.0, 5.0])
>>> pb.special.gammaincc(a, x)
Array([0.73575888, 0.12465202], dtype=float64, device='cpu')
>>> pb.grad(lambda a, x: pb.xp.sum(pb.special.gammaincc(a, x)), argnums=(0, 1))(a, x)
(Array([0.27619605, 0.11369284], dtype=float64, device='cpu'),
 Array([-0.36787944, -0.08422434], dtype=float64, device='cpu'))

#### special.betainc
The regularised incomplete beta function I_x(a, b), elementwise.
It is the distribution function of the beta distribution.
a, b: array or number | Real, > 0; they have no derivative.
x: array or number | Real, in [0, 1]; all three shapes broadcast.
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = ct · x^(a − 1) · (1 − x)^(b − 1) / B(a, b)
. At x = 0 and 1 it is the density's value there, or its pole.
! MissingRuleError: If a derivative by `a` or `b` is asked for.
@ DLMF 8.17
>>> x = pb.xp.asarray([0.25, 0.5])
>>> pb.special.betainc(2.0, 3.0, x)
Array([0.26171875, 0.6875    ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.betainc(2.0, 3.0, x)))(x)
Array([1.6875, 1.5   ], dtype=float64, device='cpu')

#### special.stdtr
The distribution of Student's t with df degrees of freedom, elementwise.
df: array or number | Real, > 0; it has no derivative.
t: array or number | Real; both shapes broadcast.
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
t_bar = ct · (1 + t²/df)^(−(df + 1)/2) / (√df · B(df/2, 1/2))
! MissingRuleError: If a derivative by `df` is asked for.
@ Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995, ch. 28.
>>> t = pb.xp.asarray([0.0, 2.0])
>>> pb.special.stdtr(3.0, t)
Array([0.5       , 0.93033702], dtype=float64, device='cpu')
>>> pb.grad(lambda t: pb.xp.sum(pb.special.stdtr(3.0, t)))(t)
Array([0.3675526 , 0.06750966], dtype=float64, device='cpu')

#### special.logit
log(x / (1 − x)), elementwise: the inverse of `expit`.
x: real floating
-> same
x_bar = ct / (x · (1 − x))
. ±∞ at 0 and 1, with an infinite derivative; NaN beyond.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([0.5, 0.75])
>>> pb.special.logit(x)
Array([0.        , 1.09861229], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.logit(x)))(x)
Array([4.        , 5.33333333], dtype=float64, device='cpu')

#### special.log_expit
log σ(x) = −log(1 + e^−x), elementwise, without over- or underflow.
x: real floating
-> same
x_bar = ct · σ(−x)
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([0.0, -1000.0])
>>> pb.special.log_expit(x)
Array([-6.93147181e-01, -1.00000000e+03], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.log_expit(x)))(x)
Array([0.5, 1. ], dtype=float64, device='cpu')

#### special.xlogy
x log y, elementwise, 0 at x = 0 for every y that is not NaN.
x, y: pair
-> promoted
x_bar = ct · log y
y_bar = ct · x / y
. At x = 0 ≥ y, where y has no logarithm, the derivative by x is taken as 0; the one by y is 0 at x
  = 0. The second derivative at x = y = 0 is NaN.
@ Cover and Thomas, Elements of Information Theory, 2006, ch. 2.
>>> x, y = pb.xp.asarray([0.0, 2.0]), pb.xp.asarray([0.0, 4.0])
>>> pb.special.xlogy(x, y)
Array([0.        , 2.77258872], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.special.xlogy(x, y)), argnums=(0, 1))(x, y)
(Array([0.        , 1.38629436], dtype=float64, device='cpu'),
 Array([0. , 0.5], dtype=float64, device='cpu'))

#### special.xlog1py
x log(1 + y), elementwise, 0 at x = 0 for every y that is not NaN; with all its digits at small y.
x, y: pair
-> promoted
x_bar = ct · log(1 + y)
y_bar = ct · x / (1 + y)
. At x = 0, y ≤ −1 the derivative by x is taken as 0; the one by y is 0 at x = 0. The second
  derivative at x = 0, y = −1 is NaN.
@ Cover and Thomas, Elements of Information Theory, 2006, ch. 2.
>>> x, y = pb.xp.asarray([0.0, 2.0]), pb.xp.asarray([-1.0, 1e-10])
>>> pb.special.xlog1py(x, y)
Array([0.e+00, 2.e-10], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.special.xlog1py(x, y)), argnums=(0, 1))(x, y)
(Array([0.e+00, 1.e-10], dtype=float64, device='cpu'),
 Array([0., 2.], dtype=float64, device='cpu'))

#### special.entr
−x log x, elementwise, 0 at 0: the terms of an entropy.
x: real floating
-> same
x_bar = −ct · (log x + 1)
. −∞ for a negative x, with the derivative NaN. At 0 the derivative is +∞.
@ Cover and Thomas, Elements of Information Theory, 2006, ch. 2.
>>> x = pb.xp.asarray([0.5, 0.25])
>>> pb.special.entr(x)
Array([0.34657359, 0.34657359], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.entr(x)))(x)
Array([-0.30685282,  0.38629436], dtype=float64, device='cpu')

#### special.rel_entr
x log(x / y), elementwise, 0 at x = 0 ≤ y: the terms of a Kullback–Leibler divergence.
x, y: floating pair
-> promoted
x_bar = ct · (log(x / y) + 1)
y_bar = −ct · x / y
. ∞ for y = 0 < x, and for negative arguments. At x = 0 < y the derivative by x is −∞; at x = y = 0,
  as zeros of sparse distributions meet, it is finite: ct, with log 0/0 taken as 0. The second
  derivative is NaN there.
@ Cover and Thomas, Elements of Information Theory, 2006, ch. 2; the choice at 0 by continuity.
>>> x, y = pb.xp.asarray([0.5, 0.0]), pb.xp.asarray([0.25, 0.0])
>>> pb.special.rel_entr(x, y)
Array([0.34657359, 0.        ], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.special.rel_entr(x, y)), argnums=(0, 1))(x, y)
(Array([1.69314718, 1.        ], dtype=float64, device='cpu'),
 Array([-2., -0.], dtype=float64, device='cpu'))

#### special.kl_div
x log(x / y) − x + y, elementwise, ≥ 0.
These are the terms of a Kullback–Leibler divergence of unnormalised distributions.
x, y: floating pair
-> promoted
x_bar = ct · log(x / y)
y_bar = ct · (y − x) / y
. At x = y = 0 the derivative is 0 by x and ct by y; the second one is NaN there. At x = 0 < y it is
  −∞ by x.
@ Cover and Thomas, Elements of Information Theory, 2006, ch. 2; the choice at 0 by continuity.
>>> x, y = pb.xp.asarray([0.5, 0.0]), pb.xp.asarray([0.25, 0.0])
>>> pb.special.kl_div(x, y)
Array([0.09657359, 0.        ], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.special.kl_div(x, y)), argnums=(0, 1))(x, y)
(Array([0.69314718, 0.        ], dtype=float64, device='cpu'),
 Array([-1.,  1.], dtype=float64, device='cpu'))

#### special.i0
The modified Bessel function I_0, elementwise.
x: real floating
-> same
x_bar = ct · I_1(x)
. Overflows from |x| = 713 on in float64; `i0e` does not.
@ DLMF 10.25, 10.29
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.special.i0(x)
Array([1.        , 1.26606588], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.i0(x)))(x)
Array([0.       , 0.5651591], dtype=float64, device='cpu')

#### special.i1
The modified Bessel function I_1, elementwise.
x: real floating
-> same
x_bar = ct · (I_0(x) − out / x)
. Near 0, with the quotient by its series: 1/2 at 0, and right at every order.
@ DLMF 10.25, 10.29
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.special.i1(x)
Array([0.       , 0.5651591], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.i1(x)))(x)
Array([0.5       , 0.70090677], dtype=float64, device='cpu')

#### special.iv
The modified Bessel function I_v, elementwise.
v: array or number | The order, real; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = ct · (I_{v−1}(x) + I_{v+1}(x)) / 2
! MissingRuleError: If a derivative by `v` is asked for.
@ DLMF 10.25, 10.29
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.iv(2, x)
Array([0.13574767, 0.68894845], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.iv(2, x)))(x)
Array([0.29366376, 0.90168841], dtype=float64, device='cpu')

#### special.i0e
e^(−|x|) · I_0(x), elementwise, which does not overflow.
x: real floating
-> same
x_bar = ct · (e^(−|x|) · I_1(x) − sign(x) · out)
. At the kink at 0 the derivative is the mean of both slopes, 0. Far from 0, where the terms cancel,
  by the asymptotic series.
@ DLMF 10.29, 10.40
>>> x = pb.xp.asarray([0.0, 1000.0])
>>> pb.special.i0e(x)
Array([1.        , 0.01261724], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.i0e(x)))(x)
Array([ 0.00000000e+00, -6.31019896e-06], dtype=float64, device='cpu')

#### special.i1e
e^(−|x|) · I_1(x), elementwise, which does not overflow.
x: real floating
-> same
x_bar = ct · (e^(−|x|) · I_1'(x) − sign(x) · out)
. I_1'(x) = I_0(x) − I_1(x) / x, 1/2 at 0. Far from 0, where the terms cancel, by the asymptotic
  series.
@ DLMF 10.29, 10.40
>>> x = pb.xp.asarray([0.0, 1000.0])
>>> pb.special.i1e(x)
Array([0.        , 0.01261093], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.i1e(x)))(x)
Array([ 5.00000000e-01, -6.30073129e-06], dtype=float64, device='cpu')

#### special.ive
e^(−|x|) · I_v(x), elementwise, which does not overflow.
v: array or number | The order, real; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = ct · (e^(−|x|) · I_v'(x) − sign(x) · out)
. For whole orders far from 0, where the terms cancel, by the asymptotic series.
! MissingRuleError: If a derivative by `v` is asked for.
@ DLMF 10.29, 10.40
>>> x = pb.xp.asarray([1.0, 1000.0])
>>> pb.special.ive(2, x)
Array([0.04993878, 0.01259202], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.ive(2, x)))(x)
Array([ 5.80940847e-02, -6.27237564e-06], dtype=float64, device='cpu')
"""
