"""Manipulation of shapes, dtypes and triangles, and indexing; `entries.py` explains the notation."""

TEXT = """
#### astype
The array in another dtype.
x: any
dtype: dtype | The dtype to cast to.
copy: bool | Make a copy even where the dtype is the same already; False returns `x` itself then.
device: device, optional | The device to go to as well.
-> Array | Of the shape of `x`.
x_bar = ct, cast to the dtype of x, on its device
. Where a real `x` became complex, the cotangent loses its imaginary part. To and from integers and
  booleans there is no derivative: the result is a constant. The standard has no cast from complex
  to real: take `real`.
@ standard
>>> x = pb.xp.asarray([1.5, 2.5])
>>> pb.xp.astype(x, pb.xp.float32)
Array([1.5, 2.5], dtype=float32, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.astype(x, pb.xp.float32) ** 2))(x)
Array([3., 5.], dtype=float64, device='cpu')

#### tril
The lower triangles of matrices, 0 above.
x: array | Matrices (…, m, n) of any dtype.
k: int | The last diagonal that is kept; it may lie beyond the matrix.
-> same
x_bar = tril(ct, k)
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.tril(x)
Array([[1., 0.],
       [3., 4.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.tril(x)))(x)
Array([[1., 0.],
       [1., 1.]], dtype=float64, device='cpu')

#### triu
The upper triangles of matrices, 0 below.
x: array | Matrices (…, m, n) of any dtype.
k: int | The first diagonal that is kept; it may lie beyond the matrix.
-> same
x_bar = triu(ct, k)
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.triu(x)
Array([[1., 2.],
       [0., 4.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.triu(x)))(x)
Array([[1., 1.],
       [0., 1.]], dtype=float64, device='cpu')

#### broadcast_to
The array stretched to a shape, by NumPy's rules.
x: any
shape: tuple of int | The shape to reach.
-> Array | Of that shape; on NumPy and CuPy a view of `x`, in which a write is refused.
x_bar = ct, summed over the axes that were added or stretched
! ValueError: If `x` does not broadcast to the shape.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.xp.broadcast_to(x, (2, 2))
Array([[1., 2.],
       [1., 2.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.broadcast_to(x, (3, 2))))(x)
Array([3., 3.], dtype=float64, device='cpu')

#### concat
Arrays joined along an axis that they have.
arrays: sequence of arrays | Of the same shape but along `axis`, and of dtypes that promote to one.
axis: int, optional | The axis; None flattens all of them first.
-> Array | In the dtype that all promote to.
arrays_bar = the pieces of ct, cut where the arrays met
. Empty arrays are pieces too.
@ standard
>>> x, y = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0])
>>> pb.xp.concat([x, y])
Array([1., 2., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.xp.concat([x, y]) ** 2), argnums=(0, 1))(x, y)
(Array([2., 4.], dtype=float64, device='cpu'), Array([6.], dtype=float64, device='cpu'))

#### stack
Arrays joined along a new axis.
arrays: sequence of arrays | Of one shape, and of dtypes that promote to one.
axis: int | Where the new axis stands in the result.
-> Array | With one axis more, in the dtype that all promote to.
arrays_bar = the slices of ct along the new axis
. Use it where NumPy takes a list of traced numbers: ``stack([x[0], x[1]])``, which `asarray` does
  for you.
@ standard
>>> x, y = pb.xp.asarray(1.0), pb.xp.asarray(2.0)
>>> pb.xp.stack([x, y])
Array([1., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x, y: pb.xp.sum(pb.xp.stack([x, y]) ** 2), argnums=(0, 1))(x, y)
(Array(2., dtype=float64, device='cpu'), Array(4., dtype=float64, device='cpu'))

#### expand_dims
The array with new axes of length 1.
x: any
axis: int or tuple of int | Where the new axes stand in the result.
-> Array | A view of `x` on NumPy and CuPy.
x_bar = ct, reshaped to the shape of x
@ standard
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.xp.expand_dims(x, axis=1).shape
(2, 1)
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.expand_dims(x, axis=1) * pb.xp.ones((2, 3))))(x)
Array([3., 3.], dtype=float64, device='cpu')

#### squeeze
The array without some of its axes of length 1.
x: any
axis: int or tuple of int | The axes that are dropped; the standard wants them named.
-> Array | A view of `x` on NumPy and CuPy.
x_bar = ct, reshaped to the shape of x
! ValueError: If such an axis has another length.
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0]])
>>> pb.xp.squeeze(x, 0)
Array([1., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.squeeze(x, 0)))(x)
Array([[1., 1.]], dtype=float64, device='cpu')

#### flip
The elements in the opposite order.
x: any
axis: int or tuple of int, optional | The axes that are turned round; all by default.
-> Array | Of the shape and dtype of `x`; a view of it on NumPy and CuPy.
x_bar = flip(ct)
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0])
>>> pb.xp.flip(x)
Array([3., 2., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.flip(x)[0])(x)
Array([0., 0., 1.], dtype=float64, device='cpu')

#### moveaxis
The array with some axes moved to other places; the rest keeps its order.
x: any
source: int or tuple of int | The axes that move.
destination: int or tuple of int | Where they go, one for each.
-> Array | A view of `x` on NumPy and CuPy.
x_bar = moveaxis(ct, destination, source)
@ standard
>>> x = pb.xp.zeros((2, 3, 4))
>>> pb.xp.moveaxis(x, 0, -1).shape
(3, 4, 2)
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.moveaxis(x, 0, -1)))(x).shape
(2, 3, 4)

#### permute_dims
The array with its axes in another order; NumPy calls it `transpose`.
x: any
axes: tuple of int | For each axis of the result, the axis of `x` that it is.
-> Array | A view of `x` on NumPy and CuPy.
x_bar = ct with its axes put back
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0, 3.0]])
>>> pb.xp.permute_dims(x, (1, 0))
Array([[1.],
       [2.],
       [3.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.permute_dims(x, (1, 0))[2, 0])(x)
Array([[0., 0., 1.]], dtype=float64, device='cpu')

#### repeat
Each element repeated, along an axis.
x: any
repeats: int or array of int | How often; an array has one count for each element along the axis.
axis: int, optional | The axis; by default `x` is flattened first.
-> Array | Of the dtype of `x`.
x_bar = for each element, the sum of ct over its copies
. A count of 0 gives the derivative 0.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.xp.repeat(x, pb.xp.asarray([1, 3]))
Array([1., 2., 2., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.repeat(x, pb.xp.asarray([1, 3]))))(x)
Array([1., 3.], dtype=float64, device='cpu')

#### tile
The array laid side by side with itself.
x: any
repetitions: tuple of int | How often along each axis; with more counts than axes, new ones are
  added in front.
-> Array | Of the dtype of `x`.
x_bar = the sum of the tiles of ct
@ standard
>>> x = pb.xp.asarray([1.0, 2.0])
>>> pb.xp.tile(x, (2,))
Array([1., 2., 1., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.tile(x, (2, 2))))(x)
Array([4., 4.], dtype=float64, device='cpu')

#### reshape
The elements in another shape, in C order.
x: any
shape: tuple of int | The shape; one length may be −1, which follows from the rest.
copy: bool, optional | Always copy, never copy, or (by default) where it has to be.
-> Array | On NumPy and CuPy a view of `x` where it can be: a write to it reaches `x`.
x_bar = ct, reshaped to the shape of x
! ValueError: If the numbers of elements differ, or if ``copy=False`` cannot be done.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0, 4.0])
>>> pb.xp.reshape(x, (2, -1))
Array([[1., 2.],
       [3., 4.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.linalg.trace(pb.xp.reshape(x, (2, 2))))(x)
Array([1., 0., 0., 1.], dtype=float64, device='cpu')

#### roll
The elements moved along axes, and in again at the other end.
x: any
shift: int or tuple of int | By how many places; with a tuple, one for each axis.
axis: int or tuple of int, optional | The axes; by default `x` is flattened first and gets its shape
  back.
-> same
x_bar = roll(ct, −shift)
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0])
>>> pb.xp.roll(x, 1)
Array([3., 1., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.roll(x, 1)[0])(x)
Array([0., 0., 1.], dtype=float64, device='cpu')

#### take
The elements at indices along an axis.
x: any
indices: array | Integers, (k,); negative ones count from the end. They carry no derivative.
axis: int, optional | The axis; it may be left out if `x` has one alone.
-> Array | Of the shape of `x`, with k along the axis.
x_bar = ct, added up at the indices
. An index that repeats adds up.
! IndexError: If an index is out of range (NumPy).
@ standard
>>> x, i = pb.xp.asarray([1.0, 2.0, 3.0]), pb.xp.asarray([0, 2, 2])
>>> pb.xp.take(x, i)
Array([1., 3., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.take(x, i)))(x)
Array([1., 0., 2.], dtype=float64, device='cpu')

#### take_along_axis
The elements at indices along an axis, which may differ from row to row.
Such indices are what `argsort` and `argmax` give.
x: any
indices: array | Integers, with as many axes as `x`; the shapes broadcast but for the axis. They
  carry no derivative.
axis: int | The axis.
-> Array | Of the shape that both broadcast to, with the length of `indices` along the axis.
x_bar = ct, added up at the indices
. An index that repeats adds up.
@ standard
>>> x, i = pb.xp.asarray([[3.0, 1.0], [5.0, 7.0]]), pb.xp.asarray([[1], [0]])
>>> pb.xp.take_along_axis(x, i)
Array([[1.],
       [5.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.take_along_axis(x, i)))(x)
Array([[0., 1.],
       [1., 0.]], dtype=float64, device='cpu')

#### scatter_add
Zeros with values added at places: what reading ``x[key]`` is the transpose of.
shape: tuple of int | The shape of the result.
key: key | Any index that ``x[key]`` takes: integers, slices, arrays of integers, a mask, a tuple of
  them.
values: array | Of the shape of ``x[key]``.
-> Array | Of that shape, in the dtype of `values`.
values_bar = ct[key]
. Places that repeat add up; on a GPU in an order that varies, and so in the last digits. Not in the
  standard; `segment_sum` is the form with one integer for each row, `at` adds to an array.
@ Claerbout, Basic Earth Imaging, 2010: the dot-product test of adjoints.
>>> i, v = pb.xp.asarray([0, 2, 2]), pb.xp.asarray([1.0, 2.0, 3.0])
>>> pb.xp.scatter_add((4,), i, v)
Array([1., 0., 5., 0.], dtype=float64, device='cpu')
>>> pb.grad(lambda v: pb.xp.scatter_add((4,), i, v)[2])(v)
Array([0., 1., 1.], dtype=float64, device='cpu')
"""
