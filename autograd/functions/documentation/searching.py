"""Searching, sorting, comparisons, logic and bits; `entries.py` explains the notation."""

TEXT = """
#### where
x1 where the condition holds, x2 elsewhere.
condition: array | Boolean; it carries no derivative.
x1, x2: array or number | Of dtypes that promote to one; all three shapes broadcast.
-> Array | Of the shape that all broadcast to, in the dtype that `x1` and `x2` promote to.
x1_bar = ct where the condition holds, else 0
x2_bar = ct where it does not, else 0
. It chooses, it does not multiply: an infinite cotangent stays in its branch. But both branches
  have been evaluated: of ``where(x > 0, log(x), 0)`` the gradient at 0 is 0 · ∞ = NaN.
  `apply_where` evaluates each branch where it is wanted alone.
@ standard
>>> x = pb.xp.asarray([-1.0, 2.0])
>>> pb.xp.where(x > 0, x, 0.1 * x)
Array([-0.1,  2. ], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.where(x > 0, x, 0.1 * x)))(x)
Array([0.1, 1. ], dtype=float64, device='cpu')

#### argmax
The index of the largest element.
x: array | Of a real dtype.
axis: int, optional | The axis; by default the index counts in the flattened array.
-> Array | Integers, of the shape of `x` without the axis.
constant
. Of equal elements the first one; NumPy counts NaN as the largest. For the value with its
  derivative, `max`, or `take_along_axis` with this index.
@ standard
>>> pb.xp.argmax(pb.xp.asarray([1.0, 3.0, 3.0]))
Array(1, dtype=int64, device='cpu')

#### argmin
The index of the smallest element.
x: array | Of a real dtype.
axis: int, optional | The axis; by default the index counts in the flattened array.
-> Array | Integers, of the shape of `x` without the axis.
constant
. Of equal elements the first one; NumPy counts NaN as the smallest. For the value with its
  derivative, `min`, or `take_along_axis` with this index.
@ standard
>>> pb.xp.argmin(pb.xp.asarray([1.0, 3.0, 1.0]))
Array(0, dtype=int64, device='cpu')

#### nonzero
The indices of the elements that are not 0.
x: any
-> tuple of Array | One array of integers for each axis.
constant
. The number of indices depends on the values: `pb.compile` refuses it, and on a GPU it waits for
  the device.
@ standard
>>> pb.xp.nonzero(pb.xp.asarray([0.0, 2.0, 3.0]))
(Array([1, 2], dtype=int64, device='cpu'),)

#### searchsorted
Where elements belong in a sorted array.
x1: array | Real, (n,), ascending.
x2: array | Real, of any shape: what is looked for.
side: {"left", "right"} | The first place that keeps the order, or the last.
sorter: array, optional | Integers (n,) that sort `x1`, if it is not.
-> Array | Integers from 0 to n, of the shape of `x2`.
constant
. It finds the piece of a piecewise function; `interp` is linear between the places, and
  differentiable.
@ standard
>>> pb.xp.searchsorted(pb.xp.asarray([1.0, 2.0, 3.0]), pb.xp.asarray([2.0, 9.0]))
Array([1, 3], dtype=int64, device='cpu')

#### argsort
The indices that sort the elements along an axis.
x: array | Of a real dtype.
axis: int | The axis.
descending: bool | The largest first.
stable: bool | Equal elements keep their order.
-> Array | Integers, of the shape of `x`.
constant
. ``take_along_axis(x, argsort(x))`` is `sort`, with its derivative.
@ standard
>>> pb.xp.argsort(pb.xp.asarray([3.0, 1.0, 2.0]))
Array([1, 2, 0], dtype=int64, device='cpu')

#### isin
Whether each element is among others.
x1: array or number | The elements that are looked for.
x2: array or number | Those among which they are looked for.
invert: bool | The opposite.
-> Array | Boolean, of the shape of `x1`.
constant
@ standard
>>> pb.xp.isin(pb.xp.asarray([1, 2, 5]), pb.xp.asarray([2, 5, 7]))
Array([False,  True,  True], dtype=bool, device='cpu')

#### equal
x1 = x2, elementwise; ``x1 == x2``.
x1, x2: any pair
-> truth promoted
constant
. NaN is equal to nothing.
@ standard
>>> pb.xp.equal(pb.xp.asarray([1.0, 2.0]), 2.0)
Array([False,  True], dtype=bool, device='cpu')

#### not_equal
x1 ≠ x2, elementwise; ``x1 != x2``.
x1, x2: any pair
-> truth promoted
constant
. NaN is not equal to anything, itself included.
@ standard
>>> pb.xp.not_equal(pb.xp.asarray([1.0, 2.0]), 2.0)
Array([ True, False], dtype=bool, device='cpu')

#### greater
x1 > x2, elementwise.
x1, x2: real pair
-> truth promoted
constant
. False where one is NaN.
@ standard
>>> pb.xp.greater(pb.xp.asarray([1.0, 2.0, 3.0]), 2.0)
Array([False, False,  True], dtype=bool, device='cpu')

#### greater_equal
x1 ≥ x2, elementwise.
x1, x2: real pair
-> truth promoted
constant
. False where one is NaN.
@ standard
>>> pb.xp.greater_equal(pb.xp.asarray([1.0, 2.0, 3.0]), 2.0)
Array([False,  True,  True], dtype=bool, device='cpu')

#### less
x1 < x2, elementwise.
x1, x2: real pair
-> truth promoted
constant
. False where one is NaN.
@ standard
>>> pb.xp.less(pb.xp.asarray([1.0, 2.0, 3.0]), 2.0)
Array([ True, False, False], dtype=bool, device='cpu')

#### less_equal
x1 ≤ x2, elementwise.
x1, x2: real pair
-> truth promoted
constant
. False where one is NaN.
@ standard
>>> pb.xp.less_equal(pb.xp.asarray([1.0, 2.0, 3.0]), 2.0)
Array([ True,  True, False], dtype=bool, device='cpu')

#### isfinite
Whether each element is neither infinite nor NaN.
x: numeric
-> truth
constant
. Of a complex number both parts have to be.
@ standard
>>> pb.xp.isfinite(pb.xp.asarray([1.0, float("inf"), float("nan")]))
Array([ True, False, False], dtype=bool, device='cpu')

#### isinf
Whether each element is +∞ or −∞.
x: numeric
-> truth
constant
. Of a complex number one part is enough.
@ standard
>>> pb.xp.isinf(pb.xp.asarray([1.0, float("inf"), float("nan")]))
Array([False,  True, False], dtype=bool, device='cpu')

#### isnan
Whether each element is NaN.
x: numeric
-> truth
constant
. Of a complex number one part is enough.
@ standard
>>> pb.xp.isnan(pb.xp.asarray([1.0, float("inf"), float("nan")]))
Array([False, False,  True], dtype=bool, device='cpu')

#### signbit
Whether the sign bit is set: of negative numbers, of −0.0, and of some NaN.
x: real floating
-> truth
constant
@ standard
>>> pb.xp.signbit(pb.xp.asarray([1.0, 0.0, -0.0]))
Array([False, False,  True], dtype=bool, device='cpu')

#### logical_and
x1 and x2, elementwise.
x1, x2: boolean pair
-> truth promoted
constant
@ standard
>>> pb.xp.logical_and(pb.xp.asarray([True, False]), pb.xp.asarray([True, True]))
Array([ True, False], dtype=bool, device='cpu')

#### logical_not
Not x, elementwise.
x: boolean
-> truth
constant
@ standard
>>> pb.xp.logical_not(pb.xp.asarray([True, False]))
Array([False,  True], dtype=bool, device='cpu')

#### logical_or
x1 or x2, or both, elementwise.
x1, x2: boolean pair
-> truth promoted
constant
@ standard
>>> pb.xp.logical_or(pb.xp.asarray([True, False]), pb.xp.asarray([False, False]))
Array([ True, False], dtype=bool, device='cpu')

#### logical_xor
Either x1 or x2, elementwise.
x1, x2: boolean pair
-> truth promoted
constant
@ standard
>>> pb.xp.logical_xor(pb.xp.asarray([True, False]), pb.xp.asarray([True, True]))
Array([False,  True], dtype=bool, device='cpu')

#### bitwise_and
The bits that both have, elementwise; ``x1 & x2``.
x1, x2: integer pair
-> promoted
constant
@ standard
>>> pb.xp.bitwise_and(pb.xp.asarray([6]), pb.xp.asarray([3]))
Array([2], dtype=int64, device='cpu')

#### bitwise_or
The bits that one has, or both, elementwise; ``x1 | x2``.
x1, x2: integer pair
-> promoted
constant
@ standard
>>> pb.xp.bitwise_or(pb.xp.asarray([6]), pb.xp.asarray([3]))
Array([7], dtype=int64, device='cpu')

#### bitwise_xor
The bits that only one has, elementwise; ``x1 ^ x2``.
x1, x2: integer pair
-> promoted
constant
@ standard
>>> pb.xp.bitwise_xor(pb.xp.asarray([6]), pb.xp.asarray([3]))
Array([5], dtype=int64, device='cpu')

#### bitwise_invert
Every bit turned over, elementwise; ``~x``.
x: array | Of an integer dtype, or boolean.
-> same
constant
@ standard
>>> pb.xp.bitwise_invert(pb.xp.asarray([0, 5]))
Array([-1, -6], dtype=int64, device='cpu')

#### bitwise_left_shift
The bits of x1 moved up by x2 places, elementwise; ``x1 << x2``.
x1, x2: integer pair
-> promoted
constant
. By no fewer than 0 and fewer places than the dtype has.
@ standard
>>> pb.xp.bitwise_left_shift(pb.xp.asarray([3]), pb.xp.asarray([2]))
Array([12], dtype=int64, device='cpu')

#### bitwise_right_shift
The bits of x1 moved down by x2 places, elementwise; ``x1 >> x2``.
x1, x2: integer pair
-> promoted
constant
. The sign is kept: −1 stays −1.
@ standard
>>> pb.xp.bitwise_right_shift(pb.xp.asarray([12, -1]), pb.xp.asarray([2, 2]))
Array([ 3, -1], dtype=int64, device='cpu')
"""
