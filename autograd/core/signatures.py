"""The functions of `pb.xp`, by the sections of the standard, with exactly the standard's signatures.

There are three groups. A derivative may pass through the first: these functions have a rule in
`rules/`, or raise under a derivative until they do. The results of the second carry none: integers,
booleans, metadata. The third makes arrays or speaks of dtypes, and is written out in
`functions/creation.py` and `functions/data_type.py`.

Marks stand before a signature: ``hidden`` for primitives that rules and operators alone call, which
are not in `pb.xp`; ``elementwise`` for hidden ones whose arguments broadcast against each other; ``collective`` for
those in which all ranks of a group of processes take part.
"""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """The signatures of a table by their names, without marks."""
    found = {}
    for line in filter(None, text.splitlines()):
        head, _, parameters = line.partition("(")
        name = head.split()[-1]
        found[name] = f"{name}({parameters}"
    return found


def _marked(text: str, mark: str) -> frozenset[str]:
    """The names of the functions of a table that have a mark."""
    heads = [line.partition("(")[0].split() for line in text.splitlines() if line]
    return frozenset(name for *marks, name in heads if mark in marks)


# Parameters that are arrays (or, in arithmetic, Python scalars); all others are settings.
ARRAYS = frozenset(
    "x x1 x2 condition indices min max W b logits labels value values repeats a df q t v y A r h c keys bias".split()  # noqa: SIM905 - a table
)

# Arrays in a list or in *args.
VARIADIC = frozenset(("arrays",))

