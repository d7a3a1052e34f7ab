"""Train a network on handwritten digits, on whatever `PULLBACK_BACKEND` names: numpy, cupy or auto.

PULLBACK_BACKEND=cupy python examples/networks/train_mlp.py
"""

import numpy as np

import pullback as pb

EPOCHS, PATIENCE, BATCH = 300, 50, 32

# 1797 images of 8 x 8 pixels in three parts; what is measured, is measured on the training part.
digits = pb.train.load_dataset("digits")
parts = pb.train.split(digits, seed=0)
pixels = pb.train.Standardizer.fit(digits.x[parts.train], one_scale=True)

# All data go to the device once; the batches are taken there.
backend = pb.backend.current()
x = backend.asarray(pixels.transform(digits.x, "float32"))
y = backend.asarray(digits.y)
train, validation, test = (
    (x[rows], y[rows]) for rows in map(backend.asarray, (parts.train, parts.validation, parts.test))
)

# A model is a tree of arrays, and an optimiser is two pure functions, `init` and `step`.
model = pb.models.MLP([64, 128, 10], activation="relu", seed=0)
opt = pb.optim.AdamW(2e-3, weight_decay=1.0, mask="matrices")
state = opt.init(model)


def loss_of(model, x, y):
    return pb.models.cross_entropy(model(x), y)


loss_and_gradient = pb.value_and_grad(loss_of)
random = np.random.default_rng(0)
best, best_loss, best_epoch = model, np.inf, 0

for epoch in range(1, EPOCHS + 1):
    order = backend.asarray(random.permutation(len(train[0])))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        loss, gradient = loss_and_gradient(model, train[0][rows], train[1][rows])
        model, state = opt.step(model, gradient, state)
    validation_loss = float(loss_of(model, *validation))
    if validation_loss < best_loss:
        best, best_loss, best_epoch = model, validation_loss, epoch
        print(f"epoch {epoch}, validation loss {best_loss:.4f}")
    if epoch - best_epoch >= PATIENCE:
        break

right = pb.xp.argmax(best(test[0]), axis=1) == test[1]
accuracy = 100 * np.mean(pb.to_numpy(right))
print(f"test accuracy {accuracy:.2f} %, test loss {float(loss_of(best, *test)):.4f}")
print(f"weights of epoch {best_epoch}, on {backend.name}")
