r"""
Code written for NumPy, differentiated as it stands
===================================================

``camera`` below is ordinary NumPy: slices that are written in place, ``np.roll``, ``np.pad``, methods of arrays, no
word of pullback. It simulates a photograph: light spreads on the film, corners are dark, the film saturates. Inside a
derivative the same lines run on a traced array, writes into views included, and so the camera can be run
**backwards**: the scene is found that explains the photograph, with the total variation as the prior,

.. math:: \min_x \; \tfrac12 \|\mathrm{camera}(x) - y\|^2 + \lambda \sum \sqrt{|\nabla x|^2 + \varepsilon^2} .

The picture shows the scene, the photograph, what L-BFGS finds, and the gradients of three single pixels of the
photograph: where in the scene their light comes from.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

import pullback as pb

scene = load_sample_image("china.jpg")[:424, :636].mean(axis=2) / 255
scene = scene.reshape(106, 4, 159, 4).mean(axis=(1, 3))
height, width = np.linspace(-1, 1, 106)[:, None], np.linspace(-1, 1, 159)


def camera(scene):
    light = np.pad(scene, 1, mode="edge")
    inner = light[1:-1, 1:-1]
    for _ in range(8):  # light spreads; `inner` is a view, and writes to it reach `light`
        around = light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:]
        inner += 0.2 * (around - 4 * inner)
    inner *= 1 - 0.35 * (height**2 + width**2)  # the lens darkens the corners
    film = inner.clip(0.0, None) * 1.5
    return film / (1.0 + film)


def variation(x):
    down, right = np.roll(x, -1, axis=0)[:-1, :-1] - x[:-1, :-1], np.diff(x, axis=1)[:-1]
    return np.sqrt(down**2 + right**2 + 1e-4).sum()


photograph = camera(scene) + 0.003 * np.random.default_rng(0).standard_normal(scene.shape)


def loss(x):
    return ((camera(x) - photograph) ** 2).sum() / 2 + 2e-5 * variation(x)


found = pb.optim.minimize(loss, photograph, maxiter=150, gtol=1e-6)
sharp = pb.to_numpy(found.x)


def error(x):
    return float(np.sqrt(np.mean((x - scene) ** 2)))


naive = photograph / photograph.mean() * scene.mean()
assert error(sharp) < 0.6 * error(naive)

# %%
# Three rows of the camera's Jacobian: the pullbacks of single pixels.

_, pull = pb.vjp(camera, scene)
pixels = np.zeros(scene.shape)
pixels[[30, 53, 80], [40, 80, 130]] = 1.0
origin = pull(pixels)[0]

figure, axes = plt.subplots(2, 2, figsize=(10, 7))
pictures = {
    "The scene": (scene, "gray"),
    f"Its photograph (error {error(naive):.3f})": (photograph, "gray"),
    f"The scene from the photograph (error {error(sharp):.3f})": (sharp.clip(0, 1), "gray"),
    "Gradients of three pixels: where their light comes from": (origin, "magma"),
}
for ax, (name, (picture, colours)) in zip(axes.flat, pictures.items(), strict=True):
    ax.imshow(picture, cmap=colours)
    ax.set(title=name, xticks=[], yticks=[])
plt.show()
