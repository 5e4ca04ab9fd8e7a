"""How much there is to learn from a level, judged by what playing it gave.

**Estimator.** Of a level that was solved `s` times in `n` episodes, with a prior Beta(a, a) on its success rate p, the
posterior is Beta(s + a, n - s + a). Its mean is `success_rate`, and its mean of p (1 - p) is `learnability`:

    E[p (1 - p)] = (s + a)(n - s + a) / ((n + 2a)(n + 2a + 1))

With a = 0 this is p (1 - p) n / (n + 1) with p = s / n: few episodes count for less, and what was always or never solved
scores nothing. A positive `a` is curious: it scores what was seldom played as if it were half solved.

**Regret**, how far the policy is from the best that is possible, has two estimates that need a critic V:

    MaxMC = R - mean of V(s_t)         R is the best return that a finished episode ever had, at least 0
    PVL   = mean of max(A_t, 0)        A_t is the advantage of the action taken

The means are over all steps that were played. Jiang et al., "Replay-guided adversarial environment design" (2021).
"""

import jax.numpy as jnp

from curriculum.base import Array
from envs.outcome import Outcome

TIE_BREAK = 1e-3  # between equally learnable levels the easier one is the safer choice
NEVER_FINISHED = -1.0  # ranks below everything that was finished


def success_rate(successes: Array, episodes: Array, prior: float = 0.0) -> Array:
    """Posterior mean of the success rate; 0 where nothing is known and there is no prior."""
    known = episodes + 2 * prior
    return jnp.where(known > 0, (successes + prior) / jnp.where(known > 0, known, 1.0), 0.0)


def learnability(successes: Array, episodes: Array, prior: float = 0.0) -> Array:
    """Posterior mean of p (1 - p), of equal ones the easier ahead; a level that was never finished scores below all others."""
    solved, known = successes + prior, episodes + 2 * prior
    score = solved * (known - solved) / jnp.maximum(known * (known + 1), 1e-9)
    score = score + TIE_BREAK * success_rate(successes, episodes, prior)
    return jnp.where(episodes > 0, score, NEVER_FINISHED)


def max_monte_carlo(best_return: Array, outcome: Outcome) -> Array:
    """MaxMC with the best return ever seen, this outcome's included; minus infinity where no episode was finished."""
    return _finished(jnp.maximum(best_return, outcome.best_return) - _per_step(outcome.value_sum, outcome), outcome)


def positive_value_loss(outcome: Outcome) -> Array:
    """PVL; minus infinity where no episode was finished."""
    return _finished(_per_step(outcome.positive_advantage, outcome), outcome)


def _per_step(total: Array, outcome: Outcome) -> Array:
    return total / jnp.maximum(outcome.steps, 1)


def _finished(score: Array, outcome: Outcome) -> Array:
    """Minus infinity where nothing was finished or a number broke, which must never be ranked first."""
    return jnp.where((outcome.episodes > 0) & jnp.isfinite(score), score, -jnp.inf)


def ranked(score: Array) -> Array:
    """The score with minus infinity where it is not a number, so that what went wrong is never ranked first."""
    return jnp.where(jnp.isnan(score), -jnp.inf, score)
