"""Rules and the functions that are made of them: `defvjp` and `function_of`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .codegen_forward import make_function, refresh_function
from .registry import Primitive, find, parameter_names


def defvjp(
    name: str,
    *,
    outputs: tuple[str, ...] = (),
    residuals: tuple[str, ...] = (),
    **rules: Callable[..., Any],
) -> None:
    """Give a function its VJP rules: one keyword per differentiable input, named as in its signature.

    Parameters
    ----------
    name : str
        A function of `pb.xp`, dotted for its extensions.
    outputs : tuple of str, optional
        For functions with several outputs, their names; a rule then takes ``<name>_bar``, None where a
        derivative does not use that output.
    residuals : tuple of str, optional
        What the kernel returns after its output, for the rules alone.
    **rules : callable
        ``rule(ct, …) -> cotangent of that input``. Its parameters say what it keeps: ``ct`` is the cotangent of
        the output, ``out`` the output; the inputs' and settings' own names their values; ``x_shape``, ``x_dtype``
        and ``x_ndim`` keep no value; ``x_bar`` is another input's finished cotangent; ``xp`` is the namespace of
        the values. A keyword with a leading underscore is work that several rules share.

    Raises
    ------
    TypeError
        If a rule names something that the function does not have.

    Examples
    --------
    The derivative of the exponential keeps the output alone, that of the product the other factor::

        defvjp("exp", x=lambda ct, out: ct * out)
        defvjp("multiply", x1=lambda ct, x2: ct * x2, x2=lambda ct, x1: ct * x1)
    """
    _define(name, rules, outputs, residuals)


def library_defvjp(
    name: str,
    *,
    outputs: tuple[str, ...] = (),
    residuals: tuple[str, ...] = (),
    batched: bool = True,
    **rules: Callable[..., Any],
) -> None:
    """`defvjp` for the library's own rules, which are trusted to return cotangents that fit.

    Parameters
    ----------
    name, outputs, residuals, **rules
        As for `defvjp`.
    batched : bool
        Whether the rules take a leading axis of many cotangents at once.
    """
    _define(name, rules, outputs, residuals, trusted=True, batched=batched)


def _define(
    name: str,
    rules: dict[str, Callable[..., Any]],
    outputs: tuple[str, ...],
    residuals: tuple[str, ...],
    trusted: bool = False,
    batched: bool = False,
) -> None:
    primitive = find(name)
    if not trusted:
        check_rules(primitive, rules, outputs, residuals)
    primitive.outputs, primitive.residuals = outputs, residuals
    primitive.trusted, primitive.batched = trusted, batched
    primitive.shared = {k: rule for k, rule in rules.items() if k.startswith("_")}
    primitive.rules = {k: rule for k, rule in rules.items() if not k.startswith("_")}
    primitive.entry_builders.clear()
    if primitive.function is not None:
        refresh_function(primitive)


def check_rules(
    primitive: Primitive,
    rules: dict[str, Callable[..., Any]],
    outputs: tuple[str, ...],
    residuals: tuple[str, ...],
) -> None:
    """Refuse rules for what is no array of a primitive, and rules that name what it does not have.

    Those of the library are checked by a test: to check all of them takes a tenth of `import pullback`.

    Raises
    ------
    TypeError
        For such a rule.
    """
    name = primitive.name
    known = primitive.known_names() | {*outputs, *(f"{o}_bar" for o in outputs), *residuals}
    known |= {key for key in rules if key.startswith("_")}
    known -= {"out"} if outputs else set()
    for key, rule in rules.items():
        if not key.startswith("_") and key not in (*primitive.arrays, primitive.variadic):
            raise TypeError(
                f"defvjp({name!r}): {name}{primitive.text} has no array parameter {key!r}"
            )
        unknown = [p for p in parameter_names(rule) if p not in known]
        if unknown:
            raise TypeError(
                f"defvjp({name!r}): the rule for {key!r} asks for {', '.join(unknown)}; it may name "
                f"{', '.join(sorted(known))}"
            )


def function_of(primitive: Primitive) -> Callable[..., Any]:
    """The public function of a primitive, generated when it is first asked for."""
    if primitive.function is None:
        primitive.function = make_function(primitive)
    return primitive.function
