r"""Property-based tests for your own estimators and bounds: Hypothesis draws the problems, linflow decides.

Needs Hypothesis (``pip install 'linflow[testing]'``). Strategies draw what to test on: `spectra` (spread, clustered,
repeated, step, exponential, power-law, and on request extreme), `cases` (a spectrum and an m), `flows`, `measurements`,
`noise_levels`, and whole `problems`. Assertions decide: `assert_bound` and `assert_every_draw` about bounds,
`assert_consistent`, `assert_optimal` and `assert_equivariant` about estimators, `assert_quantity` about new quantities,
`assert_flow` about invertible networks, `assert_method` about what is compared in an experiment.
What fails is shrunk to few dimensions and round numbers, and reported with the call that makes it again.

A worked example
----------------
You wrote your own most likely reconstruction through the normal equations. It has a bug. By hand you tried a centred model
and a square A, and both came out right::

>>> import numpy as np
>>> import linflow as lf
>>> def my_mle(flow, A, y):
...     AG = A @ flow.matrix
...     z = np.linalg.solve(AG @ AG.T, y[..., None])[..., 0] @ AG
...     return z @ flow.matrix.T
>>> centred = lf.LinearFlow.from_matrix([[2.0, 1.0], [0.0, 1.0]])
>>> my_mle(centred, np.array([[1.0, 0.0]]), np.array([5.0]))
array([5., 1.])
>>> moved = lf.LinearFlow.from_matrix([[2.0, 1.0], [0.0, 1.0]], mean=[7.0, -3.0])
>>> np.round(my_mle(moved, np.eye(2), np.array([5.0, 1.0])), 12)
array([5., 1.])

You also believe that m measurements lose at most m times what the best m directions leave. Two properties test both:

>>> from hypothesis import given, settings
>>> from linflow.testing import assert_bound, assert_optimal, cases, problems
>>> repeatable = settings(max_examples=50, derandomize=True, database=None, deadline=None)
>>> @repeatable
... @given(problems())
... def test_my_mle(problem):
...     assert_optimal(my_mle, problem)
>>> @repeatable
... @given(cases())
... def test_my_bound(case):
...     assert_bound(lambda spectrum, m: m * spectrum.tail(m), *case)

Run by pytest both fail, each with its smallest counterexample:

>>> def run(test):
...     try:
...         test()
...     except AssertionError as failure:
...         print(failure)
>>> run(test_my_mle)
my_mle is not optimal: it does not return the mean for the mean's own measurements
  expected squared error:  ...
  least possible:          1.0
  problem: Problem.random(Spectrum([1.0, 1.0]), m=1, ..., mean=True, ...)
>>> run(test_my_bound)
bound refuted (exact) at n = 2, m = 1
  claimed:  E_m <= ...
  proved:   ... <= E_m <= ... (exact)
  again:    assert_bound(..., Spectrum([1.0, ...]), 1, kind='upper', seed=0)

The offset is what matters in the first (``mean=True``), and it takes a direction that A does not see (m = 1 of n = 2): y
has to be ``y - A @ flow.mean``, and the mean comes back at the end. In the second, m - 2 in the place of m makes the bound
a theorem, T1. Both then pass:

>>> def my_mle(flow, A, y):
...     AG = A @ flow.matrix
...     z = np.linalg.solve(AG @ AG.T, (y - A @ flow.mean)[..., None])[..., 0] @ AG
...     return flow.mean + z @ flow.matrix.T
>>> @repeatable
... @given(cases())
... def test_my_bound(case):
...     assert_bound(lambda spectrum, m: m * spectrum.tail(max(m - 2, 0)), *case)
>>> run(test_my_mle)
>>> run(test_my_bound)

What a pass means
-----------------
Only a proof fails a test of a bound: ball arithmetic, or a confidence sequence that errs with probability alpha, 1e-9 a
call unless told otherwise. With 100 examples a true bound fails its test by chance at most once in 10 million tests, and
the draws follow from the seed, so a test that passes once passes again. What could not be decided passes, and is counted:
``pytest --hypothesis-show-statistics`` prints how many examples were undecided, outside a claim's domain, or too badly
conditioned. A bound decided by draws may take longer than Hypothesis' deadline of 0.2 s an example: the setting
``deadline=None`` switches that off.
"""

from linflow.errors import LinflowError

try:
    import hypothesis as _hypothesis  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "hypothesis":  # Hypothesis is there and lacks something itself: that has to be seen
        raise

    class MissingHypothesisError(LinflowError, ImportError):
        """Hypothesis is not installed."""

    raise MissingHypothesisError("linflow.testing needs Hypothesis: pip install 'linflow[testing]'") from None

from linflow.testing.bounds import Bound, assert_bound, assert_every_draw
from linflow.testing.estimators import LAWS, Estimator, assert_consistent, assert_equivariant, assert_optimal
from linflow.testing.flows import assert_flow
from linflow.testing.methods import assert_method
from linflow.testing.problem import ENSEMBLES, Problem
from linflow.testing.quantities import assert_quantity
from linflow.testing.strategies import KINDS, cases, flows, measurements, noise_levels, problems, seeds, spectra

__all__ = [
    "ENSEMBLES",
    "KINDS",
    "LAWS",
    "Bound",
    "Estimator",
    "Problem",
    "assert_bound",
    "assert_consistent",
    "assert_equivariant",
    "assert_every_draw",
    "assert_flow",
    "assert_method",
    "assert_optimal",
    "assert_quantity",
    "cases",
    "flows",
    "measurements",
    "noise_levels",
    "problems",
    "seeds",
    "spectra",
]
