"""The extension `fft`; `entries.py` explains the notation."""

TEXT = """
#### fft.fft
The discrete Fourier transform, Σ_j x_j e^(−2πi jk/n), along an axis.
x: complex
axis: int | The axis.
-> Array | Complex, of the shape of `x`, with n along the axis.
x_bar = fft(ct), with the same norm, cropped or padded to the length of x
. The matrix of the transform is symmetric, so it is its own adjoint in the sweep, which carries
  conjugated cotangents. A real `x` gets the real part.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0, 4.0])
>>> pb.xp.fft.fft(x)
Array([10.+0.j, -2.+2.j, -2.+0.j, -2.-2.j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.xp.fft.fft(x)) ** 2))(x)
Array([ 8., 16., 24., 32.], dtype=float64, device='cpu')

#### fft.ifft
The inverse discrete Fourier transform, (1/n) Σ_k x_k e^(2πi jk/n), along an axis.
x: complex
axis: int | The axis.
-> Array | Complex, of the shape of `x`, with n along the axis.
x_bar = ifft(ct), with the same norm, cropped or padded to the length of x
. The matrix of the transform is symmetric, so it is its own adjoint in the sweep. A real `x` gets
  the real part.
@ standard
>>> x = pb.xp.asarray([10.0, -2.0, -2.0, -2.0])
>>> pb.xp.fft.ifft(x)
Array([1.+0.j, 3.+0.j, 3.+0.j, 3.+0.j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.real(pb.xp.fft.ifft(x)[0]))(x)
Array([0.25, 0.25, 0.25, 0.25], dtype=float64, device='cpu')

#### fft.fftn
The discrete Fourier transform over several axes.
x: complex
-> Array | Complex, of the shape of `x`, with `s` along the axes.
x_bar = fftn(ct) over the same axes, with the same norm, cropped or padded to the lengths of x
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.fft.fftn(x)
Array([[10.+0.j, -2.+0.j],
       [-4.+0.j,  0.+0.j]], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.xp.fft.fftn(x)) ** 2))(x)
Array([[ 8., 16.],
       [24., 32.]], dtype=float64, device='cpu')

#### fft.ifftn
The inverse discrete Fourier transform over several axes.
x: complex
-> Array | Complex, of the shape of `x`, with `s` along the axes.
x_bar = ifftn(ct) over the same axes, with the same norm, cropped or padded to the lengths of x
@ standard
>>> x = pb.xp.asarray([[10.0, -2.0], [-4.0, 0.0]])
>>> pb.xp.fft.ifftn(x)
Array([[1.+0.j, 2.+0.j],
       [3.+0.j, 4.+0.j]], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.real(pb.xp.fft.ifftn(x)[0, 0]))(x)
Array([[0.25, 0.25],
       [0.25, 0.25]], dtype=float64, device='cpu')

#### fft.rfft
The discrete Fourier transform of real input: the first n//2 + 1 of n outputs, along an axis.
x: real floating
axis: int | The axis.
-> Array | Complex, of the shape of `x`, with n//2 + 1 along the axis.
x_bar = hfft(ct / w, n), cropped or padded to the length of x
. The weights w are 1 at frequency 0 and, for even n, at n/2, and 2 elsewhere: those frequencies
  stand for their mirror images too. Odd n and n = 1, 2 are right.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0, 3.0, 4.0])
>>> pb.xp.fft.rfft(x)
Array([10.+0.j, -2.+2.j, -2.+0.j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.xp.fft.rfft(x)) ** 2))(x)
Array([12., 20., 20., 28.], dtype=float64, device='cpu')

#### fft.irfft
The inverse of `rfft`: a real result of length n, along an axis.
x: complex
n: int, optional | The length of the result; 2 (m − 1) by default, for m elements of `x` along the
  axis. An odd length has to be said.
axis: int | The axis.
-> Array | Real, of the shape of `x`, with n along the axis.
x_bar = w · ihfft(ct), cropped or padded to the length of x
. The weights w are 1 at frequency 0 and, for even n, at n/2, and 2 elsewhere. The imaginary parts
  there, which the function ignores, get 0.
@ standard
>>> x = pb.xp.asarray([10.0, -2.0 + 2.0j, -2.0])
>>> pb.xp.fft.irfft(x)
Array([1., 2., 3., 4.], dtype=float64, device='cpu')
>>> pb.xp.real(pb.grad(lambda x: pb.xp.fft.irfft(x)[0])(x))
Array([0.25, 0.5 , 0.25], dtype=float64, device='cpu')

#### fft.rfftn
The discrete Fourier transform of real input over several axes.
It is `rfft` over the last of them, then `fftn` over the others.
x: real floating
-> Array | Complex, of the shape of `x`, with `s` along the axes, and s[-1]//2 + 1 along the last of
  them.
x_bar = fftn(ct) over all axes but the last, then hfft(ct / w) over that one
. The weights w are those of `rfft`.
@ standard
>>> x = pb.xp.asarray([[1.0, 2.0], [3.0, 4.0]])
>>> pb.xp.fft.rfftn(x)
Array([[10.+0.j, -2.+0.j],
       [-4.+0.j,  0.+0.j]], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.sum(pb.xp.abs(pb.xp.fft.rfftn(x)) ** 2))(x)
Array([[ 8., 16.],
       [24., 32.]], dtype=float64, device='cpu')

#### fft.irfftn
The inverse of `rfftn`: a real result.
x: complex
s: tuple of int, optional | The lengths of the result; along the last axis 2 (m − 1) by default. An
  odd length there has to be said.
-> Array | Real, of the shape of `x`, with `s` along the axes.
x_bar = w · ihfft(ct) over the last of the axes, then ifftn over the others
. The weights w are those of `irfft`.
@ standard
>>> x = pb.xp.asarray([[10.0 + 0.0j, -2.0], [-4.0, 0.0]])
>>> pb.xp.fft.irfftn(x)
Array([[1., 2.],
       [3., 4.]], dtype=float64, device='cpu')
>>> pb.xp.real(pb.grad(lambda x: pb.xp.fft.irfftn(x)[0, 0])(x))
Array([[0.25, 0.25],
       [0.25, 0.25]], dtype=float64, device='cpu')

#### fft.hfft
The real spectrum of a signal with Hermitian symmetry, of which one half is given.
x: complex
n: int, optional | The length of the result; 2 (m − 1) by default, for m elements of `x` along the
  axis. An odd length has to be said.
axis: int | The axis.
-> Array | Real, of the shape of `x`, with n along the axis.
x_bar = w · rfft(ct), cropped or padded to the length of x
. The weights w are 1 at index 0 and, for even n, at n/2, and 2 elsewhere. The imaginary parts
  there, which the function ignores, get 0.
@ standard
>>> x = pb.xp.asarray([1.0, 2.0 + 1.0j, 3.0])
>>> pb.xp.fft.hfft(x)
Array([ 8.,  0.,  0., -4.], dtype=float64, device='cpu')
>>> pb.xp.real(pb.grad(lambda x: pb.xp.fft.hfft(x)[0])(x))
Array([1., 2., 1.], dtype=float64, device='cpu')

#### fft.ihfft
The inverse of `hfft`: the half of a signal with Hermitian symmetry, from its real spectrum.
x: real floating
axis: int | The axis.
-> Array | Complex, of the shape of `x`, with n//2 + 1 along the axis.
x_bar = irfft(ct / w, n), cropped or padded to the length of x
. The weights w are 1 at index 0 and, for even n, at n/2, and 2 elsewhere.
@ standard
>>> x = pb.xp.asarray([8.0, -2.0, 0.0, -2.0])
>>> pb.xp.fft.ihfft(x)
Array([1.-0.j, 2.-0.j, 3.-0.j], dtype=complex128, device='cpu')
>>> pb.grad(lambda x: pb.xp.real(pb.xp.fft.ihfft(x)[0]))(x)
Array([0.25, 0.25, 0.25, 0.25], dtype=float64, device='cpu')

#### fft.fftshift
The frequency 0 moved to the middle.
x: any
axes: int or tuple of int, optional | The axes that are shifted; all by default.
-> same
x_bar = ifftshift(ct)
. For odd lengths it is not its own inverse.
@ standard
>>> x = pb.xp.asarray([0.0, 1.0, 2.0])
>>> pb.xp.fft.fftshift(x)
Array([2., 0., 1.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.fft.fftshift(x)[0])(x)
Array([0., 0., 1.], dtype=float64, device='cpu')

#### fft.ifftshift
The inverse of `fftshift`.
x: any
axes: int or tuple of int, optional | The axes that are shifted; all by default.
-> same
x_bar = fftshift(ct)
. For odd lengths it is not its own inverse.
@ standard
>>> x = pb.xp.asarray([2.0, 0.0, 1.0])
>>> pb.xp.fft.ifftshift(x)
Array([0., 1., 2.], dtype=float64, device='cpu')
>>> pb.grad(lambda x: pb.xp.fft.ifftshift(x)[0])(x)
Array([0., 1., 0.], dtype=float64, device='cpu')
"""
