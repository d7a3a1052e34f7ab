"""Rounding, division with remainder, and signs; `entries.py` explains the notation."""

TEXT = """
#### ceil
The smallest whole number that is not below x, elementwise.
x: real
-> same
x_bar = 0
. The derivative is 0 everywhere, also at the jumps: nothing is raised.
@ standard
>>> x = pb.xp.asarray([1.5, -1.5, 2.0])
>>> pb.xp.ceil(x)
Array([ 2., -1.,  2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.ceil(x)))(x)
Array([0., 0., 0.], dtype=float64, device='cpu')

#### floor
The largest whole number that is not above x, elementwise.
x: real
-> same
x_bar = 0
. The derivative is 0 everywhere, also at the jumps: nothing is raised.
@ standard
>>> x = pb.xp.asarray([1.5, -1.5, 2.0])
>>> pb.xp.floor(x)
Array([ 1., -2.,  2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.floor(x)))(x)
Array([0., 0., 0.], dtype=float64, device='cpu')

#### round
The nearest whole number, elementwise; halves go to the even one.
x: numeric
-> same
x_bar = 0
. The derivative is 0 everywhere, also at the jumps: nothing is raised. Of a complex number both
  parts are rounded.
@ standard
>>> x = pb.xp.asarray([0.5, 1.5, -1.2])
>>> pb.xp.round(x)
Array([ 0.,  2., -1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.round(x)))(x)
Array([0., 0., 0.], dtype=float64, device='cpu')

#### trunc
The whole number next to x towards 0, elementwise.
x: real
-> same
x_bar = 0
. The derivative is 0 everywhere, also at the jumps: nothing is raised.
@ standard
>>> x = pb.xp.asarray([1.5, -1.5, 2.0])
>>> pb.xp.trunc(x)
Array([ 1., -1.,  2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.trunc(x)))(x)
Array([0., 0., 0.], dtype=float64, device='cpu')

#### floor_divide
The quotient x1 / x2 rounded down to a whole number, elementwise.
x1, x2: real pair
-> promoted
x1_bar = 0
x2_bar = 0
. The derivative is 0 everywhere, also at the jumps.
@ standard
>>> x1, x2 = pb.xp.asarray([7.0, -7.0]), pb.xp.asarray([2.0, 2.0])
>>> pb.xp.floor_divide(x1, x2)
Array([ 3., -4.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.floor_divide(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([0., 0.], dtype=float64, device='cpu'), Array([0., 0.], dtype=float64, device='cpu'))

#### remainder
x1 − x2 · ⌊x1 / x2⌋, elementwise, with the sign of x2; ``x1 % x2``.
x1, x2: real pair
-> promoted
x1_bar = ct
x2_bar = −ct · ⌊x1 / x2⌋
. At a jump, where x1 is a multiple of x2, the derivative is that of the branch which the value is
  on.
@ standard
>>> x1, x2 = pb.xp.asarray([7.0, -7.0]), pb.xp.asarray([3.0, 3.0])
>>> pb.xp.remainder(x1, x2)
Array([1., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.remainder(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([1., 1.], dtype=float64, device='cpu'), Array([-2.,  3.], dtype=float64, device='cpu'))

#### copysign
|x1| with the sign of x2, elementwise.
x1, x2: floating pair
-> promoted
x1_bar = ct · sign(x1) · sign(out)
x2_bar = 0
. 0 at x1 = 0, as for `abs`. The sign of −0.0 counts, and of a NaN too. Real arguments alone.
@ standard
>>> x1, x2 = pb.xp.asarray([3.0, -3.0]), pb.xp.asarray([-1.0, 1.0])
>>> pb.xp.copysign(x1, x2)
Array([-3.,  3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.copysign(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([-1., -1.], dtype=float64, device='cpu'), Array([0., 0.], dtype=float64, device='cpu'))

#### nextafter
The next floating-point number after x1 in the direction of x2, elementwise.
x1, x2: floating pair
-> promoted
x1_bar = ct
x2_bar = 0
. A step of rounding size: the derivative is that of x1 itself. Real arguments alone.
@ standard
>>> x1, x2 = pb.xp.asarray([1.0]), pb.xp.asarray([2.0])
>>> pb.xp.nextafter(x1, x2)
Array([1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.nextafter(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([1.], dtype=float64, device='cpu'), Array([0.], dtype=float64, device='cpu'))
"""
