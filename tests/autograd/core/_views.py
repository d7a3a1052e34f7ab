"""Programs that write through views, in NumPy: the table of `test_views.py`, and programs made at random."""

from __future__ import annotations

import numpy as np

VECTOR = np.array([1.0, 2.0, 3.0, -1.5])
MATRIX = np.array([[0.5, -1.0, 2.0], [1.5, 3.0, -0.5]])
COMPLEX = np.array([[0.5 - 1.0j, 2.0 + 0.3j], [1.5j, 3.0 - 0.5j], [-1.0 + 1.0j, 0.2 + 0.1j]])
CUBE = np.linspace(0.3, 2.6, 24).reshape(2, 3, 4)

PROGRAMS = {}


def program(*inputs):
    """Put a function into the table, with what it is tried on."""

    def put(f):
        for x in inputs:
            name = f.__name__ if len(inputs) == 1 else f"{f.__name__} {x.shape}"
            PROGRAMS[name] = (f, x)
        return f

    return put


@program(VECTOR)
def a_slice_times_ten(x):
    y = x * 1.0
    v = y[:2]
    v *= 10.0
    return np.sum(y**2)


@program(MATRIX)
def rows_of_an_iteration(x):
    M = x * 1.0
    for row in M:
        row /= np.sum(row**2)
    return np.sum(M**3)


@program(VECTOR, MATRIX, CUBE)
def into_a_reshape(x):
    y = x * 1.0
    flat = np.reshape(y, (-1,))
    flat[1] = flat[0] * flat[2]
    flat[2:] *= flat[1]
    return np.sum(y**2) + np.sum(flat)


@program(VECTOR, MATRIX)
def into_its_own_argument(x):
    x[:1, ...] = 0.0
    x *= 3.0
    x[1:, ...] += x[:1, ...] + 1.0
    return np.sum(x**2)


@program(MATRIX)
def a_base_that_is_written_to(x):
    y = x * 1.0
    v, w = y[0, ...], np.reshape(y, (3, 2))
    y[0, 1] = y[1, 1] ** 2
    y *= 2.0
    return np.sum(v**2) * np.sum(w[1, ...])


@program(VECTOR)
def a_base_out_of_scope(x):
    def parts():
        y = x * 1.0
        return y[:3], y[1:]

    a, b = parts()
    a *= 2.0
    b[0] = a[0] * b[1]
    return np.sum(a**2) + np.sum(b**3)


@program(CUBE)
def views_of_views(x):
    y = x * x
    v = y[:, ::-1, ...][1:, :2, :]
    w = np.reshape(v[0, 0, :], (2, 2)).T
    w[0, ...] = w[1, ...] ** 2
    v[..., 1] += 1.0
    w *= 2.0
    return np.sum(y * x) + np.sum(v**2) + np.sum(w**3)


@program(CUBE)
def keys_of_every_kind(x):
    y = x + 0.0
    for key in (0, -1, (0, 1), (slice(None), 2), (..., 1), (None, 0), (slice(2, 0, -1), ..., slice(None, None, 2)), ...,
                (1, slice(-2, None), None, 3), (slice(5, 9),)):  # fmt: skip
        v = y[key]
        v *= 1.25
        v += 0.5 * np.sum(v)
    return np.sum(y**2) / 100


@program(CUBE)
def transposes(x):
    y = x + 0.0
    a = np.transpose(y, (2, 0, 1))
    a[1, ...] = a[0, ...] * a[2, ...]
    b = np.moveaxis(y, 0, 2)
    b *= 1.5
    c = np.swapaxes(y, 0, 1)
    c[0, 1, ...] = 2.0
    d = y[0, ...].T
    d[2, ...] += d[1, ...]
    e = np.flip(y, axis=1)
    e[:, 0, :] *= 3.0
    f = np.expand_dims(y, 1)
    f[0, 0, 1, ...] = 4.0 * x[1, 0, ...]
    g = np.squeeze(f, 1)
    g[1, ...] *= g[0, ...]
    return (
        np.sum(y**2)
        + np.sum(a * a)
        + np.sum(b)
        + np.sum(c**3)
        + np.sum(d)
        + np.sum(e)
        + np.sum(g**2)
    )


@program(MATRIX)
def through_attributes(x):
    y = x * 1.0
    y.T[0] = x[0, 0] * 7.0
    y.mT[1, 0] *= x[1, 1]
    y[0][1] = y[1][2] ** 2
    return np.sum(y**2 * x)


@program(VECTOR)
def augmented_parts(x):
    y = x * 1.0
    y[:2] += y[2:]
    y[::-1] *= y
    y[0] += y[1]
    y[1:][1:] -= 3.0 * y[0]
    return np.sum(y**2)


