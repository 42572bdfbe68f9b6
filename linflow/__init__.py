"""linflow: theory verification and simulation for invertible generative models in inverse problems.

>>> import linflow as lf
>>> spectrum = lf.Spectrum.power_law(n=256, exponent=1.0)
>>> lf.risk.theorem_lower(spectrum, m=64) <= lf.risk.equivalent(spectrum, m=64) <= lf.risk.best_upper(spectrum, m=64)
True
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linflow import bases, claims, data, experiments, learn, measurement, plotting, risk
    from linflow import deep as deep
    from linflow import testing as testing
    from linflow.claims import Case, Claim, Hunt, Verdict, catalogue, verify, verify_all
    from linflow.claims.hunt import hunt
    from linflow.errors import (
        ClaimError,
        DataError,
        InputError,
        LinflowError,
        NotConvergedError,
        OutputError,
        RankError,
        ShapeError,
    )
    from linflow.estimators import (
        Posterior,
        Reconstruction,
        gradient_flow,
        map_estimate,
        mle,
        penalised,
        posterior,
        posterior_std,
        reconstruct,
        truncated_least_squares,
    )
    from linflow.fista import lasso
    from linflow.flow import LinearFlow, TruncatedFlow
    from linflow.learn import LinearFlowEstimator
    from linflow.predict import predict
    from linflow.pursuit import basis_pursuit, recovery
    from linflow.spectrum import Spectrum

try:
    __version__ = version("linflow")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"

#: Where each public name lives. They load at first use, so that ``linflow --help`` need not wait for SciPy.
_HOMES = {
    "Case": "claims",
    "Claim": "claims",
    "ClaimError": "errors",
    "DataError": "errors",
    "Hunt": "claims",
    "InputError": "errors",
    "LinearFlow": "flow",
    "LinearFlowEstimator": "learn",
    "LinflowError": "errors",
    "OutputError": "errors",
    "Posterior": "estimators",
    "NotConvergedError": "errors",
    "RankError": "errors",
    "Reconstruction": "estimators",
    "ShapeError": "errors",
    "Spectrum": "spectrum",
    "TruncatedFlow": "flow",
    "Verdict": "claims",
    "basis_pursuit": "pursuit",
    "catalogue": "claims",
    "gradient_flow": "estimators",
    "hunt": "claims",
    "lasso": "fista",
    "map_estimate": "estimators",
    "mle": "estimators",
    "penalised": "estimators",
    "posterior": "estimators",
    "posterior_std": "estimators",
    "reconstruct": "estimators",
    "recovery": "pursuit",
    "truncated_least_squares": "estimators",
    "verify": "claims",
    "verify_all": "claims",
}
#: `testing` is not in `__all__`: it needs Hypothesis, and ``from linflow import *`` must not.
_MODULES = (
    "bases",
    "claims",
    "data",
    "deep",
    "experiments",
    "learn",
    "measurement",
    "plotting",
    "predict",
    "risk",
    "testing",
)

__all__ = [
    "Case",
    "Claim",
    "ClaimError",
    "DataError",
    "Hunt",
    "InputError",
    "LinearFlow",
    "LinearFlowEstimator",
    "LinflowError",
    "NotConvergedError",
    "OutputError",
    "Posterior",
    "RankError",
    "Reconstruction",
    "ShapeError",
    "Spectrum",
    "TruncatedFlow",
    "Verdict",
    "bases",
    "basis_pursuit",
    "catalogue",
    "claims",
    "data",
    "experiments",
    "gradient_flow",
    "hunt",
    "lasso",
    "learn",
    "map_estimate",
    "measurement",
    "mle",
    "penalised",
    "plotting",
    "posterior",
    "posterior_std",
    "predict",
    "reconstruct",
    "recovery",
    "risk",
    "truncated_least_squares",
    "verify",
    "verify_all",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"linflow.{name}")
    if name in _HOMES:
        value = getattr(import_module(f"linflow.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'linflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
