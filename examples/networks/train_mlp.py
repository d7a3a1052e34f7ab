"""
Training a multilayer perceptron
================================

The training step of the README on handwritten digits, 1797 images of 8 × 8 pixels: loss and gradient by
``pb.value_and_grad``, the update by an optimiser that is two pure functions, ``init`` and ``step``, all of it
recorded once by ``pb.compile`` and replayed from then on. Data go to the device once, and the batches are taken
there, so that the script runs on a CPU and on a GPU unchanged (``PULLBACK_BACKEND=numpy|cupy|auto``).

Left, the losses by epoch, with those of the validation part, by which the best weights are chosen; right, what the
network then takes digits for that it has never seen.
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

# Three parts; what is measured for the scaling is measured on the training part.
digits = pb.train.load_dataset("digits")
parts = pb.train.split(digits, seed=0)
pixels = pb.train.Standardizer.fit(digits.x[parts.train], one_scale=True)
x, y = pb.asarray(pixels.transform(digits.x, "float32")), pb.asarray(digits.y)
train, validation, test = (
    (x[rows], y[rows]) for rows in map(pb.asarray, (parts.train, parts.validation, parts.test))
)

# A model is a tree of arrays.
model = pb.models.MLP([64, 128, 10], activation="relu", seed=0)
opt = pb.optim.AdamW(2e-3, weight_decay=1.0, mask="matrices")
state = opt.init(model)


def loss_of(model, x, y):
    return pb.models.cross_entropy(model(x), y)


@pb.compile
def step(model, state, x, y):
    loss, gradient = pb.value_and_grad(loss_of)(model, x, y)
    model, state = opt.step(model, gradient, state)
    return model, state, loss


# %%
# Batches are shuffled anew for each epoch. The weights of the epoch with the least validation loss are kept.

random = np.random.default_rng(0)
history, best, best_epoch = [], model, 0
for epoch in range(60):
    history.append([float(loss_of(model, *part)) for part in (train, validation)])
    if history[epoch][1] <= history[best_epoch][1]:
        best, best_epoch = model, epoch
    for rows in random.permutation(len(parts.train))[:1056].reshape(-1, 32):
        rows = pb.asarray(rows)
        model, state, loss = step(model, state, train[0][rows], train[1][rows])

predicted = pb.to_numpy(pb.xp.argmax(best(test[0]), axis=1))
true = digits.y[parts.test]
accuracy = np.mean(predicted == true)
print(f"test accuracy {100 * accuracy:.2f} %, weights of epoch {best_epoch}")
assert accuracy > 0.95

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), width_ratios=[1.3, 1])
for values, name, dashes in zip(
    np.transpose(history), ["training", "validation"], "-:", strict=True
):
    left.semilogy(values, dashes, label=name)
left.axvline(best_epoch, color="0.5", linewidth=1, linestyle="--", label="best weights")
left.set(xlabel="epoch", ylabel="cross-entropy", title="Losses")
left.legend()
pb.train.plots.confusion(true, predicted, ax=right)
right.set_title(f"Test part: {100 * accuracy:.1f} % right")

plt.show()