_DIFFERENTIABLE = """
abs(x, /)
acos(x, /)
acosh(x, /)
add(x1, x2, /)
asin(x, /)
asinh(x, /)
atan(x, /)
atan2(x1, x2, /)
atanh(x, /)
cbrt(x, /)
ceil(x, /)
clip(x, /, min=None, max=None)
conj(x, /)
copysign(x1, x2, /)
cos(x, /)
cosh(x, /)
divide(x1, x2, /)
exp(x, /)
expm1(x, /)
floor(x, /)
floor_divide(x1, x2, /)
hypot(x1, x2, /)
imag(x, /)
log(x, /)
log10(x, /)
log1p(x, /)
log2(x, /)
logaddexp(x1, x2, /)
maximum(x1, x2, /)
minimum(x1, x2, /)
multiply(x1, x2, /)
negative(x, /)
nextafter(x1, x2, /)
positive(x, /)
pow(x1, x2, /)
real(x, /)
reciprocal(x, /)
remainder(x1, x2, /)
round(x, /)
sign(x, /)
sin(x, /)
sinh(x, /)
sqrt(x, /)
square(x, /)
subtract(x1, x2, /)
tan(x, /)
tanh(x, /)
trunc(x, /)

astype(x, dtype, /, *, copy=True, device=None)

tril(x, /, *, k=0)
triu(x, /, *, k=0)

hidden getitem(x, key, /)
hidden setitem(x, value, key, /)
scatter_add(shape, key, values, /)
take(x, indices, /, *, axis=None)
take_along_axis(x, indices, /, *, axis=-1)

matmul(x1, x2, /)
matrix_transpose(x, /)
tensordot(x1, x2, /, *, axes=2)
vecdot(x1, x2, /, *, axis=-1)
hidden attention(q, keys, values, bias=None, condition=None, /, *, scale=1.0, causal=False)
hidden convolve(x1, x2, /)
hidden divide_where_separated(x1, x2, condition, /)
hidden kink(x1, x2, /)
hidden elementwise leg(x1, x2, r, /)
hidden elementwise over_above(x1, x2, /)
hidden elementwise over_below(x1, x2, /)
hidden elementwise over_root_above(x1, x2, /)
hidden elementwise over_root_below(x1, x2, /)
hidden polar(x, /)
hidden elementwise ray(x, r, /)
hidden self_attention(x, bias=None, condition=None, /, *, heads, scale=1.0, causal=False)
hidden separate(x1, x2, /)
hidden varied(x1, x2, /, *, axis=None)
hidden solve_by(A, b, /, *, solver, factor, transposed=False)
hidden slogdet_by(A, /, *, solver, factor)
hidden inverse_by(A, /, *, solver, factor)
hidden collect_cotangents(A, /)
hidden sparse_product(A, x, /, *, pattern, transposed=False)
hidden sddmm(x1, x2, /, *, pattern)
hidden implicit(r, /, *, adjoint, tape)
hidden logm(x, /)
hidden sqrtm(x, /)
hidden sylvester(A, b, q, /)
hidden lfilter(b, a, x, /)
hidden collective all_reduce(x, /, *, group, op="sum")
hidden collective all_gather(x, /, *, group, axis=0)
hidden collective reduce_scatter(x, /, *, group, op="sum", axis=0, length=None)
hidden collective broadcast_from(x, /, *, group, root=0)
hidden collective reduce_to(x, /, *, group, root=0, op="sum")
hidden lstm_sequence(x, W, h, c, condition=None, /, *, reverse=False)
hidden gru_sequence(x, W, b, h, condition=None, /, *, reverse=False)
hidden rnn_sequence(x, W, h, condition=None, /, *, nonlinearity="tanh", reverse=False)

broadcast_to(x, /, shape)
concat(arrays, /, *, axis=0)
expand_dims(x, /, axis=0)
flip(x, /, *, axis=None)
moveaxis(x, source, destination, /)
permute_dims(x, /, axes)
repeat(x, repeats, /, *, axis=None)
reshape(x, /, shape, *, copy=None)
roll(x, /, shift, *, axis=None)
squeeze(x, /, axis)
stack(arrays, /, *, axis=0)
tile(x, repetitions, /)

where(condition, x1, x2, /)

cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
max(x, /, *, axis=None, keepdims=False)
mean(x, /, *, axis=None, keepdims=False)
min(x, /, *, axis=None, keepdims=False)
prod(x, /, *, axis=None, dtype=None, keepdims=False)
std(x, /, *, axis=None, correction=0.0, keepdims=False)
sum(x, /, *, axis=None, dtype=None, keepdims=False)
var(x, /, *, axis=None, correction=0.0, keepdims=False)

linear(x, W, b, /)
linear_relu(x, W, b, /)
relu(x, /)
sech2(x, /)
sigmoid(x, /)
softplus(x, /)
softmax_cross_entropy(logits, labels, /)
logsumexp(x, /, *, axis=None, keepdims=False)
log_softmax(x, /, *, axis=-1)
softmax(x, /, *, axis=-1)
hidden convolution(x, W, b=None, /, *, stride, padding, dilation, groups)
hidden convolution_vjp_x(y, W, /, *, spatial, stride, padding, dilation, groups)
hidden convolution_vjp_W(x, y, /, *, spatial, stride, padding, dilation, groups)
hidden max_pool(x, /, *, window, stride, padding, dilation)
hidden pool_scatter(y, indices, /, *, spatial, window, stride, padding, dilation)
hidden pool_gather(x, indices, /, *, window, stride, padding, dilation)
hidden avg_pool(x, /, *, window, stride, padding, counted)
hidden avg_pool_vjp(y, /, *, spatial, window, stride, padding, counted)
hidden sum_by_segment(x, indices, /, *, num_segments)
hidden max_by_segment(x, indices, /, *, num_segments)
hidden softmax_by_segment(x, indices, /, *, num_segments)

linalg.cholesky(x, /, *, upper=False)
linalg.cross(x1, x2, /, *, axis=-1)
linalg.det(x, /)
linalg.diagonal(x, /, *, offset=0)
linalg.eig(x, /)
linalg.eigh(x, /)
linalg.eigvals(x, /)
linalg.eigvalsh(x, /)
linalg.inv(x, /)
linalg.matrix_norm(x, /, *, keepdims=False, ord="fro")
linalg.matrix_power(x, n, /)
linalg.outer(x1, x2, /)
linalg.pinv(x, /, *, rtol=None)
linalg.qr(x, /, *, mode="reduced")
linalg.slogdet(x, /)
linalg.solve(x1, x2, /)
linalg.svd(x, /, *, full_matrices=True)
linalg.svdvals(x, /)
linalg.trace(x, /, *, offset=0, dtype=None)
linalg.vector_norm(x, /, *, axis=None, keepdims=False, ord=2)

fft.fft(x, /, *, n=None, axis=-1, norm="backward")
fft.ifft(x, /, *, n=None, axis=-1, norm="backward")
fft.fftn(x, /, *, s=None, axes=None, norm="backward")
fft.ifftn(x, /, *, s=None, axes=None, norm="backward")
fft.rfft(x, /, *, n=None, axis=-1, norm="backward")
fft.irfft(x, /, *, n=None, axis=-1, norm="backward")
fft.rfftn(x, /, *, s=None, axes=None, norm="backward")
fft.irfftn(x, /, *, s=None, axes=None, norm="backward")
fft.hfft(x, /, *, n=None, axis=-1, norm="backward")
fft.ihfft(x, /, *, n=None, axis=-1, norm="backward")
fft.fftshift(x, /, *, axes=None)
fft.ifftshift(x, /, *, axes=None)

special.beta(a, b, /)
special.betainc(a, b, x, /)
special.betaln(a, b, /)
special.digamma(x, /)
special.entr(x, /)
special.erf(x, /)
special.erfc(x, /)
special.erfcinv(x, /)
special.erfcx(x, /)
special.erfinv(x, /)
special.gamma(x, /)
special.gammainc(a, x, /)
special.gammaincc(a, x, /)
special.gammaln(x, /)
special.i0(x, /)
special.i0e(x, /)
special.i1(x, /)
special.i1e(x, /)
special.iv(v, x, /)
special.ive(v, x, /)
special.kl_div(x, y, /)
special.log_expit(x, /)
special.log_ndtr(x, /)
special.loggamma(x, /)
special.logit(x, /)
special.ndtr(x, /)
special.ndtri(x, /)
special.polygamma(n, x, /)
special.rel_entr(x, y, /)
special.rgamma(x, /)
special.stdtr(df, t, /)
special.xlog1py(x, y, /)
special.xlogy(x, y, /)
special.zeta(x, q=None, /)

special.airy(x, /)
special.betaincc(a, b, x, /)
special.betainccinv(a, b, y, /)
special.betaincinv(a, b, y, /)
special.binom(x, y, /)
special.dawsn(x, /)
special.ellipe(x, /)
special.ellipk(x, /)
special.erfi(x, /)
special.eval_chebyt(n, x, /)
special.eval_chebyu(n, x, /)
special.eval_gegenbauer(n, a, x, /)
special.eval_genlaguerre(n, a, x, /)
special.eval_hermite(n, x, /)
special.eval_hermitenorm(n, x, /)
special.eval_jacobi(n, a, b, x, /)
special.eval_laguerre(n, x, /)
special.eval_legendre(n, x, /)
special.exp1(x, /)
special.expi(x, /)
special.expn(n, x, /)
special.fresnel(x, /)
special.gammainccinv(a, y, /)
special.gammaincinv(a, y, /)
special.hankel1(v, x, /)
special.hankel1e(v, x, /)
special.hankel2(v, x, /)
special.hankel2e(v, x, /)
special.hyp0f1(v, x, /)
special.hyp1f1(a, b, x, /)
special.hyp2f1(a, b, v, x, /)
special.j0(x, /)
special.j1(x, /)
special.jv(v, x, /)
special.k0(x, /)
special.k0e(x, /)
special.k1(x, /)
special.k1e(x, /)
special.kn(n, x, /)
special.kv(v, x, /)
special.kve(v, x, /)
special.lambertw(x, k=0, tol=1e-8, /)
special.ndtri_exp(x, /)
special.owens_t(x, a, /)
special.poch(x, y, /)
special.shichi(x, /)
special.sici(x, /)
special.spence(x, /)
special.stdtrit(df, y, /)
special.wofz(x, /)
special.wrightomega(x, /)
special.y0(x, /)
special.y1(x, /)
special.yn(n, x, /)
special.yv(v, x, /)

einsum(arrays, /, *, subscripts, optimize=None)
expm(x, /)
sinc(x, /)
sinc_derivative(x, /, *, n)
"""

