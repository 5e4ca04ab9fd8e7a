"""95 % confidence intervals of success rates: of one level, and of a mean over levels."""

import numpy as np

Z = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution
RESAMPLES = 2000
SEED = 0  # of resampling: the same rates always have the same interval
TOGETHER = 1 << 22  # numbers drawn at a time


def wilson(successes: np.ndarray, attempts: int) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval (lower, upper), each shaped as `successes`, of a share of `attempts`; sound at 0 and 1 too."""
    share = np.asarray(successes, float) / attempts
    spread = Z * np.sqrt(share * (1 - share) / attempts + Z**2 / (4 * attempts**2))
    middle, scale = share + Z**2 / (2 * attempts), 1 + Z**2 / attempts
    return np.clip((middle - spread) / scale, 0, share), np.clip((middle + spread) / scale, share, 1)


def bootstrap(rates: np.ndarray) -> tuple[float, float]:
    """Percentile bootstrap (lower, upper) of the mean of `rates [L]`: levels are drawn anew, with replacement.

    It holds both chances, which levels there are and how attempts at them went.
    """
    rates, random = np.asarray(rates, float), np.random.default_rng(SEED)
    step = max(1, TOGETHER // len(rates))
    sizes = [min(step, RESAMPLES - first) for first in range(0, RESAMPLES, step)]
    means = np.concatenate([rates[random.integers(len(rates), size=(size, len(rates)))].mean(1) for size in sizes])
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
