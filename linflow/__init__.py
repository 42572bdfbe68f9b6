"""linflow: theory verification and simulation for invertible generative models in inverse problems.

>>> import linflow as lf
>>> spectrum = lf.Spectrum.power_law(n=256, exponent=1.0)
>>> lf.risk.theorem_lower(spectrum, m=64) <= lf.risk.equivalent(spectrum, m=64) <= lf.risk.best_upper(spectrum, m=64)
True
"""

from importlib.metadata import PackageNotFoundError, version

from linflow import data, measurement, risk
from linflow.claims import Case, Claim, Verdict, catalogue, verify, verify_all
from linflow.errors import (
    ClaimError,
    DataError,
    InputError,
    LinflowError,
    OutputError,
    RankError,
    ShapeError,
)
from linflow.estimators import (
    Posterior,
    gradient_flow,
    map_estimate,
    mle,
    penalised,
    posterior,
    truncated_least_squares,
)
from linflow.flow import LinearFlow, TruncatedFlow
from linflow.spectrum import Spectrum

try:
    __version__ = version("linflow")
except PackageNotFoundError:  # a source tree on the path, not installed
    __version__ = "0+unknown"

__all__ = [
    "Case",
    "Claim",
    "ClaimError",
    "DataError",
    "InputError",
    "LinearFlow",
    "LinflowError",
    "OutputError",
    "Posterior",
    "RankError",
    "ShapeError",
    "Spectrum",
    "TruncatedFlow",
    "Verdict",
    "catalogue",
    "data",
    "gradient_flow",
    "map_estimate",
    "measurement",
    "mle",
    "penalised",
    "posterior",
    "risk",
    "truncated_least_squares",
    "verify",
    "verify_all",
]