_CONSTANT = """
bitwise_and(x1, x2, /)
bitwise_invert(x, /)
bitwise_left_shift(x1, x2, /)
bitwise_or(x1, x2, /)
bitwise_right_shift(x1, x2, /)
bitwise_xor(x1, x2, /)
equal(x1, x2, /)
greater(x1, x2, /)
greater_equal(x1, x2, /)
isfinite(x, /)
isinf(x, /)
isnan(x, /)
less(x1, x2, /)
less_equal(x1, x2, /)
logical_and(x1, x2, /)
logical_not(x, /)
logical_or(x1, x2, /)
logical_xor(x1, x2, /)
not_equal(x1, x2, /)
signbit(x, /)

argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False)
count_nonzero(x, /, *, axis=None, keepdims=False)
nonzero(x, /)
searchsorted(x1, x2, /, *, side="left", sorter=None)
argsort(x, /, *, axis=-1, descending=False, stable=True)
isin(x1, x2, /, *, invert=False)
all(x, /, *, axis=None, keepdims=False)
any(x, /, *, axis=None, keepdims=False)

linalg.matrix_rank(x, /, *, rtol=None)
"""

# Signatures by the names of the functions: of those that a derivative may pass through, and of the others.
DIFFERENTIABLE = _table(_DIFFERENTIABLE)
CONSTANT = _table(_CONSTANT)
# What is not in `pb.xp`, and which of it is elementwise.
HIDDEN = _marked(_DIFFERENTIABLE, "hidden")
HIDDEN_ELEMENTWISE = _marked(_DIFFERENTIABLE, "elementwise")
# What all ranks take part in: none may leave one out, do it twice, or do it in another order than the others.
COLLECTIVES = _marked(_DIFFERENTIABLE, "collective")
# The same and those steps of programs for which it holds, too, though they are no primitives: `data_parallel` has them.
COLLECTIVE_STEPS = COLLECTIVES | {"agree", "start_all_reduce", "wait_all_reduce"}

