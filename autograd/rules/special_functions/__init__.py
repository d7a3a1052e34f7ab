"""Rules of special functions: Bessel functions, integrals, quantiles, polynomials."""
