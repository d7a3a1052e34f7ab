"""Statistical functions, and what reduces along an axis; `entries.py` explains the notation."""

TEXT = """
#### sum
The sum of the elements, over all axes or some.
x: numeric
dtype: dtype, optional | The dtype in which it is added up, and of the result. By default that of
  `x` if it is a floating-point one; small integers are added up as int64 or uint64.
-> Array | Of the shape of `x` without the axes that are reduced.
x_bar = ct, copied along the reduced axes
. A cotangent in another `dtype` is cast back to that of `x`. The sum of no elements is 0. The
  copies are a view of ct, not new memory, as far as the array's library can.
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.sum(x, axis=0)
Array([4., 6.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.sum(x, axis=0) ** 2))(x)
Array([[ 8., 12.],
       [ 8., 12.]], dtype=float64, device='cpu')

#### mean
The arithmetic mean of the elements, over all axes or some.
x: floating
-> reduced
x_bar = ct / n, copied along the reduced axes
. n is the number of elements that are reduced. The mean of no elements is NaN, and its gradient is
  empty.
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 6.0]])
>>> pb.xp.mean(x, axis=1)
Array([1.5, 4.5], dtype=float64, device='cpu')
>>> pb.grad(pb.xp.mean)(x)
Array([[0.25, 0.25],
       [0.25, 0.25]], dtype=float64, device='cpu')

#### prod
The product of the elements, over all axes or some.
x: numeric
dtype: dtype, optional | The dtype in which it is multiplied, and of the result. By default that of
  `x` if it is a floating-point one; small integers are multiplied as int64 or uint64.
-> Array | Of the shape of `x` without the axes that are reduced.
x_bar = ct · the product of all other elements
. By the products of the elements before and behind each, not as out / x: right at one zero and at
  several, at derivatives of every order. The product of no elements is 1.
@ The recurrence of partial products: Hillis and Steele, Data parallel algorithms, 1986.
>>> x = pb.xp.asarray([2.0, 0.0, 5.0])
>>> pb.xp.prod(x)
Array(0., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.prod)(x)
Array([ 0., 10.,  0.], dtype=float64, device='cpu')

#### max
The largest element, over all axes or some.
x: real
-> reduced
x_bar = ct / k where x is one of the k largest elements, else 0
. Equal largest elements share equally, which is the middle of the subgradients. If there is a NaN
  the result is NaN, and nobody gets a share.
! ValueError: Of no elements.
! TypeError: Under a derivative, of complex numbers, which have no order.
@ Rockafellar, Convex Analysis, 1970, §23, on subgradients.
>>> x = pb.xp.asarray([1.0, 3.0, 3.0])
>>> pb.xp.max(x)
Array(3., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.max)(x)
Array([0. , 0.5, 0.5], dtype=float64, device='cpu')

#### min
The smallest element, over all axes or some.
x: real
-> reduced
x_bar = ct / k where x is one of the k smallest elements, else 0
. Equal smallest elements share equally, which is the middle of the subgradients. If there is a NaN
  the result is NaN, and nobody gets a share.
! ValueError: Of no elements.
! TypeError: Under a derivative, of complex numbers, which have no order.
@ Rockafellar, Convex Analysis, 1970, §23, on subgradients.
>>> x = pb.xp.asarray([1.0, 3.0, 1.0])
>>> pb.xp.min(x)
Array(1., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.min)(x)
Array([0.5, 0. , 0.5], dtype=float64, device='cpu')

#### var
The variance Σ |x − μ|² / (n − correction) with the mean μ, over all axes or some.
x: floating
-> reduced
x_bar = 2 · ct · conj(x − μ) / (n − correction)
. The derivative of the mean drops out, since Σ (x − μ) = 0. Where n − correction ≤ 0 both are NaN.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 6.0])
>>> pb.xp.var(x, correction=1)
Array(7., dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.var(x, correction=1))(x)
Array([-2., -1.,  3.], dtype=float64, device='cpu')

#### std
The standard deviation, the square root of the variance `var`, over all axes or some.
x: floating
-> reduced
x_bar = ct · conj(x − μ) / ((n − correction) · out)
. Where all elements are equal the derivative is taken as 0, although rounding of the mean μ may
  leave out at 1e-17 there; the second derivative does not exist, and is NaN. Where n − correction ≤
  0 all is NaN.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0])
>>> pb.xp.std(x)
Array(0.81649658, dtype=float64, device='cpu')
>>> pb.grad(pb.xp.std)(x)
Array([-0.40824829,  0.        ,  0.40824829], dtype=float64, device='cpu')
>>> pb.grad(pb.xp.std)(pb.xp.ones(3))
Array([0., 0., 0.], dtype=float64, device='cpu')

#### cumulative_sum
The sums of the elements up to each one, along an axis.
x: numeric
axis: int, optional | The axis; it may be left out if `x` has one alone.
dtype: dtype, optional | The dtype of the result, as in `sum`.
-> Array | Of the shape of `x`, one longer along the axis with `include_initial`.
x_bar = the sums of ct from each index to the end
. With `include_initial` the result begins with a 0, whose cotangent is dropped.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0])
>>> pb.xp.cumulative_sum(x)
Array([1., 3., 6.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.cumulative_sum(x)))(x)
Array([3., 2., 1.], dtype=float64, device='cpu')

#### cumulative_prod
The products of the elements up to each one, along an axis.
x: numeric
axis: int, optional | The axis; it may be left out if `x` has one alone.
dtype: dtype, optional | The dtype of the result, as in `prod`.
-> Array | Of the shape of `x`, one longer along the axis with `include_initial`.
x_bar = Π_{j<k} x_j · s_k with s_k = ct_k + x_{k+1} · s_{k+1}
. There is no division, so that zeros are right, one or several, at every order. With
  `include_initial` the result begins with a 1, whose cotangent is dropped.
@ Product rule; the recurrence by Hillis and Steele, Data parallel algorithms, 1986.
>>> x = pb.xp.asarray([2.0, 0.0, 5.0])
>>> pb.xp.cumulative_prod(x)
Array([2., 0., 0.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.cumulative_prod(x)))(x)
Array([ 1., 12.,  0.], dtype=float64, device='cpu')

#### logsumexp
log Σ e^x over all axes or some, without overflow.
x: real floating
-> reduced
x_bar = ct · softmax(x)
. Where all elements are −∞ the result is −∞, and where one is +∞ it is +∞: there the derivative is
  0, not NaN. Of a NaN it is NaN. The softmax is computed from x, not as e^(x − out), which has the
  rounding error of a large out. Not in the standard; `special.logsumexp` takes factors too.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([1000.0, 1000.0])
>>> pb.xp.logsumexp(x)
Array(1000.69314718, dtype=float64, device='cpu')
>>> pb.grad(pb.xp.logsumexp)(x)
Array([0.5, 0.5], dtype=float64, device='cpu')

#### softmax
e^x / Σ e^x along axes, without overflow.
x: real floating
axis: int or tuple of int, optional | The axes whose elements add up to 1; the last by default, all
  for None. (`special.softmax` takes all by default, as SciPy does.)
-> same
x_bar = out · (ct − Σ ct · out)
. The sum runs over `axis`. Not in the standard.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([0.0, 0.0, 1000.0])
>>> pb.xp.softmax(x)
Array([0., 0., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.softmax(x)[0])(pb.xp.zeros(2))
Array([ 0.25, -0.25], dtype=float64, device='cpu')

#### log_softmax
x − log Σ e^x along axes, without underflow.
x: real floating
axis: int or tuple of int, optional | The axes that the sum runs over; the last by default, all for
  None. (`special.log_softmax` takes all by default, as SciPy does.)
-> same
x_bar = ct − p · Σ ct with p = e^out
. Computed as ct · (1 − p) − p · (Σ ct − ct), so that the cotangent of one class alone keeps the
  last digit of 1 − p = −expm1(out). Not in the standard.
@ Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, 2021.
>>> x = pb.xp.asarray([0.0, 1000.0])
>>> pb.xp.log_softmax(x)
Array([-1000.,     0.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.log_softmax(x)[0])(x)
Array([ 1., -1.], dtype=float64, device='cpu')

#### softmax_cross_entropy
The mean of −log p[label] with p = softmax(logits) along the last axis.
logits: array | Real, floating-point, (…, classes).
labels: array | Integers (…) from 0 to classes − 1; they carry no derivative.
-> Array | 0-d, in the dtype of `logits`.
logits_bar = ct · (p − onehot(labels)) / n
. n is the number of labels. The slope is left by the forward pass, so that the backward pass is one
  product; where p is nearly 1, p − 1 is minus the sum of the others, or expm1(log p), which have
  digits. Large logits do not overflow. Not in the standard; `pb.models.cross_entropy` has more
  settings.
! IndexError: If a label is out of range.
@ Bishop, Pattern Recognition and Machine Learning, 2006, eq. 4.109.
>>> logits, labels = pb.xp.asarray([[0.0, 0.0], [0.0, 1.0]]), pb.xp.asarray([0, 1])
>>> pb.xp.softmax_cross_entropy(logits, labels)
Array(0.50320443, dtype=float64, device='cpu')
>>> pb.grad(pb.xp.softmax_cross_entropy)(logits, labels)
Array([[-0.25      ,  0.25      ],
       [ 0.13447071, -0.13447071]], dtype=float64, device='cpu')

#### count_nonzero
The number of elements that are not 0, over all axes or some.
x: any
-> Array | Integers, of the shape of `x` without the axes that are reduced.
constant
. NaN counts as not 0.
@ standard
>>> pb.xp.count_nonzero(pb.xp.asarray([[0.0, 2.0], [3.0, 4.0]]), axis=0)
Array([1, 2], dtype=int64, device='cpu')

#### all
Whether all elements are true, over all axes or some.
x: boolean
-> Array | Boolean, of the shape of `x` without the axes that are reduced; True of no elements.
constant
@ standard
>>> pb.xp.all(pb.xp.asarray([[True, False], [True, True]]), axis=0)
Array([ True, False], dtype=bool, device='cpu')

#### any
Whether one element at least is true, over all axes or some.
x: boolean
-> Array | Boolean, of the shape of `x` without the axes that are reduced; False of no elements.
constant
@ standard
>>> pb.xp.any(pb.xp.asarray([[False, False], [True, True]]), axis=1)
Array([False,  True], dtype=bool, device='cpu')
"""
