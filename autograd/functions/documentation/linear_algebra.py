"""Products, of the section linear algebra and beyond it; `entries.py` explains the notation."""

TEXT = """
#### matmul
The product of matrices or vectors, ``x1 @ x2``; batches broadcast.
x1: array | Matrices (…, m, k), or one vector (k,), which stands for a row that the product drops.
x2: array | Matrices (…, k, n), or one vector (k,), which stands for a column that the product
  drops.
-> Array | (…, m, n), in the dtype that both promote to.
x1_bar = ct x2ᵀ
x2_bar = x1ᵀ ct
. The transposes are plain ones for complex matrices too. The cotangent of an operand whose batch
  was broadcast is summed over that batch.
! ValueError: If the lengths differ, or an operand is 0-d.
@ Giles.
>>> A, x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]]), pb.xp.asarray([1.0, 1.0])
>>> pb.xp.matmul(A, x)
Array([3., 7.], dtype=float64, device='cpu')
>>> pb.grad(lambda A, x: pb.xp.sum(pb.xp.matmul(A, x)), argnums=(0, 1))(A, x)
(Array([[1., 1.],
       [1., 1.]], dtype=float64, device='cpu'), Array([4., 6.], dtype=float64, device='cpu'))

#### matrix_transpose
The transposes of matrices, ``x.mT``: the last two axes change places.
x: array | Matrices (…, m, n) of any dtype.
-> Array | (…, n, m), of the dtype of `x`; a view of it on NumPy and CuPy.
x_bar = ctᵀ
. No conjugate is taken, of complex matrices neither.
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0, 3.0]])
>>> pb.xp.matrix_transpose(x)
Array([[1.],
       [2.],
       [3.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.matrix_transpose(x)[2, 0])(x)
Array([[0., 0., 1.]], dtype=float64, device='cpu')

#### tensordot
The sum of products over pairs of axes.
x1, x2: array | Of a numeric dtype.
axes: int or pair of tuples | How many of the last axes of `x1` are paired with the first of `x2`;
  or the axes of `x1` and those of `x2`, in pairs. Paired axes have equal lengths.
-> Array | The free axes of `x1`, then those of `x2`, in the dtype that both promote to.
x1_bar = tensordot of ct and x2 over the free axes of x2
x2_bar = tensordot of x1 and ct over the free axes of x1
. Their axes are then put where x1, or x2, has them. No conjugates.
@ Giles.
>>> x1, x2 = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]]), pb.xp.ones((2, 2))
>>> pb.xp.tensordot(x1, x2)
Array(10., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.tensordot, argnums=(0, 1))(x1, x2)
(Array([[1., 1.],
       [1., 1.]], dtype=float64, device='cpu'), Array([[1., 2.],
       [3., 4.]], dtype=float64, device='cpu'))

#### vecdot
The inner product Σ conj(x1) · x2 along an axis.
x1, x2: array | Of a numeric dtype; their shapes broadcast, but for the axis, which has one length
  in both.
axis: int | The axis that is summed over; counted from the end if the numbers of axes differ.
-> Array | Of the broadcast shape without the axis, in the dtype that both promote to.
x1_bar = conj(ct · x2)
x2_bar = ct · conj(x1)
. It conjugates x1, where `linalg.outer`, `matmul` and `tensordot` conjugate nothing.
! ValueError: Under a derivative, if `axis` is counted from the front and the numbers of axes
  differ.
@ Giles.
>>> x1, x2 = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])
>>> pb.xp.vecdot(x1, x2)
Array(11., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.vecdot, argnums=(0, 1))(x1, x2)
(Array([3., 4.], dtype=float64, device='cpu'), Array([1., 2.], dtype=float64, device='cpu'))

#### expm
The exponential of matrices, Σ xᵏ / k!; also ``linalg.expm``.
x: square
-> same
x_bar = L(xᵀ, ct) with the Fréchet derivative L of the exponential
. L(xᵀ, ct) is the upper right block of the exponential of [[xᵀ, ct], [0, xᵀ]], so there are
  derivatives of every order. Right for defective matrices. Not in the standard; as
  ``scipy.linalg.expm``.
@ Najfeld and Havel, Derivatives of the matrix exponential and their computation, 1995.
>>> x = pb.xp.asarray([[0.0, 1.0], [0.0, 0.0]])
>>> pb.xp.expm(x)
Array([[1., 1.],
       [0., 1.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.expm(x)))(x)
Array([[1.5       , 1.        ],
       [2.16666667, 1.5       ]], dtype=float64, device='cpu')

#### linear
The affine map x W + b of a layer of a network.
x: array | Floating-point, (…, p).
W: array | (p, m).
b: array | (m,).
-> Array | (…, m).
x_bar = ct Wᵀ
W_bar = xᵀ ct
b_bar = Σ ct over all rows
. One entry of the tape for product and sum; with more axes, W_bar sums over all leading ones. Not
  in the standard.
@ Giles.
>>> x, W, b = pb.xp.ones((2, 2)), pb.xp.asarray([[1.0], [2.0]]), pb.xp.asarray([0.5])
>>> pb.xp.linear(x, W, b)
Array([[3.5],
       [3.5]], dtype=float64, device='cpu')
>>> pb.grad(lambda W, b: pb.xp.sum(pb.xp.linear(x, W, b)), argnums=(0, 1))(W, b)
(Array([[2.],
       [2.]], dtype=float64, device='cpu'), Array([2.], dtype=float64, device='cpu'))

#### linear_relu
The affine map of a layer with a ReLU behind it, max(x W + b, 0).
x: array | Floating-point, (…, p).
W: array | (p, m).
b: array | (m,).
-> Array | (…, m).
x_bar = c Wᵀ with c = ct where out > 0, else 0
W_bar = xᵀ c
b_bar = Σ c over all rows
. 0 where the output is 0, as for `relu`. One entry of the tape, which keeps the output and not what
  stands before the ReLU. Not in the standard.
@ Giles.
>>> x, W, b = pb.xp.ones((1, 2)), pb.xp.asarray([[1.0, -1.0], [2.0, 0.0]]), pb.xp.zeros(2)
>>> pb.xp.linear_relu(x, W, b)
Array([[3., 0.]], dtype=float64, device='cpu')
>>> pb.grad(lambda b: pb.xp.sum(pb.xp.linear_relu(x, W, b)))(b)
Array([1., 0.], dtype=float64, device='cpu')
"""
