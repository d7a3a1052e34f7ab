r"""
Is a probability to be believed? ROC and calibration
====================================================

The **ROC curve** draws the share of true alarms against that of false ones over all thresholds, and so knows only how a
classifier orders samples. **Calibration** compares what was said with what happened: of all days with "70 % rain", it
should rain on 70 %.

A perceptron that is trained for long on few noisy labels orders well and is too sure of itself. One number mends that:
its logits z are divided by a temperature, which minimises the log loss of validation data, :math:`\min_T \frac1n \sum_i
\log(1 + e^{-y_i z_i / T})`. It changes no order, so the ROC curve stays as it is (Guo et al., *On Calibration of Modern
Neural Networks*, 2017).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score

import pullback as pb

xp, plots = pb.xp, pb.train.plots
loss = pb.models.binary_cross_entropy
X, y = make_classification(6000, 20, n_informative=8, class_sep=0.8, flip_y=0.1, random_state=0)
X, rows = X.astype("float32"), np.split(np.arange(6000), [400, 1400])
train, validation, test = ((pb.asarray(X[part]), pb.asarray(y[part])) for part in rows)

# %%
# A hundred and twenty steps on 400 samples: far too many.

model, opt = pb.models.MLP([20, 32, 1], activation="relu", seed=0), pb.optim.Adam(0.01)
state = opt.init(model)


@pb.compile(donate_argnums=(0, 1), fast=False)
def step(model, state, x, labels):
    gradient = pb.grad(lambda m: loss(m(x)[:, 0], labels))(model)
    return opt.step(model, gradient, state)


for _ in range(120):
    model, state = step(model, state, *train)

# %%
# The temperature, by the gradient of the validation loss in its logarithm.

z, labels = model(validation[0])[:, 0], validation[1]
found = pb.optim.minimize(lambda log_T: loss(z / xp.exp(log_T), labels), xp.asarray(0.0))
T = float(xp.exp(found.x))

z, labels = model(test[0])[:, 0], test[1]
truth, logistic = pb.to_numpy(labels), pb.train.LogisticRegression().fit(X[:400], y[:400])
before, after = float(loss(z, labels)), float(loss(z / T, labels))
p, mended = pb.to_numpy(xp.sigmoid(z)), pb.to_numpy(xp.sigmoid(z / T))
straight = logistic.predict_proba(X[1400:])[:, 1]
assert T > 1.5  # it was too sure
assert after < 0.9 * before
assert abs(roc_auc_score(truth, p) - roc_auc_score(truth, mended)) < 1e-3

# %%
figure, axes = plt.subplots(1, 3, figsize=(11.5, 4.2))
plots.roc(truth, p, ax=axes[0])
plots.roc(truth, straight, ax=axes[0])
curve, _, line, _ = axes[0].lines
line.set(color="C1")
areas = [f"area {roc_auc_score(truth, of):.3f}" for of in (p, straight)]
names = [f"perceptron, {areas[0]}", f"logistic regression, {areas[1]}"]
axes[0].legend([curve, line], names, loc="lower right", fontsize=8)
plots.calibration(truth, p, ax=axes[1])
plots.calibration(truth, mended, ax=axes[2])
axes[0].set_title("The order: ROC")
axes[1].set_title(f"The certainty: log loss {before:.2f}")
axes[2].set_title(f"Logits divided by T = {T:.1f}: log loss {after:.2f}")
plt.show()
