"""The result of a comparison: the colours of the optimisers, a sentence, and a table."""

from __future__ import annotations

from html import escape

from .methods import CHOICES, Run

# colours that are seen on the picture's blue, most of them of Okabe and Ito
_VERMILION, _BLACK, _BROWN, _PINK = "#d55e00", "#000000", "#7a4b00", "#cc79a7"
_PURPLE, _GREEN, _ORANGE = "#5b2a86", "#009e73", "#e69f00"
COLOURS = {
    "gd": (_VERMILION, "solid"), "gd-halving": (_VERMILION, "dashed"),
    "gd-exact": (_BLACK, "solid"), "gd-backtracking": (_BLACK, "dashed"), "gd-wolfe": (_BROWN, "solid"),
    "cg": (_PINK, "dashed"), "l-bfgs": (_PINK, "solid"), "newton-cg": (_PURPLE, "solid"),
    "momentum": (_GREEN, "solid"), "nesterov": (_GREEN, "dashed"),
    "adagrad": (_BROWN, "dashed"), "rmsprop": (_ORANGE, "dashed"), "adam": (_ORANGE, "solid"),
}  # fmt: skip
"""The colour and the dash of each optimiser, the same whichever others are chosen."""


def sentence_of(runs: list[Run]) -> str:
    """Which optimiser reached the lowest loss, of several the one with the fewest evaluations, and which diverged."""
    if not runs:
        return "Choose an optimiser."
    best = min(runs, key=lambda r: (round(float(r.losses[-1]), 12), r.evaluations))
    lost = [CHOICES[r.name].title for r in runs if r.ending.startswith("diverged")]
    as_low = sum(round(float(r.losses[-1]), 12) == round(float(best.losses[-1]), 12) for r in runs)
    steps = f"{len(best.losses) - 1} step{'s' * (len(best.losses) != 2)}"
    if as_low > 1:
        needed = f"{best.evaluations}, in {steps}"
        text = (
            f"needed the fewest evaluations of the {as_low} that reached the lowest loss: {needed}."
        )
    else:
        text = f"reached the lowest loss, {best.losses[-1]:.3g}, in {steps} and {best.evaluations} evaluations."
    text = f"{CHOICES[best.name].title} {text}"
    lost_words = f" Diverged: {', '.join(lost)}; try a smaller learning rate."
    return text + (lost_words if lost else "")


def table_of(runs: list[Run]) -> str:
    """The runs as a table, from the lowest loss to the highest."""
    rows = []
    for r in sorted(runs, key=lambda r: float(r.losses[-1])):
        colour, dash = COLOURS[r.name]
        rows.append(
            f'<tr><th scope="row" style="text-align:left;font-weight:400;padding-right:6px;white-space:nowrap">'
            f'<span aria-hidden="true" style="display:inline-block;width:20px;margin-right:6px;vertical-align:middle;'
            f'border-top:3px {dash} {colour}"></span>{escape(CHOICES[r.name].title)}</th>'
            f'<td style="text-align:right;padding-left:8px">{len(r.losses) - 1}</td>'
            f'<td style="text-align:right;padding-left:8px">{r.evaluations}</td>'
            f'<td style="text-align:right;padding-left:8px;white-space:nowrap">{r.losses[-1]:.3g}</td>'
            f'<td style="padding-left:8px;white-space:nowrap">{escape(r.ending)}</td></tr>'
        )
    head = "".join(
        f'<th scope="col" style="text-align:{side};padding-left:{0 if name == "optimiser" else 8}px">{name}</th>'
        for name, side in (
            ("optimiser", "left"), ("steps", "right"), ("evals", "right"), ("loss", "right"), ("end", "left"),
        )
    )  # fmt: skip
    return (
        '<table style="border-collapse:collapse;line-height:1.6;font-size:12px">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
