r"""
A computation graph and its error signals
=========================================

:func:`pullback.draw` runs a function once and draws what was computed from what: inputs are blue and round, results
green. With ``signals=True`` it sweeps back from a 1 at the result,
:math:`\bar v_i = \sum_{j \in \text{children}(i)} \bar v_j \, \partial v_j / \partial v_i`, and draws each term of
each sum as a dashed arrow back.

Here, one unit with weights :math:`w`, an offset :math:`b` and a penalty on one example :math:`(x, y)`:
:math:`F = (\tanh(w \cdot x + b) - y)^2 + \tfrac12 \lVert w \rVert^2`. What arrives at :math:`w` and :math:`b` is the
gradient, and :math:`w` gets it in two shares. Of an array the picture tells the Euclidean norm, with the sign that
all elements share, or ± where they differ.
"""

import shutil

import numpy as np

import pullback as pb

xp = pb.xp
x, y = pb.asarray(np.asarray([1.0, 2.0])), 0.5


def loss(w, b):
    f = xp.tanh(w @ x + b)
    return (f - y) ** 2 + 0.5 * xp.sum(w**2)


w, b = pb.asarray(np.asarray([0.5, -0.3])), pb.asarray(np.asarray(0.2))
# Graphviz's `dot` makes the picture; GitHub and editors make one of the text
picture = "computation_graph.svg" if shutil.which("dot") else None
print(pb.draw(loss, w, b, signals=True, file=picture))

# %%
# The formulas say the same: :math:`\bar f = 2 (f - y)`, :math:`\bar b = \bar f\, (1 - f^2)`, and
# :math:`\bar w = \bar b\, x + w`.

f = np.tanh(float(w @ x) + 0.2)
of_b = 2 * (f - y) * (1 - f**2)
of_w = of_b * pb.to_numpy(x) + pb.to_numpy(w)
gradient = pb.tree.map(pb.to_numpy, pb.grad(loss, argnums=(0, 1))(w, b))
print("gradient:", *gradient)
print("formulas:", of_w, of_b)
assert np.allclose(gradient[0], of_w)
assert np.allclose(gradient[1], of_b)
assert f"signal {of_b:.3g}" in pb.draw(loss, w, b, signals=True)
