"""Notes on each function for docs/functions.md: edge cases, and the source of the formula.

A line each, ``names: text``, continued by an indent; the tables are read by `functions_page.py`, and a test fails where
a function lacks a line or a line's function is not there. The edge cases are tested: the rows of the tests' tables have
the names of the functions.
"""

EDGES = """
add, subtract, negative, positive: none: linear
multiply: none; 0 · ∞ is NaN, as in the product itself
divide, reciprocal: at a divisor of 0 infinite or NaN, as the quotient itself
square: none; complex by the same formula
sqrt: infinite at 0; NaN below, unless complex
cbrt: infinite at 0
pow: 0**0 has the derivative 0 by both; a base of 0 has 0 by the exponent; a base below 0 with a whole
    exponent is right by the base and NaN by the exponent, unless complex; unsigned exponents do not wrap
    around
exp, expm1: overflows with the function
log, log1p, log2, log10: infinite at the pole; NaN beyond it, unless complex
sin, cos: none
tan: overflows with the function; complex by sech² i x, since tan tends to ±i
asin, acos: infinite at ±1, NaN beyond, unless complex; the complex cuts are those of the functions, signed
    zeros included
atan: infinite at ±i
sinh, cosh: overflows with the function
tanh: right in the tails, where 1 − tanh² has no digits left and 1/cosh² overflows
sech2: right in the tails
asinh: infinite at ±i; no overflow for large numbers
acosh: infinite at 1, NaN below, unless complex, with the function's cut
atanh: infinite at ±1
atan2: 0 at the origin, where the second derivative is NaN, and where an argument is infinite; no over- or
    underflow of the squares
hypot: 0 at the origin, where the second derivative is NaN
abs: 0 at 0, at every order; of complex numbers the second derivative is NaN there; NaN at NaN
kink: the derivative by x2 is NaN where x2 is 0: lengths have no second derivative there
separate: the derivative by x2 is NaN where elements of it are equal
varied: the derivative by x2 is NaN where all elements along the axis are equal
leg, ray: 0 at the origin
over_root_below, over_root_above, over_below: infinite at ±1; all digits at small numbers, at every order
over_above: infinite at ±i; all digits at small and large numbers, at every order
conj, real, imag: none: linear over the real numbers
maximum, minimum: equal arguments get half each, so that maximum(x, x) has the derivative 1; where one is NaN,
    both get 0
clip: at a bound x gets all and the bound nothing, as in PyTorch; bounds in the wrong order give `max`
ceil, floor, round, trunc, floor_divide: 0 everywhere, also at the jumps
remainder: at a jump, that of the branch taken
copysign: 0 at x1 = 0; 0 by x2
nextafter: 1 by x1; 0 by x2
sign: real: 0 everywhere; complex: 0 at 0
logaddexp: both −∞: 0, not NaN; one of them −∞: all to the other
sigmoid, softplus: right in both tails
relu: 0 at 0; an infinite cotangent does not pass where x < 0
astype: real to complex: the imaginary part of the cotangent is dropped; from and to integers there is no
    derivative
tril, triu: offsets beyond the matrix; batches
tile, repeat, concat, stack, expand_dims, squeeze, reshape, broadcast_to, flip, roll, moveaxis, permute_dims:
    empty and 0-d arrays; negative axes
where: the branch not taken gets 0, also where its cotangent is infinite; but 0 · ∞ inside that branch is NaN
    (guide: `where` does not guard its branches)
getitem: repeated indices add up; empty selections; every kind of key
setitem: what was overwritten gets 0; with repeated indices only the write that is in the result gets a
    cotangent
scatter_add: repeated indices add up
take, take_along_axis: repeated indices add up
sum, mean, cumulative_sum: empty arrays; 0-d arrays; a `dtype` other than the input's is cast back
max, min: equal elements share equally, counted without overflow in float16; NaN is attained by nobody;
    complex numbers are refused
prod, cumulative_prod: right at one and at several zeros, and at every order; empty arrays
var: n − correction ≤ 0 gives NaN, as the function
std: 0 where all elements are the same
linear: batches of any rank
linear_relu: 0 where the output is 0
softmax_cross_entropy: a label out of range raises; large logits do not overflow
logsumexp: all −∞: 0, not NaN; +∞: 0
log_softmax, softmax: large inputs do not overflow
matmul, vecdot, tensordot, matrix_transpose, linalg.outer, linalg.trace, linalg.diagonal, linalg.cross:
    vectors, batches, broadcast batches, empty axes; complex by plain transposes
einsum: a label twice in one operand goes to the diagonal; labels of one operand alone; empty sums
expm: defective matrices; large norms as the function itself
linalg.det: singular matrices: by the adjugate, at every order
linalg.slogdet: at a singular matrix infinite or NaN
linalg.inv, linalg.solve: a singular matrix raises, on every backend
linalg.matrix_power: negative powers by the inverse; power 0 gives 0
linalg.pinv: constant rank is assumed: singular values at the cut-off have no derivative
linalg.qr: wide matrices and `mode="complete"` as far as the factors are defined; dependent columns have no
    derivative
linalg.cholesky: of the symmetric function: the gradient is Hermitian; `upper` too
linalg.vector_norm, linalg.matrix_norm: 0 at zero for every `ord`, where the second derivative is NaN; equal
    largest elements, or singular values, share equally
linalg.eig, linalg.eigvals: equal eigenvalues have no derivative: NaN where it is used; vectors are defined up
    to a factor
linalg.eigh, linalg.svd: equal values: NaN only where vectors of the pair are used; vectors are defined up to
    a phase
linalg.eigvalsh, linalg.svdvals: equal values are no exception, but for second derivatives, which are NaN; a
    singular value of 0 has the subgradient of its direction
solve_by: vectors and several right-hand sides, batches; the gradient of a matrix has its structure alone
implicit: the gradient is that of the exact solution, at the one that was found
divide_where_separated: 0 / 0 is 0, or NaN where the condition holds
polar: singular values of 0 are left out; its own derivative is NaN there
fft.fft, fft.ifft, fft.fftn, fft.ifftn: padded and cropped lengths; every norm; several axes
fft.rfft, fft.irfft, fft.rfftn, fft.irfftn, fft.hfft, fft.ihfft: odd and even lengths, 1 and 2; the weights 1
    at 0 and Nyquist, 2 elsewhere; imaginary parts that are ignored get 0
fft.fftshift, fft.ifftshift: odd lengths
sinc, sinc_derivative: 0 and its surroundings, at every order
special.erf, special.erfc, special.ndtr: underflow in both tails with the density
special.erfcx: large x, where the difference cancels, by its series, or a continued fraction
special.erfinv, special.erfcinv, special.ndtri: infinite at the ends of the interval
special.log_ndtr: the left tail, where density and distribution underflow
special.gamma, special.rgamma, special.gammaln, special.loggamma, special.digamma, special.polygamma: poles at
    0, −1, …, where it is NaN or infinite as the function; `polygamma` has no derivative by n
special.zeta: no derivative by x, which raises
special.beta, special.betaln: a large beside b, where ψ(a) − ψ(a + b) cancels
special.gammainc, special.gammaincc: x = 0: the density's value or pole, and 0 by a; by a to 12 digits for a from 0 to
    10⁶, also where the function is 0 or 1 but for rounding
special.betainc: x = 0 and 1: the density's value or pole
special.stdtr: both tails
special.logit: infinite at 0 and 1
special.log_expit: both tails
special.xlogy, special.xlog1py: 0 at x = 0, whatever the logarithm is
special.entr: +∞ at 0
special.rel_entr, special.kl_div: at x = y = 0 the finite value; −∞ at x = 0 < y
special.i0, special.i1, special.iv: x = 0 by the series; `iv` has no derivative by the order
special.i0e, special.i1e, special.ive: the kink at 0 has the mean of both slopes; far out by the asymptotic
    series
special.j0, special.j1: x = 0 by the series
special.jv, special.yv, special.kv, special.kve, special.hankel1, special.hankel2, special.hankel1e, special.hankel2e:
    no derivative by the order, which raises
special.y0, special.y1, special.k0, special.k1, special.k0e, special.k1e, special.yn, special.kn: the pole at 0
special.airy: none: each of the four functions has its share
special.gammaincinv, special.gammainccinv: the ends of the interval, where the density is 0 or infinite
special.betaincc, special.betaincinv, special.betainccinv, special.stdtrit: no derivative by the shapes, which raises
special.ndtri_exp: the left tail, where density and distribution underflow
special.exp1, special.expi, special.expn: the pole at 0
special.fresnel, special.erfi, special.wofz: none
special.sici, special.shichi: x = 0, where one of both has a pole and the other (sin x)/x by its series
special.spence: x = 1 by the series
special.dawsn: large x, where the difference cancels, by the asymptotic series
special.owens_t: none
special.lambertw, special.wrightomega: infinite at the branch point; the derivative is that of the branch
special.ellipk, special.ellipe: near m = 0, where the differences cancel, by their series; infinite at 1
special.binom, special.poch: poles of the gamma functions
special.hyp0f1, special.hyp1f1, special.hyp2f1: no derivative by the parameters, which raises
special.eval_jacobi, special.eval_legendre, special.eval_chebyt, special.eval_chebyu, special.eval_gegenbauer,
    special.eval_hermite, special.eval_hermitenorm, special.eval_laguerre, special.eval_genlaguerre: 0 for degree 0; an
    array of degrees raises
"""

