r"""
Policy gradient: a bandit learned by REINFORCE
==============================================

A bandit has ten arms, and each pays a random reward. A policy :math:`\pi_\theta = \operatorname{softmax}(\theta)`
draws an arm a, and sees the reward r of that arm alone. The gradient of the expected reward needs no derivative of r:

.. math:: \nabla_\theta\, \mathbb{E}\, r = \mathbb{E}\, \bigl[(r - b)\, \nabla_\theta \log \pi_\theta(a)\bigr]

for any baseline b that does not depend on a. A good one, here the running mean of the rewards, makes the noise smaller
and changes nothing on average. The picture shows the policy of one run, the regret (what the best arm would have paid
more; median and quartiles of 100 runs), and what is played in the end (Williams 1992; Sutton and Barto, section 2.8).
"""

import matplotlib.pyplot as plt
import numpy as np

import pullback as pb

xp = pb.xp
means = [3.2, 4.6, 3.9, 5.0, 4.2, 2.8, 4.4, 3.5, 4.8, 4.0]  # nobody tells the policy
pay, best = xp.asarray(means), int(np.argmax(means))
steps, runs, rate = 1000, 100, 0.1


def log_probability(theta, arms):
    """log π(a) of the arm that each run drew."""
    chosen = xp.take_along_axis(xp.log_softmax(theta, axis=1), arms[:, None], axis=1)
    return chosen[:, 0]


def surrogate(theta, arms, advantage):
    """Its gradient is (r − b) ∇ log π(a), of every run in its own row of θ."""
    return xp.sum(advantage * log_probability(theta, arms))


def learned(with_baseline):
    theta, baseline = xp.zeros((runs, len(means))), xp.zeros(runs)
    policies, regret = [], []
    for t in range(steps):
        policy = xp.softmax(theta, axis=1)
        policies.append(pb.to_numpy(policy))
        regret.append(means[best] - pb.to_numpy(policy @ pay))
        for_arm, for_reward = pb.random.split(pb.random.key(t))
        arms = pb.random.categorical(for_arm, theta)
        rewards = xp.take(pay, arms) + pb.random.normal(for_reward, (runs,))
        advantage = rewards - baseline if with_baseline else rewards
        theta = theta + rate * pb.grad(surrogate)(theta, arms, advantage)
        baseline = baseline + 0.05 * (rewards - baseline)
    return np.array(policies), np.cumsum(regret, axis=0)


(policies, with_it), (rough, without) = learned(True), learned(False)
at_random = (means[best] - np.mean(means)) * np.arange(1, steps + 1)
assert np.median(with_it[-1]) < 0.75 * np.median(without[-1])
assert np.median(with_it[-1]) < 0.4 * at_random[-1]

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11.5, 3.9), width_ratios=[1.2, 1.2, 1])
order = np.argsort(means)[::-1]
shades = plt.get_cmap("viridis")(np.linspace(0, 1, len(means)))
left.stackplot(range(steps), policies[:, 0, order].T, colors=shades)
left.text(0.6 * steps, 0.35, f"best arm\n(pays {means[best]})", color="white", ha="center")
left.set(title="The policy of one run", xlabel="step", ylabel="probability", ylim=(0, 1))
for regret, colour, name in ((without, "C1", "no baseline"), (with_it, "C0", "baseline")):
    low, mid, high = np.quantile(regret, [0.25, 0.5, 0.75], axis=1)
    middle.fill_between(range(steps), low, high, color=colour, alpha=0.25)
    middle.plot(mid, colour, label=name)
middle.plot(at_random, "k--", linewidth=1, label="arms at random")
middle.set(title="Regret", xlabel="step", ylabel="sum of what was missed")
middle.legend(fontsize="small")
for shift, policy, colour in ((-0.2, policies, "C0"), (0.2, rough, "C1")):
    right.bar(np.arange(10) + shift, policy[-1].mean(axis=0)[order], 0.4, color=colour)
right.set(title="What is played in the end", xlabel="mean pay of the arm", ylabel="probability")
right.set_xticks(range(10), [means[i] for i in order], fontsize=8)
plt.show()