@program(VECTOR)
def chosen_elements_are_copies(x):
    y = x * 1.0
    a, b = y[np.array([0, 1])], y[y > 0]
    a *= 10.0
    b += 1.0
    y[np.array([0, 2])] *= 2.0
    y[y > 2.5] += 5.0
    return np.sum(y**2) + np.sum(a) + np.sum(b**2)


@program(MATRIX)
def numbers_are_values(x):
    y = x * 1.0
    a = y[0, 1]
    a *= 10.0
    total = np.sum(y)
    best = total
    best *= total
    best += y[0]
    for row in y:
        for v in row:
            v += 5.0
    return np.sum(y**2) + a * total + np.sum(best)


@program(np.array([[2.0, 3.0], [0.5, 1.5]]))
def fresh_arrays(x):
    y = x * 1.0
    a, b, c = +y, y + 0.0, np.abs(y)
    for fresh in (
        a,
        b,
        c,
        np.roll(y, 1),
        np.tile(y, 2),
        np.concatenate([y, y]),
        np.where(y > 0, y, 0.0),
    ):
        fresh *= 3.0
        fresh[0] = 1.0
    return np.sum(y**2) + np.sum(a)


@program(MATRIX)
def reshape_of_a_transpose_is_a_copy(x):
    y = x * 1.0
    a = np.reshape(y.T, (-1,))
    a *= 100.0
    b = np.reshape(y.T, (3, 2, 1))
    b[0, ...] = 5.0 * b[1, ...]
    c = np.reshape(y[:, 1:], (4,))
    c[0] = 50.0
    d = np.reshape(y[:, ::2], (2, 1, 2))
    d[0, ...] *= 2.0
    return np.sum(y**2) + np.sum(a) + np.sum(b) + np.sum(c) + np.sum(d)


@program(MATRIX)
def reshape_of_elements_in_the_other_order(x):
    y = np.exp(x.T)  # whose elements lie as those of x
    a = np.reshape(y, (-1,))
    a *= 10.0
    y *= np.ones((3, 2))  # which lie in the first order
    y += np.ones((2, 3)).T
    b = np.reshape(y, (-1,))
    b *= 10.0
    c = np.reshape(y.T, (-1,))
    c[0] = 3.0
    return np.sum(y) + np.sum(a) + np.sum(b) + np.sum(c)


@program(MATRIX)
def a_view_keeps_its_strides(x):
    y = x * 1.0
    v = y[:, ::2]
    v *= 2.0
    v[0, ...] = 1.0
    a = np.reshape(v, (-1,))
    a *= 100.0
    b = np.ravel(y[0, ...])
    b *= 3.0
    c = np.ravel(y[:, 0])
    c *= 100.0
    d = np.reshape(y[:, 1], (-1,))
    d *= 5.0
    return np.sum(y**2) + np.sum(a) + np.sum(c)


@program(COMPLEX)
def parts_of_complex_numbers(x):
    z = x * 1.0
    re, im = np.real(z), np.imag(z)
    re *= 2.0
    im[0, ...] = re[1, ...] ** 2
    np.real(z[1:, ...])[0, ...] = 4.0 * im[2, ...]
    z *= 1.5
    return np.sum(np.real(z) ** 2) + np.sum(re * im) + np.sum(np.imag(z) ** 3)


@program(MATRIX)
def the_real_part_of_real_numbers(x):
    y = x * 1.0
    np.real(y)[0, ...] = 3.0 * x[1, ...]
    return np.sum(y**2)


@program(VECTOR)
def overlapping_parts(x):
    y = x * 1.0
    y[1:] = y[:-1]
    y[:-1] += y[1:]
    a, b = y[:3], y[1:]
    a *= b
    b -= a
    return np.sum(y**2) + np.sum(a * b)


@program(VECTOR)
def what_was_computed_before_stays(x):
    y = np.exp(x)
    v = y[1:]
    s = np.sum(v * v)
    v *= 0.5
    t = np.sum(y * y)
    y[...] = 0.0
    return s * t + np.sum(v)


@program(VECTOR)
def split_and_joined(x):
    y = x * 1.0
    a, b = np.split(y, 2)
    a *= b
    c = np.atleast_2d(y)
    c[0, 3] = 7.0 * x[0]
    d = np.atleast_1d(y)
    d *= 2.0
    return np.sum(y**2) + np.sum(c) + np.sum(b)


@program(VECTOR)
def masks_through_views(x):
    y = x * 1.0
    v = y[::-1]
    v[np.array([True, False, True, False])] = x[:2]
    v[np.array([3, 1])] *= 4.0
    return np.sum(y**2 * x)


@program(MATRIX)
def one_array_under_two_names(x):
    y = x * 1.0
    z = y
    z += 1.0
    w = np.asarray(y) if isinstance(y, np.ndarray) else y
    w[0, ...] = 2.0
    return np.sum(y**3)


