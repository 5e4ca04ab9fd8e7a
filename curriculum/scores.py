"""How much there is to learn from a level, judged by what playing it gave.

**Estimator.** Of a level that was solved `s` times in `n` episodes, with a prior Beta(a, a) on its success rate p, the
posterior is Beta(s + a, n - s + a). Its mean is `success_rate`, and its mean of p (1 - p) is `learnability`:

    E[p (1 - p)] = (s + a)(n - s + a) / ((n + 2a)(n + 2a + 1))

With a = 0 this is p (1 - p) n / (n + 1) with p = s / n: few episodes count for less, and what was always or never solved
scores nothing. A positive `a` is curious: it scores what was seldom played as if it were half solved.
"""

import jax.numpy as jnp

from curriculum.base import Array

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


def ranked(score: Array) -> Array:
    """The score with minus infinity where it is not a number, so that what went wrong is never ranked first."""
    return jnp.where(jnp.isnan(score), -jnp.inf, score)
