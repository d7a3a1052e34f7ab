"""How smooth, how large, how noisy: the hyperparameters of a Gaussian process by the gradient of its likelihood.

For data y at points x and a covariance K(θ), the negative logarithm of the likelihood is

    L(θ) = ½ yᵀ K⁻¹ y + ½ log det K + ½ n log 2π.

One Cholesky factor of K gives both terms, and serves again on the way back
(Rasmussen and Williams, Gaussian processes for machine learning, 2006, chapter 5).

    python examples/statistics/gaussian_process.py [picture.png]
"""

import sys

import numpy as np
import scipy.optimize

import pullback as pb

xp = pb.xp
TRUTH = {"amplitude": 1.0, "length": 0.9, "noise": 0.15}


def covariance(theta, x1, x2):
    """amplitude² exp(−(x1 − x2)² / 2 length²); θ holds logarithms, which keeps all three positive."""
    amplitude, length, _ = xp.exp(theta)
    return amplitude**2 * xp.exp(-((x1[:, None] - x2[None, :]) ** 2) / (2 * length**2))


def negative_log_likelihood(theta, x, y):
    n = len(x)
    K = covariance(theta, x, x) + xp.exp(2 * theta[2]) * np.eye(n)
    L = xp.linalg.cholesky(K)
    z = pb.linalg.solve_triangular(L, y, lower=True)  # so that yᵀ K⁻¹ y = zᵀ z
    half_log_det = xp.sum(xp.log(xp.linalg.diagonal(L)))
    return (z @ z) / 2 + half_log_det + n / 2 * np.log(2 * np.pi)


def fit(x, y, theta):
    losses = []
    found = scipy.optimize.minimize(
        pb.value_and_grad(lambda theta: negative_log_likelihood(theta, x, y)),
        theta,
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
    )
    return found, losses


def predict(theta, x, y, at):
    """Mean and standard deviation of the curve at new points."""
    K = pb.to_numpy(covariance(theta, x, x)) + np.exp(2 * theta[2]) * np.eye(len(x))
    across = pb.to_numpy(covariance(theta, at, x))
    mean = across @ np.linalg.solve(K, y)
    variance = np.exp(2 * theta[0]) - np.sum(across * np.linalg.solve(K, across.T).T, axis=1)
    return mean, np.sqrt(np.maximum(variance, 0))


def main(picture="gaussian_process.png", n=80):
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 10, n))
    at = np.linspace(-0.5, 10.5, 300)
    truth = np.log(list(TRUTH.values()))
    both = np.concatenate([x, at])
    curve = rng.multivariate_normal(
        np.zeros(len(both)), pb.to_numpy(covariance(truth, both, both)), method="eigh"
    )
    y = curve[:n] + TRUTH["noise"] * rng.standard_normal(n)

    # the likelihood can have two maxima: with a long start, noise may explain what the curve does
    found, losses = fit(x, y, np.log([0.5, 0.5, 0.5]))
    for name, true, value in zip(TRUTH, TRUTH.values(), np.exp(found.x), strict=True):
        print(f"{name:9s}  true {true:.3f}  found {value:.3f}")
    print(f"{found.nfev} values and gradients; −log likelihood {losses[0]:.2f} -> {found.fun:.2f}")
    draw(picture, x, y, at, curve[n:], predict(found.x, x, y, at), losses)
    return found


def draw(picture, x, y, at, truth, prediction, losses):
    from matplotlib.figure import Figure

    mean, deviation = prediction
    figure = Figure(figsize=(10, 4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 1])
    left.fill_between(
        at, mean - 2 * deviation, mean + 2 * deviation, alpha=0.25, label="± 2 deviations"
    )
    left.plot(at, mean, label="fitted mean")
    left.plot(at, truth, "k--", linewidth=0.9, label="truth")
    left.plot(x, y, "k.", markersize=4, label="data")
    left.set(xlabel="x", ylabel="y")
    left.legend(frameon=False)
    right.plot(losses, marker="o", markersize=3)
    right.set(xlabel="step of L-BFGS", ylabel="−log likelihood")
    right.grid(alpha=0.3)
    figure.savefig(picture)


if __name__ == "__main__":
    main(*sys.argv[1:2])