# The same function under a second name.
ALIASES = {
    "linalg.expm": "expm",
    "linalg.matmul": "matmul",
    "linalg.matrix_transpose": "matrix_transpose",
    "linalg.tensordot": "tensordot",
    "linalg.vecdot": "vecdot",
    "special.expit": "sigmoid",
    "special.jn": "special.jv",
    "special.psi": "special.digamma",
    "special.sinc": "sinc",
    "special.softplus": "softplus",
}

# Calls that bypass the general dispatcher. A branch of the generated function serves each variant, which
# has one letter for each array parameter: "T" is an array traced on the one tape of the call, "S" a scalar
# (a Python number), "C" a constant raw array. "TS" of ``multiply`` is ``x * 2.0``. The guard is over the
# values one level down; where it holds, the rules return exactly the inputs' shapes and dtypes, and the
# sweep need not look.
_SAME = "x1.shape == x2.shape and x1.dtype is x2.dtype"
FAST_PATHS: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(
        ("add", "subtract", "multiply", "divide", "maximum", "minimum"),
        (("TT", "TS", "TC", "ST", "CT"), _SAME),
    ),
    "pow": (("TT", "TS"), _SAME),
    "matmul": (("TT", "TC", "CT"), "x1.ndim <= 2 >= x2.ndim and x1.dtype is x2.dtype"),
    "solve_by": (
        ("TT", "TC", "CT"),
        "A.ndim == solver.core and b.ndim <= 2 and A.dtype is b.dtype",
    ),
    "linear": (("TTT", "CTT"), "x.ndim == 2 and x.dtype is W.dtype is b.dtype"),
    "linear_relu": (("TTT", "CTT"), "x.ndim == 2 and x.dtype is W.dtype is b.dtype"),
    "softmax_cross_entropy": (("TC",), "logits.ndim == 2"),
    "where": (
        ("CTC", "CCT", "CTT"),
        "condition.shape == x1.shape == x2.shape and x1.dtype is x2.dtype",
    ),
}

# Elementwise functions of one array whose result has the input's dtype unless that is complex.
UNARY = frozenset(
    """acos acosh asin asinh atan atanh cbrt ceil conj cos cosh exp expm1 floor log log10 log1p log2 negative positive
    reciprocal relu round sech2 sigmoid sin sinh softplus sqrt square tan tanh trunc relu sign""".split()  # noqa: SIM905 - a table
)