@program(CUBE)
def a_loop_that_smooths(x):
    u = x[0, 0, :] * 1.0
    left, right = u[:-2], u[2:]
    for _ in range(4):
        u[1:-1] += 0.1 * (left - 2.0 * u[1:-1] + right)
        left *= 1.01
    return np.sum(u**2)


@program(VECTOR)
def empty_parts(x):
    y = x * 1.0
    v = y[4:]
    v *= 3.0
    v[...] = 1.0
    w = np.reshape(y[:0], (0, 3))
    w += 1.0
    return np.sum(y**2) + np.sum(v)


# ── programs made at random ───────────────────────────────────────────────────────────────────


def _views(rng, ndim, shape):
    """One way to make a view of an array of this shape, or what may be one."""
    kinds = ["key", "key", "flip", "expand"]
    kinds += ["transpose", "moveaxis", "swap"] if ndim > 1 else []
    kinds += ["flat", "ravel", "halves"] if ndim else []
    kind = rng.choice(kinds)
    if kind == "key":
        parts = []
        for n in shape:
            which = rng.integers(6)
            if which == 0 and n > 1 and ndim > 1:
                parts.append(int(rng.integers(-n, n)))
            elif which == 1:
                parts.append(slice(None, None, -1))
            elif which == 2 and n > 2:
                parts.append(slice(1, None))
            elif which == 3 and n > 2:
                parts.append(slice(None, None, 2))
            else:
                parts.append(slice(None))
        if all(type(p) is int for p in parts):
            parts.append(...)
        key = tuple(parts)
        return lambda y: y[key]
    axis, other = (int(i) for i in rng.integers(ndim, size=2)) if ndim else (0, 0)
    order = tuple(int(i) for i in rng.permutation(ndim))
    return {
        "flip": lambda y: np.flip(y),
        "expand": lambda y: np.expand_dims(y, axis),
        "transpose": lambda y: np.transpose(y, order),
        "moveaxis": lambda y: np.moveaxis(y, axis, other),
        "swap": lambda y: np.swapaxes(y, axis, other),
        "flat": lambda y: np.reshape(y, (-1,)),
        "ravel": lambda y: np.ravel(y),
        "halves": lambda y: np.reshape(y, (-1, 2) if y.size % 2 == 0 else (1, -1)),
    }[kind]


def at_random(seed):
    """A program: arrays, views of them and of views, writes to any of them, and a sum of all."""
    rng = np.random.default_rng(seed)
    f_of_strides = False
    model = [np.ones((2, 3, 2))]  # what shapes and layouts are, to choose by
    steps = []
    for _ in range(10):
        i = int(rng.integers(len(model)))
        y = model[i]
        if y.ndim > 4:
            continue
        kind = rng.choice(["view", "view", "view", "scale", "add", "set", "fresh"])
        if kind == "view":
            make = _views(rng, y.ndim, y.shape)
            steps.append(("new", i, make))
            model.append(make(y))
        elif kind == "fresh":
            steps.append(("new", i, lambda y: y * 0.75))
            model.append(y * 0.75)
            f_of_strides = f_of_strides or not model[-1].flags.c_contiguous
        else:
            factor = float(rng.uniform(0.5, 1.5))
            j = int(rng.integers(len(model)))
            steps.append((kind, i, (j, factor)))
    weights = rng.uniform(0.5, 1.5, len(model))

    def f(x):
        names = [x * 1.0]
        for what, i, how in steps:
            y = names[i]
            if what == "new":
                names.append(how(y))
            elif what == "scale":
                y *= how[1]
            elif what == "add":
                y += how[1] * np.mean(names[how[0]])
            elif y.ndim:
                y[0, ...] = how[1] * np.max(y[-1, ...]) ** 2
        return sum(w * np.sum(y**2) for w, y in zip(weights, names, strict=True))

    return f, f_of_strides


for _seed in range(40):
    _program, _of_strides = at_random(_seed)
    _name = f"at random {_seed}" + ", by strides" * _of_strides
    PROGRAMS[_name] = (_program, CUBE[:, :, :2].copy())


# ── what is right ─────────────────────────────────────────────────────────────────────────────


def by_differences(f, x):
    """∂f/∂Re x + i ∂f/∂Im x by central differences of NumPy's own run of the program."""
    out = np.zeros(x.shape, x.dtype)
    for place in np.ndindex(x.shape):
        for unit in (1.0, 1.0j) if np.iscomplexobj(x) else (1.0,):
            step = np.zeros(x.shape, x.dtype)
            step[place] = 1e-6 * unit
            out[place] += unit * (f(x + step) - f(x - step)) / 2e-6
    return out
