"""Maximum likelihood from several starts: the same data gives the same parameters, to the byte."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

DIGITS = 9
"""Significant digits that a parameter keeps: what is stored is what is computed with."""
LIMITS = (-12.0, 12.0)
"""Of each parameter's logarithm. One at a limit says that the data does not tell it."""
NEAR = 1e-3

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Mean negative log-likelihood of the logarithms of the parameters, and its gradient."""


def best(objective: Objective, starts: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The parameters (not their logarithms) that fit best, from the best of all starts (parameters, too)."""
    found = [
        minimize(
            objective,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[LIMITS] * len(start),
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8},
        )
        for start in starts
    ]
    winner = min(found, key=lambda result: float(result.fun))
    return tuple(float(f"{value:.{DIGITS - 1}e}") for value in np.exp(winner.x))


def at_limit(parameters: Sequence[float]) -> bool:
    """Whether the data leaves a parameter open: it lies at the limit of what was tried."""
    logs = np.log(np.asarray(parameters))
    return bool((np.abs(logs) > LIMITS[1] - NEAR).any())
