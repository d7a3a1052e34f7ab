"""Discrete Fourier transforms: the extension `fft`.

*Complex.* y = c F P x: P pads with zeros or crops to n, F_jk = e^(−2πi jk/n) is symmetric, and c is 1, 1/√n or 1/n by
`norm`. The sweep's adjoint is the plain transpose, x̄ = c Pᵀ F ȳ: the same transform with the same norm, then cropped
or padded to the length of x. Over several axes the same holds for each.

*Real.* rfft keeps the first m = n//2 + 1 of n outputs, and dL = Re Σ_k ȳ_k Σ_j e^(−2πi jk/n) dx_j makes
x̄_j = Re Σ_{k<m} ȳ_k e^(−2πi jk/n). hfft(a)_j is that sum over all n elements of the Hermitian continuation of a, where
each k but 0 and n/2 appears twice: x̄ = hfft(ȳ/w), with the weights w = 1 at k = 0 and, for even n, at n/2, and 2
elsewhere. The other way round, hfft(a)_j = Re Σ_{k<m} w_k a_k e^(−2πi jk/n) gives ā = w · rfft(ȳ). irfft and ihfft are
the same pair with e^(+2πi jk/n) and 1/n. All four name their scaling by the same `norm`.

For several axes, rfftn is rfft over the last of them and then fft over the others, irfftn the reverse.

Edge cases: odd n; n = 1 and 2, where no frequency is doubled; imaginary parts that irfft and hfft ignore get 0.
"""

from __future__ import annotations

from typing import Any

from ..core.defvjp import library_defvjp as defvjp
from ..core.typing import XP, Cotangent, Value

# ── lengths, axes, weights ────────────────────────────────────────────────────────────────────


def _resize(x: Value, n: int, axis: int, xp: XP) -> Value:
    """`x` cropped, or padded with zeros, to length `n` along an axis: Pᵀ."""
    axis %= x.ndim
    missing = n - x.shape[axis]
    if missing < 0:
        return xp.getitem(x, (*(slice(None),) * axis, slice(0, n), ...))
    if missing > 0:
        shape = (*x.shape[:axis], missing, *x.shape[axis + 1 :])
        return xp.concat([x, xp.zeros_on_device_of(shape, x)], axis=axis)
    return x


def _resize_all(x: Value, shape: tuple[int, ...], axes: tuple[int, ...], xp: XP) -> Value:
    for axis in axes:
        x = _resize(x, shape[axis], axis, xp)
    return x


def _axes(ndim: int, s: Any, axes: Any) -> tuple[int, ...]:
    """The axes that a transform of several runs over: the last len(s), or all, unless they are given."""
    if axes is not None:
        return tuple(axes)
    return tuple(range(0 if s is None else ndim - len(s), ndim))


def _at_ends(x: Value, n: int, axis: int, xp: XP) -> Value:
    """The mask of frequencies 0 and n/2, which have no mirror image, along an axis of `x`."""
    k = xp.arange_like(x.shape[axis], x)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    return xp.reshape((k == 0) | (2 * k == n), tuple(shape))


def _doubled(x: Value, n: int, axis: int, xp: XP) -> Value:
    """w · x."""
    return xp.where(_at_ends(x, n, axis, xp), x, 2 * x)


def _halved(x: Value, n: int, axis: int, xp: XP) -> Value:
    """x / w."""
    return xp.where(_at_ends(x, n, axis, xp), x, 0.5 * x)


# ── complex transforms ────────────────────────────────────────────────────────────────────────


def _one_axis(name: str) -> Any:
    def rule(ct: Cotangent, x_shape: tuple[int, ...], axis: int, norm: str, xp: XP) -> Value:
        """ct transformed likewise, cropped or padded to the length of x."""
        out = getattr(xp.fft, name)(ct, axis=axis, norm=norm)
        return _resize(out, x_shape[axis], axis, xp)

    return rule


def _several_axes(name: str) -> Any:
    def rule(
        ct: Cotangent, x_shape: tuple[int, ...], s: Any, axes: Any, norm: str, xp: XP
    ) -> Value:
        """ct transformed likewise, cropped or padded to the lengths of x."""
        axes = _axes(len(x_shape), s, axes)
        out = getattr(xp.fft, name)(ct, axes=axes, norm=norm)
        return _resize_all(out, x_shape, axes, xp)

    return rule


for _name in ("fft", "ifft"):
    defvjp(f"fft.{_name}", x=_one_axis(_name))
for _name in ("fftn", "ifftn"):
    defvjp(f"fft.{_name}", x=_several_axes(_name))

# ── real transforms ───────────────────────────────────────────────────────────────────────────


def _to_spectrum(name: str) -> Any:
    def rule(
        ct: Cotangent, x_shape: tuple[int, ...], n: Any, axis: int, norm: str, xp: XP
    ) -> Value:
        """hfft(ct/w) for rfft, irfft(ct/w) for ihfft."""
        size = x_shape[axis] if n is None else n
        out = getattr(xp.fft, name)(_halved(ct, size, axis, xp), n=size, axis=axis, norm=norm)
        return _resize(out, x_shape[axis], axis, xp)

    return rule


def _from_spectrum(name: str) -> Any:
    def rule(ct: Cotangent, x_shape: tuple[int, ...], axis: int, norm: str, xp: XP) -> Value:
        """w · ihfft(ct) for irfft, w · rfft(ct) for hfft."""
        out = getattr(xp.fft, name)(ct, axis=axis, norm=norm)
        return _resize(_doubled(out, ct.shape[axis], axis, xp), x_shape[axis], axis, xp)

    return rule


defvjp("fft.rfft", x=_to_spectrum("hfft"))
defvjp("fft.ihfft", x=_to_spectrum("irfft"))
defvjp("fft.irfft", x=_from_spectrum("ihfft"))
defvjp("fft.hfft", x=_from_spectrum("rfft"))


def _rfftn(ct: Cotangent, x_shape: tuple[int, ...], s: Any, axes: Any, norm: str, xp: XP) -> Value:
    """fftn over all axes but the last of `axes`, then hfft(ct/w) over that one."""
    *others, last = _axes(len(x_shape), s, axes)
    if others:
        ct = _resize_all(xp.fft.fftn(ct, axes=tuple(others), norm=norm), x_shape, tuple(others), xp)
    size = x_shape[last] if s is None or s[-1] == -1 else s[-1]
    out = xp.fft.hfft(_halved(ct, size, last, xp), n=size, axis=last, norm=norm)
    return _resize(out, x_shape[last], last, xp)


def _irfftn(ct: Cotangent, x_shape: tuple[int, ...], s: Any, axes: Any, norm: str, xp: XP) -> Value:
    """w · ihfft(ct) over the last of `axes`, then ifftn over the others."""
    *others, last = _axes(len(x_shape), s, axes)
    out = _doubled(xp.fft.ihfft(ct, axis=last, norm=norm), ct.shape[last], last, xp)
    out = _resize(out, x_shape[last], last, xp)
    if not others:
        return out
    return _resize_all(xp.fft.ifftn(out, axes=tuple(others), norm=norm), x_shape, tuple(others), xp)


defvjp("fft.rfftn", x=_rfftn)
defvjp("fft.irfftn", x=_irfftn)

# ── shifts: each is the other's inverse, and a permutation's transpose is its inverse ─────────

defvjp("fft.fftshift", x=lambda ct, axes, xp: xp.fft.ifftshift(ct, axes=axes))
defvjp("fft.ifftshift", x=lambda ct, axes, xp: xp.fft.fftshift(ct, axes=axes))
