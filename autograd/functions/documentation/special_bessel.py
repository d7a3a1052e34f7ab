"""Bessel, Hankel and Airy functions, under SciPy's names; `entries.py` explains the notation."""

TEXT = """
#### special.airy
Airy's functions Ai and Bi and their derivatives, elementwise.
x: floating
-> tuple of Array | (Ai, Ai', Bi, Bi'), each of the shape and dtype of `x`.
x_bar = Ai_bar · Ai' + Aip_bar · x · Ai + Bi_bar · Bi' + Bip_bar · x · Bi
. Both solve w'' = x w, so that the derivative of Ai' is x Ai: there is one of every order.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 9.2
>>> x = pb.xp.asarray([0.0, 1.0], device="cpu")
>>> pb.special.airy(x)[0]
Array([0.35502805, 0.13529242], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.airy(x)[0]))(x)
Array([-0.2588194 , -0.15914744], dtype=float64, device='cpu')

#### special.j0
The Bessel function J_0, elementwise.
x: real floating
-> same
x_bar = −ct · J_1(x)
. An even function: its derivative at 0 is 0.
@ DLMF 10.6
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.special.j0(x)
Array([1.        , 0.76519769], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.j0(x)))(x)
Array([-0.        , -0.44005059], dtype=float64, device='cpu')

#### special.j1
The Bessel function J_1, elementwise.
x: real floating
-> same
x_bar = ct · (J_0(x) − out / x)
. Near 0, with the quotient by its series: 1/2 at 0, and right at every order.
@ DLMF 10.6
>>> x = pb.xp.asarray([0.0, 1.0])
>>> pb.special.j1(x)
Array([0.        , 0.44005059], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.j1(x)))(x)
Array([0.5      , 0.3251471], dtype=float64, device='cpu')

#### special.jv
The Bessel function J_v, elementwise; ``special.jn`` is the same function.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = ct · (J_{v−1}(x) − J_{v+1}(x)) / 2
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.6
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.jv(2, x)
Array([0.11490348, 0.35283403], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.jv(2, x)))(x)
Array([0.21024362, 0.22389078], dtype=float64, device='cpu')

#### special.y0
The Bessel function of the second kind Y_0, elementwise.
x: real floating
-> same
x_bar = −ct · Y_1(x)
. −∞ at 0, and NaN below.
@ DLMF 10.6
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.y0(x)
Array([0.08825696, 0.51037567], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.y0(x)))(x)
Array([0.78121282, 0.10703243], dtype=float64, device='cpu')

#### special.y1
The Bessel function of the second kind Y_1, elementwise.
x: real floating
-> same
x_bar = ct · (Y_0(x) − out / x)
. −∞ at 0, and NaN below.
@ DLMF 10.6
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.y1(x)
Array([-0.78121282, -0.10703243], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.y1(x)))(x)
Array([0.86946979, 0.56389189], dtype=float64, device='cpu')

#### special.yn
The Bessel function of the second kind Y_n of a whole order, elementwise.
n: int or array of int | The order; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = ct · (Y_{n−1}(x) − Y_{n+1}(x)) / 2
! MissingRuleError: If a derivative by `n` is asked for.
@ DLMF 10.6
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.yn(2, x)
Array([-1.65068261, -0.6174081 ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.yn(2, x)))(x)
Array([2.52015239, 0.51037567], dtype=float64, device='cpu')

#### special.yv
The Bessel function of the second kind Y_v, elementwise.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = ct · (Y_{v−1}(x) − Y_{v+1}(x)) / 2
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.6
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.yv(0.5, x)
Array([-0.43109887,  0.23478571], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.yv(0.5, x)))(x)
Array([0.88694614, 0.45431971], dtype=float64, device='cpu')

#### special.k0
The modified Bessel function of the second kind K_0, elementwise.
x: real floating
-> same
x_bar = −ct · K_1(x)
. ∞ at 0, and NaN below. It underflows at large x; `k0e` does not.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.k0(x)
Array([0.42102444, 0.11389387], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.k0(x)))(x)
Array([-0.60190723, -0.13986588], dtype=float64, device='cpu')

#### special.k1
The modified Bessel function of the second kind K_1, elementwise.
x: real floating
-> same
x_bar = −ct · (K_0(x) + out / x)
. ∞ at 0, and NaN below. It underflows at large x; `k1e` does not.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.special.k1(x)
Array([0.60190723, 0.13986588], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.k1(x)))(x)
Array([-1.02293167, -0.18382681], dtype=float64, device='cpu')

#### special.k0e
e^x K_0(x), elementwise, which does not underflow.
x: real floating
-> same
x_bar = ct · (out − e^x · K_1(x))
. ∞ at 0, and NaN below.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 100.0])
>>> pb.special.k0e(x)
Array([1.14446308, 0.12517562], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.k0e(x)))(x)
Array([-0.49169041, -0.00062433], dtype=float64, device='cpu')

#### special.k1e
e^x K_1(x), elementwise, which does not underflow.
x: real floating
-> same
x_bar = ct · (out − e^x · K_0(x) − out / x)
. ∞ at 0, and NaN below.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 100.0])
>>> pb.special.k1e(x)
Array([1.63615349, 0.12579995], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.k1e(x)))(x)
Array([-1.14446308e+00, -6.33670684e-04], dtype=float64, device='cpu')

#### special.kn
The modified Bessel function of the second kind K_n of a whole order, elementwise.
n: int or array of int | The order; it has no derivative.
x: real floating
-> Array | Of the shape that both broadcast to, in the dtype of `x`.
x_bar = −ct · (K_{n−1}(x) + K_{n+1}(x)) / 2
! MissingRuleError: If a derivative by `n` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.kn(2, x)
Array([1.6248389 , 0.25375975], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.kn(2, x)))(x)
Array([-3.85158503, -0.39362564], dtype=float64, device='cpu')

#### special.kv
The modified Bessel function of the second kind K_v, elementwise.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = −ct · (K_{v−1}(x) + K_{v+1}(x)) / 2
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.kv(0.5, x)
Array([0.4610685 , 0.11993777], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.kv(0.5, x)))(x)
Array([-0.69160276, -0.14992221], dtype=float64, device='cpu')

#### special.kve
e^x K_v(x), elementwise, which does not underflow.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Of the shape that both broadcast to, in the dtype that they promote to.
x_bar = ct · (out − e^x · (K_{v−1}(x) + K_{v+1}(x)) / 2)
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.29
>>> x = pb.xp.asarray([1.0, 100.0], device="cpu")
>>> pb.special.kve(0.5, x)
Array([1.25331414, 0.12533141], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.special.kve(0.5, x)))(x)
Array([-6.26657069e-01, -6.26657069e-04], dtype=float64, device='cpu')

#### special.hankel1
Hankel's function of the first kind H_v = J_v + i Y_v, elementwise.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Complex, of the shape that both broadcast to.
x_bar = ct · (H_{v−1}(x) − H_{v+1}(x)) / 2
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.4, 10.6
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.hankel1(0, x)
Array([0.76519769+0.08825696j, 0.22389078+0.51037567j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.special.hankel1(0, x)) ** 2))(x)
Array([-0.53555644, -0.14899323], dtype=float64, device='cpu')

#### special.hankel2
Hankel's function of the second kind H_v = J_v − i Y_v, elementwise.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Complex, of the shape that both broadcast to.
x_bar = ct · (H_{v−1}(x) − H_{v+1}(x)) / 2
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.4, 10.6
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.hankel2(0, x)
Array([0.76519769-0.08825696j, 0.22389078-0.51037567j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.special.hankel2(0, x)) ** 2))(x)
Array([-0.53555644, -0.14899323], dtype=float64, device='cpu')

#### special.hankel1e
e^(−i x) H_v(x) with Hankel's function of the first kind, elementwise, which does not turn.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Complex, of the shape that both broadcast to.
x_bar = ct · (e^(−i x) · (H_{v−1}(x) − H_{v+1}(x)) / 2 − i · out)
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.4, 10.6
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.hankel1e(0, x)
Array([0.48770375-0.59620621j, 0.37091185-0.41597453j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.real(pb.special.hankel1e(0, x))))(x)
Array([-0.17659863, -0.07864801], dtype=float64, device='cpu')

#### special.hankel2e
e^(i x) H_v(x) with Hankel's function of the second kind, elementwise, which does not turn.
v: array or number | The order, real; it has no derivative.
x: floating
-> Array | Complex, of the shape that both broadcast to.
x_bar = ct · (e^(i x) · (H_{v−1}(x) − H_{v+1}(x)) / 2 + i · out)
! MissingRuleError: If a derivative by `v` is asked for.
! NotImplementedError: Of CuPy's arrays: cupyx.scipy.special has no such function.
@ DLMF 10.4, 10.6
>>> x = pb.xp.asarray([1.0, 2.0], device="cpu")
>>> pb.special.hankel2e(0, x)
Array([0.48770375+0.59620621j, 0.37091185+0.41597453j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.real(pb.special.hankel2e(0, x))))(x)
Array([-0.17659863, -0.07864801], dtype=float64, device='cpu')
"""
