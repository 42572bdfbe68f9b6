"""Claims about the linear invertible model, and verdicts on them."""

from linflow.claims.cases import case_for, default_cases
from linflow.claims.claim import Case, Claim
from linflow.claims.confidence import ConfidenceSequence
from linflow.claims.ensembles import MLERisk
from linflow.claims.hunt import Hunt, Tightest, hunt
from linflow.claims.loading import claims_from_file, installed_claims
from linflow.claims.outcome import Outcome, Verdict
from linflow.claims.quantities import Draws, ExpectedError, Plain, Quantity
from linflow.claims.run import Report, verify, verify_all
from linflow.claims.statements import catalogue

__all__ = [
    "Case",
    "Claim",
    "ConfidenceSequence",
    "Draws",
    "ExpectedError",
    "Hunt",
    "MLERisk",
    "Outcome",
    "Plain",
    "Quantity",
    "Report",
    "Tightest",
    "Verdict",
    "case_for",
    "catalogue",
    "claims_from_file",
    "default_cases",
    "hunt",
    "installed_claims",
    "verify",
    "verify_all",
]
