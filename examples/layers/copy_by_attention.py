"""A small transformer learns to copy: it reads letters and a colon, and writes the letters once more.

The model is one of the next letter (`pb.models.TransformerLM`), trained on the second half of such lines alone. What
it writes comes letter by letter from its cache of keys and values, and has to be right for lines it has never seen.
The picture shows how: the query of each letter that is written looks at the place that it is copied from.

    python examples/layers/copy_by_attention.py [picture.png]
"""

import sys

import numpy as np

import pullback as pb

LETTERS = "abcdefghijklmnop"
COLON = len(LETTERS)


def lines(rng, count, n):
    """Token numbers (count, 2 n + 1): n letters, the colon, the same letters."""
    letters = rng.integers(0, len(LETTERS), (count, n))
    return np.concatenate([letters, np.full((count, 1), COLON), letters], axis=1)


def text_of(tokens):
    return "".join((LETTERS + ":")[i] for i in tokens)


def loss_of(model, tokens):
    """The cross-entropy of each letter behind the colon, given all before it."""
    n = tokens.shape[1] // 2
    logits = model(tokens[:, :-1])
    return pb.models.cross_entropy(logits[:, n:], tokens[:, n + 1 :])


def completed(model, prompts, n):
    """The most probable n tokens after each prompt, one at a time, earlier keys and values taken from the cache."""
    logits, cache = model.step(prompts, model.cache(len(prompts)))
    written = [np.argmax(pb.to_numpy(logits[:, -1]), axis=-1)]
    for _ in range(n - 1):
        logits, cache = model.step(written[-1][:, None], cache)
        written.append(np.argmax(pb.to_numpy(logits[:, -1]), axis=-1))
    return np.stack(written, axis=1)


def weights_of(model, tokens):
    """The attention's weights (heads, T, T) of each block, for one line."""
    x = model.positions(model.embedding(tokens))
    found = []
    for block in model.blocks:
        found.append(pb.to_numpy(block.attention.weights(block.norm1(x))))
        x = block(x)
    return found


def main(picture="copy_by_attention.png", steps=200, n=8, batch=64):
    rng = np.random.default_rng(0)
    model = pb.models.TransformerLM.init(
        len(LETTERS) + 1, 32, 2, 2, length=2 * n + 1, hidden=64, seed=0
    )
    opt = pb.optim.Adam(5e-3)
    state = opt.init(model)

    def step(model, state, tokens):
        loss, gradient = pb.value_and_grad(loss_of)(model, tokens)
        return loss, *opt.step(model, gradient, state)

    # without kernels, which would take longer to be made than these steps take
    step = pb.compile(step, fast=False)
    losses = []
    for i in range(1, steps + 1):
        loss, model, state = step(model, state, lines(rng, batch, n))
        losses.append(float(loss))
        if i % 40 == 0:
            print(f"step {i}  loss {losses[-1]:.4f}")

    test = lines(rng, 200, n)
    written = completed(model, test[:, : n + 1], n)
    right = float(np.mean(written == test[:, n + 1 :]))
    for prompt, answer in zip(test[:3, : n + 1], written[:3], strict=True):
        print(f"{text_of(prompt)}{text_of(answer)}")
    print(f"{100 * right:.2f} % of the letters of 200 new lines are right")
    draw(picture, losses, weights_of(model, test[0, :-1]), text_of(test[0, :-1]))
    return losses, right


def draw(picture, losses, weights, text):
    from matplotlib.figure import Figure

    columns = 1 + sum(len(heads) for heads in weights)
    figure = Figure(figsize=(3.4 * columns, 3.6), dpi=110, layout="constrained")
    first, *rest = figure.subplots(1, columns)
    first.semilogy(losses, linewidth=0.8)
    first.set(xlabel="step", ylabel="loss of a batch", title="Learning to copy")
    first.grid(alpha=0.3)
    maps = [(k, i, head) for k, heads in enumerate(weights, 1) for i, head in enumerate(heads, 1)]
    for axes, (k, i, head) in zip(rest, maps, strict=True):
        axes.imshow(head, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(text)), text)
        axes.set_yticks(range(len(text)), text)
        axes.set(title=f"block {k}, head {i}", xlabel="looks at")
    rest[0].set_ylabel("reads")
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
