"""The extension `linalg`; `entries.py` explains the notation."""

TEXT = """
#### linalg.cholesky
The triangular factor L with x = L Lᴴ of Hermitian positive definite matrices.
x: array | (…, n, n), symmetric, or Hermitian if complex; one triangle is read.
upper: bool | Return U = Lᴴ instead, with x = Uᴴ U.
-> same
x_bar = the Hermitian part of L⁻ᵀ Φ(Lᵀ ct) conj(L)⁻¹
. Φ takes the lower triangle and half of the diagonal. It is the gradient of the function of a
  Hermitian matrix, so it is Hermitian, though one triangle alone is read: check it along symmetric
  directions.
! NotPositiveDefiniteError: If a matrix is not positive definite; on every backend.
@ Seeger et al., Auto-differentiating linear algebra, 2017.
@ Murray, Differentiation of the Cholesky decomposition, 2016.
>>> x = pb.xp.asarray([[4.0, 2.0], [2.0, 2.0]])
>>> pb.xp.linalg.cholesky(x)
Array([[2., 0.],
       [1., 1.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.linalg.cholesky(x)))(x)
Array([[0.25, 0.  ],
       [0.  , 0.5 ]], dtype=float64, device='cpu')

#### linalg.cross
The cross product of vectors of three elements.
x1, x2: array | Of a numeric dtype; their shapes broadcast, and the axis has length 3 in both.
axis: int | The axis of the vectors; counted from the end if the numbers of axes differ.
-> promoted
x1_bar = x2 × ct
x2_bar = ct × x1
! ValueError: If the vectors have another number of elements; under a derivative, if `axis` is
  counted from the front and the numbers of axes differ.
@ Giles.
>>> x1, x2 = pb.xp.asarray([1.0, 0.0, 0.0]), pb.xp.asarray([0.0, 1.0, 0.0])
>>> pb.xp.linalg.cross(x1, x2)
Array([0., 0., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x1, x2: pb.xp.sum(pb.xp.linalg.cross(x1, x2)), argnums=(0, 1))(x1, x2)
(Array([ 1.,  0., -1.], dtype=float64, device='cpu'),
 Array([ 0.,  1., -1.], dtype=float64, device='cpu'))

#### linalg.det
The determinants of matrices.
x: square
-> Array | (…), in the dtype of `x`.
x_bar = ct · cof(x), the cofactors
. For an invertible x these are det(x) x⁻ᵀ; where x is singular, or nearly so, they come from its
  singular values, so the gradient is right there too (PyTorch gives zeros), as are higher
  derivatives. For large matrices use `slogdet`, which does not overflow.
! LinAlgError: If the matrices are not square.
@ Giles.
@ Stewart, On the adjugate matrix, 1998.
>>> x = pb.xp.asarray([[1.0, 2.0], [2.0, 4.0]])
>>> pb.xp.linalg.det(x)
Array(0., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.linalg.det)(x)
Array([[ 4., -2.],
       [-2.,  1.]], dtype=float64, device='cpu')

#### linalg.diagonal
A diagonal of matrices.
x: array | Matrices (…, m, n) of any dtype.
offset: int | Which diagonal: the elements [i, i + offset].
-> Array | (…, k), of the dtype of `x`; on NumPy and CuPy a view of it. Beyond the matrix k is 0.
x_bar = ct on that diagonal, 0 elsewhere
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.linalg.diagonal(x)
Array([1., 4.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.linalg.diagonal(x) ** 2))(x)
Array([[2., 0.],
       [0., 8.]], dtype=float64, device='cpu')

#### linalg.eig
Eigenvalues w and eigenvectors V of general matrices, x V = V diag(w).
x: square
-> EigResult | The named pair ``eigenvalues`` (…, n) and ``eigenvectors`` (…, n, n), in columns of
  norm 1; always complex, in the order of the library.
x_bar = V⁻ᵀ (diag(w_bar) + F ∘ (M − (Vᵀ conj(V)) diag(Re M))) Vᵀ with M = Vᵀ V_bar
. F_ij = 1 / (w_j − w_i), 0 on the diagonal. An eigenvector is defined up to a factor: a function of
  it has a gradient only if it does not depend on that. Where eigenvalues are equal, vectors that
  are used give NaN; a defective x has no derivative.
@ Boeddeker et al., On the computation of complex-valued gradients with application to statistically
  optimum beamforming, 2017.
>>> x = pb.xp.asarray([[2.0, 1.0], [0.0, 1.0]])
>>> pb.xp.linalg.eig(x).eigenvalues
Array([2.+0.j, 1.+0.j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.xp.linalg.eig(x).eigenvectors[0, :]) ** 2))(x)
Array([[-0.5,  0.5],
       [-0.5,  0.5]], dtype=float64, device='cpu')

#### linalg.eigh
Eigenvalues w and eigenvectors V of Hermitian matrices, x = V diag(w) Vᴴ.
x: array | (…, n, n), symmetric, or Hermitian if complex; one triangle is read.
-> EighResult | The named pair ``eigenvalues`` (…, n), real, ascending, and ``eigenvectors`` (…, n,
  n), in columns.
x_bar = conj(V) (diag(w_bar) + F ∘ (M − Mᴴ) / 2) Vᵀ with M = Vᵀ V_bar
. F_ij = 1 / (w_j − w_i), 0 on the diagonal. The gradient is Hermitian, that of the function of a
  Hermitian matrix. A vector is defined up to a sign, or a phase: a function of it has a gradient
  only if it does not depend on that. Where eigenvalues are equal it is NaN if vectors of the pair
  are used, and right if not.
@ Giles.
>>> x = pb.xp.asarray([[2.0, 0.0], [0.0, 3.0]])
>>> pb.xp.linalg.eigh(x).eigenvalues
Array([2., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.linalg.eigh(x).eigenvectors[0, 0] * pb.xp.linalg.eigh(x).eigenvectors[1, 0])(x)
Array([[ 0. , -0.5],
       [-0.5,  0. ]], dtype=float64, device='cpu')

#### linalg.eigvals
The eigenvalues of general matrices.
x: square
-> Array | (…, n), always complex, in the order of the library.
x_bar = V⁻ᵀ diag(ct) Vᵀ with the eigenvectors V
. Equal eigenvalues are no exception, unless x is defective; but there the second derivative is NaN.
@ Boeddeker et al., On the computation of complex-valued gradients with application to statistically
  optimum beamforming, 2017.
>>> x = pb.xp.asarray([[0.0, -1.0], [1.0, 0.0]])
>>> pb.xp.sort(pb.xp.imag(pb.xp.linalg.eigvals(x)))
Array([-1.,  1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.max(pb.xp.imag(pb.xp.linalg.eigvals(x))))(x)
Array([[ 0. , -0.5],
       [ 0.5,  0. ]], dtype=float64, device='cpu')

#### linalg.eigvalsh
The eigenvalues of Hermitian matrices.
x: array | (…, n, n), symmetric, or Hermitian if complex; one triangle is read.
-> Array | (…, n), real, ascending.
x_bar = conj(V) diag(ct) Vᵀ with the eigenvectors V
. It never divides by a difference of eigenvalues: the gradient is right for equal ones too, as that
  of their sum. The second derivative is NaN there: write a symmetric function of them without them,
  `trace` or a `matrix_norm`. The gradient is Hermitian.
@ Giles.
@ Lewis and Sendov, Twice differentiable spectral functions, 2001.
>>> x = pb.xp.asarray([[2.0, 1.0], [1.0, 2.0]])
>>> pb.xp.linalg.eigvalsh(x)
Array([1., 3.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.linalg.eigvalsh(x)[1])(x)
Array([[0.5, 0.5],
       [0.5, 0.5]], dtype=float64, device='cpu')

#### linalg.inv
The inverses of matrices.
x: square
-> same
x_bar = −outᵀ ct outᵀ
. To apply an inverse to a vector, `solve` is faster and more accurate.
! SingularMatrixError: If a matrix is exactly singular; on every backend.
@ Giles.
>>> x = pb.xp.asarray([[2.0, 0.0], [0.0, 4.0]])
>>> pb.xp.linalg.inv(x)
Array([[0.5 , 0.  ],
       [0.  , 0.25]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.linalg.inv(x)))(x)
Array([[-0.25  , -0.125 ],
       [-0.125 , -0.0625]], dtype=float64, device='cpu')

#### linalg.matrix_norm
Norms of matrices.
x: matrices
keepdims: bool | Keep the last two axes, with length 1.
ord: {"fro", "nuc", 1, -1, 2, -2, inf, -inf} | The Frobenius norm; the sum of the singular values;
  the largest (−: smallest) sum of |x| over a column; singular value; sum of |x| over a row.
-> Array | (…), real: float32 of complex64, float64 of complex128.
x_bar = ct · a subgradient: conj(x) / out for "fro", conj(U Vᴴ) for "nuc", conj(u) conj(vᴴ) for ±2
. For ±1 and ±inf it is the sign of the elements of the column, or row, that attains the sum. Equal
  ones share equally. At x = 0 the derivative is 0 for every `ord`; the second derivative of a norm
  does not exist there, and is NaN. "nuc" leaves singular values of 0 out, which gives the
  subgradient of least norm.
@ Watson, Characterization of the subdifferential of some matrix norms, 1992.
>>> x = pb.xp.asarray([[3.0, 0.0], [0.0, 4.0]])
>>> pb.xp.linalg.matrix_norm(x), pb.xp.linalg.matrix_norm(x, ord="nuc")
(Array(5., dtype=float64, device='cpu'), Array(7., dtype=float64, device='cpu'))
>>> pb.grad(pb.xp.linalg.matrix_norm)(x)
Array([[0.6, 0. ],
       [0. , 0.8]], dtype=float64, device='cpu')

#### linalg.matrix_power
Powers of square matrices by a whole number.
x: square
n: int | The exponent; negative powers are those of the inverse.
-> same
x_bar = Σ_{i<n} (xᵀ)ⁱ ct (xᵀ)ⁿ⁻¹⁻ⁱ
. In log n products. For negative n it is the sum for x⁻¹, then the rule of `inv`; for n = 0 it is
  0.
! LinAlgError: If n is negative and a matrix exactly singular.
@ Giles.
>>> x = pb.xp.asarray([[1.0, 1.0], [0.0, 1.0]])
>>> pb.xp.linalg.matrix_power(x, 3)
Array([[1., 3.],
       [0., 1.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.linalg.matrix_power(x, 3)[0, 1])(x)
Array([[3., 3.],
       [1., 3.]], dtype=float64, device='cpu')

#### linalg.matrix_rank
The rank of matrices: the number of singular values above a cut-off.
x: matrices
rtol: float or array, optional | The cut-off, relative to the largest singular value; by default
  max(m, n) times the smallest step of the dtype.
-> Array | (…), integers.
constant
@ standard
>>> pb.xp.linalg.matrix_rank(pb.xp.asarray([[1.0, 1.0], [1.0, 1.0]]))
Array(1, dtype=int64, device='cpu')

#### linalg.outer
The outer product of two vectors, x1[i] · x2[j].
x1: array | A vector (m,).
x2: array | A vector (n,).
-> Array | (m, n), in the dtype that both promote to.
x1_bar = ct x2
x2_bar = x1 ct
. No conjugates. ``pb.xp.outer`` flattens arrays of more axes, as NumPy does.
! ValueError: If one has not one axis.
@ Giles.
>>> x1, x2 = pb.xp.asarray([1.0, 2.0]), pb.xp.asarray([3.0, 4.0])
>>> pb.xp.linalg.outer(x1, x2)
Array([[3., 4.],
       [6., 8.]], dtype=float64, device='cpu')
>>> pb.grad(lambda x1: pb.xp.sum(pb.xp.linalg.outer(x1, x2)))(x1)
Array([7., 7.], dtype=float64, device='cpu')

#### linalg.pinv
The Moore–Penrose pseudo-inverse P of matrices.
x: matrices
rtol: float or array, optional | Singular values below rtol times the largest count as 0; by default
  max(m, n) times the smallest step of the dtype.
-> Array | (…, n, m), in the dtype of `x`.
x_bar = −Pᵀ ct Pᵀ + conj((I − x P) ctᵀ P Pᴴ + Pᴴ P ctᵀ (I − P x))
. It holds for a rank that stays the same. Where a singular value passes the cut-off the function
  jumps, and there is no derivative. Least squares by `pb.linalg.lstsq` needs no pseudo-inverse.
@ Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems
  whose variables separate, 1973.
>>> x = pb.xp.asarray([[1.0], [1.0]])
>>> pb.xp.linalg.pinv(x)
Array([[0.5, 0.5]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.linalg.pinv(x)))(x)
Array([[-0.5],
       [-0.5]], dtype=float64, device='cpu')

#### linalg.qr
The factors of x = Q R: Q with orthonormal columns, R upper triangular.
x: matrices
mode: {"reduced", "complete"} | k = min(m, n) columns of Q, or all m.
-> QRResult | The named pair ``Q`` (…, m, k) and ``R`` (…, k, n); with "complete" (…, m, m) and (…,
  m, n).
x_bar = (Q_bar + conj(Q) N) R⁻ᵀ with M = R_bar Rᵀ − Qᵀ Q_bar
. N is the upper triangle of M, mirrored to a Hermitian matrix with the real part of the diagonal.
  That is for m ≥ n; wide matrices and the complete Q are reduced to it. The first min(m, n) columns
  have to be independent. Columns that complete Q count by the space that they span: only functions
  of that have a derivative.
@ Walter and Lehmann, Algorithmic differentiation of linear algebra functions, 2012.
@ Roberts and Roberts, QR and LQ decomposition matrix backpropagation algorithms for square, wide,
  and deep matrices, 2020.
>>> x = pb.xp.asarray([[3.0, 1.0], [4.0, 2.0]])
>>> Q, R = pb.xp.linalg.qr(x)
>>> pb.xp.abs(R)
Array([[5. , 2.2],
       [0. , 0.4]], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.linalg.qr(x).R[0, 0] ** 2)(x)
Array([[6., 0.],
       [8., 0.]], dtype=float64, device='cpu')

#### linalg.svd
The singular values S and vectors of x = U diag(S) Vᴴ.
x: matrices
full_matrices: bool | Return all m columns of U and n rows of Vᴴ, or the first k = min(m, n).
-> SVDResult | The named triple ``U`` (…, m, m or k), ``S`` (…, k), real, descending, and ``Vh`` (…,
  n or k, n).
x_bar = conj(U) N Yᵀ, and terms outside of the spans, with Y = conj(V)
. N = diag(S_bar) + ½ skew(M − K)_ij / (s_j − s_i) + ½ skew(M + K)_ij / (s_i + s_j), where M = Uᵀ
  U_bar, K = (Yᵀ Y_bar)ᵀ and skew(Z) = Z − Zᴴ. Vectors are defined up to a sign, or a phase: a
  function of them has a gradient only if it does not depend on that. Where singular values are
  equal, or 0, it is NaN if such vectors are used, and right if not. For the values alone,
  `svdvals`.
@ Townsend, Differentiating the singular value decomposition, 2016.
>>> x = pb.xp.asarray([[3.0, 0.0], [0.0, 2.0]])
>>> pb.xp.linalg.svd(x).S
Array([3., 2.], dtype=float64, device='cpu')
>>> def f(x):
...     U, S, Vh = pb.xp.linalg.svd(x)
...     return pb.xp.sum(pb.xp.matmul(U, Vh))
>>> pb.grad(f)(x)
Array([[0., 0.],
       [0., 0.]], dtype=float64, device='cpu')

#### linalg.svdvals
The singular values of matrices.
x: matrices
-> Array | (…, min(m, n)), real, descending.
x_bar = conj(U) diag(ct) conj(Vᴴ)
. It never divides by a difference of singular values: equal ones are no exception, and 0 has the
  subgradient of its direction. The second derivative is NaN at both.
@ Townsend, Differentiating the singular value decomposition, 2016.
>>> x = pb.xp.asarray([[3.0, 0.0], [0.0, 2.0]])
>>> pb.xp.linalg.svdvals(x)
Array([3., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.linalg.svdvals(x)[0])(x)
Array([[1., 0.],
       [0., 0.]], dtype=float64, device='cpu')

#### linalg.trace
The sum of a diagonal of matrices.
x: array | Matrices (…, m, n) of a numeric dtype.
offset: int | Which diagonal: the elements [i, i + offset].
dtype: dtype, optional | The dtype of the result; by default as in `sum`: small integers become
  int64.
-> Array | (…).
x_bar = ct at every element of the diagonal, 0 elsewhere
@ Giles.
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.linalg.trace(x)
Array(5., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.linalg.trace)(x)
Array([[1., 0.],
       [0., 1.]], dtype=float64, device='cpu')

#### linalg.vector_norm
Norms (Σ |x|ᵖ)^(1/p) with p = `ord`, over all axes or some.
x: floating
ord: float | p; inf and −inf are the largest and the smallest |x|, 0 is the number of elements that
  are not 0.
-> Array | Of the shape of `x` without the axes that are reduced; real: float32 of complex64,
  float64 of complex128.
x_bar = ct · (|x| / out)^(p − 1) · conj(x) / |x|
. For p = 2 that is ct · conj(x) / out. At x = 0 the derivative is taken as 0 for every p, where
  ``sqrt(sum(x * x))`` gives NaN; the second derivative does not exist there, and is NaN: write ‖x‖²
  as ``sum(x * x)``. Equal largest elements share equally; p = 0 has the derivative 0.
! ValueError: If p is the name of a matrix norm.
@ Watson, Characterization of the subdifferential of some matrix norms, 1992.
>>> x = pb.xp.asarray([3.0, 4.0])
>>> pb.xp.linalg.vector_norm(x)
Array(5., dtype=float64, device='cpu')
>>> pb.grad(pb.xp.linalg.vector_norm)(x)
Array([0.6, 0.8], dtype=float64, device='cpu')
>>> pb.grad(pb.xp.linalg.vector_norm)(pb.xp.zeros(2))
Array([0., 0.], dtype=float64, device='cpu')
"""
