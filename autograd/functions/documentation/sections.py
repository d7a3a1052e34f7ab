"""The texts of all sections, in one list."""

from . import (
    elementwise,
    fft,
    linalg,
    linear_algebra,
    manipulation,
    rounding,
    searching,
    special,
    special_bessel,
    special_integrals,
    special_polynomials,
    statistical,
    trigonometric,
)

TEXTS = tuple(
    section.TEXT
    for section in (
        elementwise,
        fft,
        linalg,
        linear_algebra,
        manipulation,
        rounding,
        searching,
        special,
        special_bessel,
        special_integrals,
        special_polynomials,
        statistical,
        trigonometric,
    )
)
