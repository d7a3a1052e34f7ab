"""Hypergeometric functions and orthogonal polynomials under SciPy's names; `entries.py` explains the notation."""

TEXT = """
#### special.binom
The binomial coefficient Γ(x + 1) / (Γ(y + 1) Γ(x − y + 1)), elementwise.
x, y: floating pair
-> promoted
x_bar = ct · out · (ψ(x + 1) − ψ(x − y + 1))
y_bar = ct · out · (ψ(x − y + 1) − ψ(y + 1))
. Where the digammas would cancel, their difference is computed as one.
@ DLMF 1.2, 5.2
>>> x, y = pb.xp.asarray([5.0, 4.5]), pb.xp.asarray([2.0, 1.5])
>>> pb.special.binom(x, y)
Array([10.    ,  6.5625], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.special.binom(x, y)), argnums=(0, 1))(x, y)
(Array([4.5       , 2.32952659], dtype=float64, device='cpu'),
 Array([3.33333333, 3.62880674], dtype=float64, device='cpu'))

#### special.poch
Pochhammer's symbol Γ(x + y) / Γ(x), elementwise: x (x + 1) … (x + y − 1).
x, y: floating pair
-> promoted
x_bar = ct · out · (ψ(x + y) − ψ(x))
y_bar = ct · out · ψ(x + y)
. Where the digammas would cancel, their difference is computed as one.
@ DLMF 5.2(iii)
>>> x, y = pb.xp.asarray([2.0, 3.5]), pb.xp.asarray([3.0, 0.5])
>>> pb.special.poch(x, y)
Array([24.        ,  1.80540667], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.special.poch(x, y)), argnums=(0, 1))(x, y)
(Array([26.        ,  0.27615686], dtype=float64, device='cpu'),
 Array([36.14682404,  2.26780321], dtype=float64, device='cpu'))

#### special.hyp0f1
The confluent hypergeometric limit function ₀F₁(; v; x), elementwise.
v: array or number | Real; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = ct · hyp0f1(v + 1, x) / v
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 16.3
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.hyp0f1(1.5, x)
Array([1.36829887, 1.8134302 ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.hyp0f1(1.5, x)))(x)
Array([0.80988468, 0.97438274], dtype=float64, device='cpu')

#### special.hyp1f1
Kummer's confluent hypergeometric function ₁F₁(a; b; x), elementwise.
a, b: array or number | Real; they have no derivative.
x: floating
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = ct · hyp1f1(a + 1, b + 1, x) · a / b
! MissingRuleError: If a derivative by `a` or `b` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 13.3
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.hyp1f1(1.0, 2.0, x)
Array([1.29744254, 1.71828183], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.hyp1f1(1.0, 2.0, x)))(x)
Array([0.70255746, 1.        ], dtype=float64, device='cpu')

#### special.hyp2f1
Gauss' hypergeometric function ₂F₁(a, b; v; x), elementwise.
a, b, v: array or number | Real; they have no derivative.
x: floating
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = ct · hyp2f1(a + 1, b + 1, v + 1, x) · a · b / v
! MissingRuleError: If a derivative by `a`, `b` or `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 15.5
>>> x = pb.xp.asarray([0.25, 0.5], device="cpu")
>>> pb.special.hyp2f1(1.0, 2.0, 3.0, x)
Array([1.20582632, 1.54517744], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.hyp2f1(1.0, 2.0, 3.0, x)))(x)
Array([1.02005612, 1.81929022], dtype=float64, device='cpu')

#### special.eval_jacobi
Jacobi's polynomial P_n^(a, b)(x), elementwise.
n: int | The degree; it has no derivative.
a, b: array or number | Real, > −1; they have no derivative.
x: floating
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = ct · (n + a + b + 1) · P_{n−1}^(a+1, b+1)(x) / 2
! MissingRuleError: If a derivative by `n`, `a` or `b` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.0, 0.5], device="cpu")
>>> pb.special.eval_jacobi(2, 1.0, 0.5, x)
Array([-0.65625  ,  0.3984375], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_jacobi(2, 1.0, 0.5, x)))(x)
Array([0.5625 , 3.65625], dtype=float64, device='cpu')

#### special.eval_legendre
Legendre's polynomial P_n(x), elementwise.
n: int | The degree; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = ct · (n + 1) · eval_jacobi(n − 1, 1, 1, x) / 2
. Right at ±1, where the formula by P_n and P_{n−1} divides by 0.
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_legendre(2, x)
Array([-0.125,  1.   ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_legendre(2, x)))(x)
Array([1.5, 3. ], dtype=float64, device='cpu')

#### special.eval_chebyt
Chebyshev's polynomial of the first kind T_n(x), elementwise.
n: int | The degree; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = ct · n · eval_chebyu(n − 1, x)
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_chebyt(3, x)
Array([-1.,  1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_chebyt(3, x)))(x)
Array([0., 9.], dtype=float64, device='cpu')

#### special.eval_chebyu
Chebyshev's polynomial of the second kind U_n(x), elementwise.
n: int | The degree; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = 2 · ct · eval_gegenbauer(n − 1, 2, x)
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.7, 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_chebyu(3, x)
Array([-1.,  4.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_chebyu(3, x)))(x)
Array([ 2., 20.], dtype=float64, device='cpu')

#### special.eval_gegenbauer
Gegenbauer's polynomial C_n^(a)(x), elementwise.
n: int | The degree; it has no derivative.
a: array or number | Real, > −1/2; it has no derivative.
x: floating
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = 2 · ct · a · eval_gegenbauer(n − 1, a + 1, x)
! MissingRuleError: If a derivative by `n` or `a` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_gegenbauer(2, 1.5, x)
Array([0.375, 6.   ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_gegenbauer(2, 1.5, x)))(x)
Array([ 7.5, 15. ], dtype=float64, device='cpu')

#### special.eval_hermite
Hermite's polynomial H_n(x) of the weight e^(−x²), elementwise.
n: int | The degree; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = 2 · ct · n · eval_hermite(n − 1, x)
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_hermite(3, x)
Array([-5., -4.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_hermite(3, x)))(x)
Array([-6., 12.], dtype=float64, device='cpu')

#### special.eval_hermitenorm
Hermite's polynomial He_n(x) of the weight e^(−x²/2), elementwise.
n: int | The degree; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = ct · n · eval_hermitenorm(n − 1, x)
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_hermitenorm(3, x)
Array([-1.375, -2.   ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_hermitenorm(3, x)))(x)
Array([-2.25,  0.  ], dtype=float64, device='cpu')

#### special.eval_laguerre
Laguerre's polynomial L_n(x), elementwise.
n: int | The degree; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = −ct · eval_genlaguerre(n − 1, 1, x)
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_laguerre(3, x)
Array([-0.14583333, -0.66666667], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_laguerre(3, x)))(x)
Array([-1.625, -0.5  ], dtype=float64, device='cpu')

#### special.eval_genlaguerre
Laguerre's generalised polynomial L_n^(a)(x), elementwise.
n: int | The degree; it has no derivative.
a: array or number | Real, > −1; it has no derivative.
x: floating
-> Array | Of the shape that all broadcast to, in the dtype that they promote to.
x_bar = −ct · eval_genlaguerre(n − 1, a + 1, x)
! MissingRuleError: If a derivative by `n` or `a` is asked for.
! NotImplementedError: Under a derivative, if `n` is an array.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 18.9(iii)
>>> x = pb.xp.asarray([0.5, 1.0], device="cpu")
>>> pb.special.eval_genlaguerre(3, 0.5, x)
Array([ 0.41666667, -0.60416667], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.eval_genlaguerre(3, 0.5, x)))(x)
Array([-2.75 , -1.375], dtype=float64, device='cpu')
"""