_DLMF = "NIST Digital Library of Mathematical Functions"
SOURCES = f"""
add, subtract, multiply, divide, negative, positive, square, reciprocal, real, imag: Griewank and Walther,
    Evaluating Derivatives, 2008, ch. 3
exp, expm1, log, log1p, log2, log10, pow, sqrt, cbrt: {_DLMF}, 4.7
sin, cos, tan: {_DLMF}, 4.20
asin, acos, atan: {_DLMF}, 4.24(ii); cuts: Kahan, Branch cuts for complex elementary functions, 1987
sinh, cosh, tanh, sech2: {_DLMF}, 4.34
over_root_below, over_root_above, over_below, over_above, leg, ray, kink, separate, varied: derived above the rule
asinh, acosh, atanh: {_DLMF}, 4.38(ii); cuts: Kahan, Branch cuts for complex elementary functions, 1987
atan2, hypot: polar coordinates: dφ = (x dy − y dx)/r², dr = (x dx + y dy)/r
abs, sign, conj: Kreutz-Delgado, The complex gradient operator and the CR-calculus, 2009
maximum, minimum, clip, relu: by cases; at a kink a subgradient (Rockafellar, Convex Analysis, 1970, §23)
ceil, floor, round, trunc, floor_divide, remainder, copysign, nextafter: by cases, from the definitions in the Python
    array API standard 2025.12
logaddexp, logsumexp, softmax, log_softmax, sigmoid, softplus: Blanchard, Higham and Higham, Accurately
    computing the log-sum-exp and softmax functions, 2021
softmax_cross_entropy: Bishop, Pattern Recognition and Machine Learning, 2006, eq. 4.109
linear, linear_relu, matmul, vecdot, tensordot, linalg.outer, linalg.trace, linalg.cross: Giles, Collected
    matrix derivative results for forward and reverse mode algorithmic differentiation, 2008
astype, tril, triu, tile, repeat, concat, stack, expand_dims, squeeze, reshape, broadcast_to, flip, roll,
    moveaxis, permute_dims, where, getitem, setitem, scatter_add, take, take_along_axis, matrix_transpose,
    linalg.diagonal: the adjoint of a linear map that moves or copies elements (Claerbout, Basic Earth
    Imaging, 2010: the dot-product test)
sum, mean, cumulative_sum: the adjoint of a linear map: sums and copies are each other's
max, min: the subgradient of a maximum in the middle of its set (Rockafellar, Convex Analysis, 1970, §23)
var, std: derived above the rule
prod, cumulative_prod: product rule; the recurrence by Hillis and Steele, Data parallel algorithms, 1986
einsum: derived at the head of `autograd/rules/products.py`
expm: Najfeld and Havel, Derivatives of the matrix exponential and their computation, 1995
linalg.det, linalg.slogdet, linalg.inv, linalg.solve, linalg.matrix_power: Giles 2008; singular matrices:
    derived above the rule
linalg.pinv: Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems
    whose variables separate, 1973
linalg.qr: Walter and Lehmann, Algorithmic differentiation of linear algebra functions, 2012; Roberts and
    Roberts, QR and LQ decomposition matrix backpropagation algorithms for square, wide, and deep matrices,
    2020
linalg.cholesky: Seeger et al., Auto-differentiating linear algebra, 2017; Murray, Differentiation of the
    Cholesky decomposition, 2016
linalg.vector_norm, linalg.matrix_norm: Watson, Characterization of the subdifferential of some matrix norms,
    1992
linalg.eig, linalg.eigvals, linalg.eigh, linalg.eigvalsh: Giles 2008; Boeddeker et al., On the computation of
    complex-valued gradients with application to statistically optimum beamforming, 2017
linalg.svd, linalg.svdvals: Townsend, Differentiating the singular value decomposition, 2016
divide_where_separated, polar: derived above the rule
fft.fft, fft.ifft, fft.fftn, fft.ifftn, fft.rfft, fft.irfft, fft.rfftn, fft.irfftn, fft.hfft, fft.ihfft,
    fft.fftshift, fft.ifftshift: derived at the head of `rules/fft.py`
sinc, sinc_derivative: derived in `backend/generic/special.py`
special.erf, special.erfc, special.erfcx, special.erfinv, special.erfcinv, special.ndtr, special.ndtri,
    special.log_ndtr: {_DLMF}, 7.10, 7.12
special.gamma, special.rgamma, special.gammaln, special.loggamma, special.digamma, special.polygamma,
    special.beta, special.betaln: {_DLMF}, 5.2, 5.11, 5.12, 5.15
special.zeta: {_DLMF}, 25.11.17
special.gammainc, special.gammaincc: {_DLMF}, 8.8.13, and by a as derived in `autograd/rules/special_incomplete.py`
special.betainc: {_DLMF}, 8.17
special.stdtr: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995, ch. 28
special.logit, special.log_expit: Blanchard, Higham and Higham 2021
special.xlogy, special.xlog1py, special.entr, special.rel_entr, special.kl_div: Cover and Thomas, Elements of
    Information Theory, 2006, ch. 2; the choice at 0 by continuity
special.i0, special.i1, special.iv, special.i0e, special.i1e, special.ive: {_DLMF}, 10.25, 10.29, 10.40
special.j0, special.j1, special.y0, special.y1, special.jv, special.yv, special.yn, special.hankel1, special.hankel2,
    special.hankel1e, special.hankel2e: {_DLMF}, 10.6
special.k0, special.k1, special.k0e, special.k1e, special.kn, special.kv, special.kve: {_DLMF}, 10.29
special.airy: {_DLMF}, 9.2
"""


def _table(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.strip().replace("\n    ", " ").splitlines():
        names, _, said = line.partition(": ")
        for name in names.split(", "):
            if name in found:
                raise ValueError(f"functions_notes: {name} has two lines")
            found[name] = said
    return found


EDGES_OF, SOURCES_OF = _table(EDGES), _table(SOURCES)
