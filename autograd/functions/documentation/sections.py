"""The texts of all sections, in one list."""

from . import (
    elementwise,
    fft,
    linalg,
    linear_algebra,
    manipulation,
    searching,
    special,
    special_bessel,
    special_integrals,
    statistical,
)

TEXTS = tuple(
    section.TEXT
    for section in (
        elementwise,
        fft,
        linalg,
        linear_algebra,
        manipulation,
        searching,
        special,
        special_bessel,
        special_integrals,
        statistical,
    )
)
