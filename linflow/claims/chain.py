r"""The interlacing theorem in the catalogue: every link a claim, the questions that it leaves open, and false twins.

The notation is that of :mod:`linflow.risk.interlacing`: ``A_s`` is the equivalent error for each unmeasured dimension at
order s. Every link is about E_m itself, so it is (n - m) times the one of the theorem. The links about E_m are stated where
E_m is enclosed: draws tell 1 from 1.01 at a great price, and nothing closer. Those with a penalty are decided by draws, at
small sizes, where the fields lie furthest apart.
"""

from __future__ import annotations

from collections.abc import Callable

from linflow.checks import Field
from linflow.claims.claim import Case, Claim, Status
from linflow.claims.open_questions import MisplacedLeverage, OneStep, misplaced
from linflow.claims.penalised import Penalised
from linflow.claims.quantities import EXPECTED_ERROR, ExpectedError, Quantity
from linflow.claims.relation import Kind
from linflow.claims.sides import ComplexErrorSide, InterlacingSide
from linflow.risk.enclosure import COMPLEX_LIMIT, DISTINCT_LIMIT, is_flat
from linflow.risk.equivalent import equivalent, kappa
from linflow.risk.exact import exact, has_exact
from linflow.risk.interlacing import interlacing, per_dimension
from linflow.risk.matched import log_det_range, resolvent_range
from linflow.spectrum import Spectrum

Value = Callable[[Spectrum, int], float]
Domain = Callable[[Spectrum, int], bool]

_R: Field = "real"
_C: Field = "complex"
_COMPLEX = ExpectedError(field=_C)
_SOURCE = "linflow, proofs/"

_PAIR = Spectrum([3.0, 1.0]).named("pair")
_CLIFF = Spectrum.step(3, 1, 1e-3).named("step 1, floor 0.001")
_STEP = Spectrum.step(4, 2, 0.1).named("step 2, floor 0.1")
_EXPONENTIAL = Spectrum.exponential(4, 0.7)
_POWER = Spectrum.power_law(8, 1.0)
_FLAT = Spectrum.flat(4)
_STEEP = Spectrum([1.0, 1e-6]).named("pair 1, 1e-6")
_EQUAL = (Case(Spectrum.flat(8), (1, 4, 7)),)
_SPIKE = Spectrum([1e4, 1.0, 1.0, 1.0]).named("1 spike, n = 4")


def interlacing_theorems() -> list[Claim]:
    """The links of the chain for real and complex A, and their counterparts with a penalty."""
    return [*_links(), *_penalised_links()]


def interlacing_conjectures() -> list[Claim]:
    """What is open."""
    return [
        Claim(
            name="leverages-majorise",
            statement="complex A: sum_{i<=k} E P_ii >= sum_{i<=k} l_i/(l_i + kappa), every k (2 <= m <= n-2)",
            kind="upper",
            value=lambda spectrum, m: misplaced(spectrum, m)[2],
            holds_for=lambda spectrum, m: 2 <= m <= spectrum.n - 2,
            quantity=MisplacedLeverage(),
            source="linflow (open; proved for m = 1 and m = n-1)",
            status="conjecture",
        ),
        Claim(
            name="one-step",
            statement="S_a after one real row a: E (m-1) kappa_{m-1}(S_a) >= m kappa_m",
            kind="lower",
            value=lambda spectrum, m: m * float(kappa(spectrum, m)),
            holds_for=lambda spectrum, m: 2 <= m < spectrum.n,
            quantity=OneStep(),
            source="linflow (open)",
            status="conjecture",
        ),
    ]


def interlacing_controls() -> list[Claim]:
    """A link with its order, its factor or its field changed: each is false, at a case of its own at the latest."""
    complex_, log_det = _COMPLEX, Penalised(functional="log-det", field=_C, level=1.0)

    def control(
        name: str,
        statement: str,
        kind: Kind,
        value: Value,
        case: Case,
        quantity: Quantity = EXPECTED_ERROR,
        holds_for: Domain | None = None,
    ) -> Claim:
        return _claim(
            f"false-{name}",
            statement,
            kind,
            value,
            quantity=quantity,
            holds_for=holds_for,
            status="control",
            source="false on purpose",
            cases=(case,),
        )

    pair, spike, flat = Case(_PAIR, (1,)), Case(_SPIKE, (3,)), Case(_FLAT, (2,))
    steep, cliff = Case(_STEEP, (1,)), Case(_CLIFF, (1,))
    return [
        control("real-below-equivalent", "E_m(real A) <= m kappa, which is true of complex A", "upper", equivalent, cliff),
        control("fields-exchanged", "E_m(real A) <= E_m(complex A)", "upper", _complex_error, pair),
        control("order-real-lower", "E_m(real A) >= (n-m) A_{m-0.1}", "lower", _at_order(-0.1), pair),
        control("order-complex-upper", "E_m(complex A) <= (n-m) A_{m+0.1}", "upper", _at_order(0.1), steep, complex_),
        control("order-complex-lower", "E_m(complex A) >= (n-m) A_m", "lower", _at_order(0.0), pair, complex_),
        control("order-real-upper", "E_m(real A) <= (n-m) A_{m-0.9}", "upper", _at_order(-0.9), spike),
        control(
            "factor-twice",
            "E_m(real A) <= f^2 (m-1) kappa_{m-1}, f = (n-m)/(n-m+1)",
            "upper",
            lambda s, m: (s.n - m) / (s.n - m + 1) * InterlacingSide(1, _R)(s, m),
            flat,
        ),
        control(
            "log-det",
            "complex A: E log det(I + S/gamma) >= its equivalent without the last term, -m (n <= 8)",
            "lower",
            lambda s, m: _penalised_side(log_det, s, m, 0) + m,
            cliff,
            log_det,
            holds_for=lambda s, m: s.n <= 8,
        ),
    ]


def _links() -> list[Claim]:
    real, complex_ = "E_m(real A)", "E_m(complex A)"

    def link(
        name: str,
        statement: str,
        kind: Kind,
        value: Value,
        quantity: ExpectedError = EXPECTED_ERROR,
        equal: Callable[[Spectrum], bool] = is_flat,
        cases: tuple[Case, ...] = (),
    ) -> Claim:
        """A link where it is strict, or (kind "equal") where it is not."""
        return _claim(
            f"interlacing-{name}",
            statement,
            kind,
            value,
            quantity=quantity,
            holds_for=lambda spectrum, m: (
                _inside(spectrum, m) and _enclosed(spectrum, m, quantity) and equal(spectrum) == (kind == "equal")
            ),
            cases=cases,
        )

    def equal_real(spectrum: Spectrum) -> bool:
        return spectrum.n == 2 or is_flat(spectrum)

    return [
        link(
            "complex-lower", f"(n-m)/(n-m-1) (m+1) kappa_{{m+1}} <= {complex_}", "lower", InterlacingSide(0, _C), _COMPLEX
        ),
        link("complex-upper", f"{complex_} <= m kappa_m", "upper", InterlacingSide(1, _C), _COMPLEX),
        link("complex-real", f"{complex_} <= {real}", "lower", ComplexErrorSide(0)),
        link("real-lower", f"m kappa_m <= {real}", "lower", InterlacingSide(0, _R), equal=equal_real),
        link(
            "real-complex",
            f"{real} <= (n-m)/(n-m+1) E_{{m-1}}(complex A)",
            "upper",
            ComplexErrorSide(1),
        ),
        link("real-upper", f"{real} <= (n-m)/(n-m+1) (m-1) kappa_{{m-1}}", "upper", InterlacingSide(1, _R)),
        link("equal-complex", f"all l_i equal: {complex_} = m kappa_m", "equal", equivalent, _COMPLEX, cases=_EQUAL),
        link(
            "equal-real",
            f"all l_i equal, or n = 2: m kappa_m = {real}",
            "equal",
            equivalent,
            equal=equal_real,
            cases=_EQUAL,
        ),
    ]


def _penalised_links() -> list[Claim]:
    def link(name: str, statement: str, quantity: Penalised, side: int, cases: tuple[Case, ...]) -> Claim:
        return _claim(
            f"interlacing-{name}",
            statement,
            "upper" if side else "lower",
            lambda spectrum, m: _penalised_side(quantity, spectrum, m, side),
            quantity=quantity,
            holds_for=lambda spectrum, m: any(spectrum == case.spectrum and m in case.m for case in cases),
            cases=cases,
        )

    error_c, error_r = Penalised(field="complex", level=0.1), Penalised(level=0.1)
    trace_c, trace_r = (Penalised(functional="resolvent", field=field, level=0.1) for field in (_C, _R))
    log_det_c, log_det_r = (Penalised(functional="log-det", field=field, level=1.0) for field in (_C, _R))
    trace, log_det = "E tr (S + gamma)^-1", "E log det(I + S/gamma)"
    return [
        link("penalty-complex-lower", "the equivalent of m+1 <= E X_gamma(complex A)", error_c, 0, _MANY),
        link("penalty-complex-upper", "E X_gamma(complex A) <= the equivalent of m", error_c, 1, _NARROW),
        link("penalty-real-lower", "the equivalent of m <= E X_gamma(real A)", error_r, 0, _MANY),
        link("penalty-real-upper", "E X_gamma(real A) <= the equivalent of m-1", error_r, 1, _MANY),
        link("resolvent-complex", f"{trace} <= its equivalent (complex A)", trace_c, 1, _NARROW),
        link("resolvent-real", f"its equivalent <= {trace} (real A)", trace_r, 0, _MANY),
        link("log-det-complex", f"its equivalent <= {log_det} (complex A)", log_det_c, 0, _NARROWEST),
        link("log-det-real", f"{log_det} <= its equivalent (real A)", log_det_r, 1, _FEW),
    ]


#: Where draws tell the two sides of a link apart within the budget: equivalents lie closest to complex A.
_NARROWEST = (Case(_CLIFF, (1,)),)
_NARROW = (Case(_PAIR, (1,)), Case(_CLIFF, (1,)), Case(_STEP, (2,)))
_FEW = (Case(_PAIR, (1, 2)), Case(_CLIFF, (1, 2)), Case(_STEP, (1, 3)))
_MANY = (
    Case(_PAIR, (2,)),
    Case(_CLIFF, (2,)),
    Case(_STEP, (1, 2, 3, 4)),
    Case(_EXPONENTIAL, (2, 3, 4)),
    Case(_POWER, (4, 8)),
)


def _claim(
    name: str,
    statement: str,
    kind: Kind,
    value: Value,
    *,
    quantity: Quantity,
    holds_for: Domain | None = None,
    status: Status = "theorem",
    source: str = _SOURCE,
    cases: tuple[Case, ...] = (),
) -> Claim:
    return Claim(
        name=name,
        statement=statement,
        kind=kind,
        value=value,
        holds_for=_inside if holds_for is None else holds_for,
        quantity=quantity,
        status=status,
        source=source,
        cases=cases,
    )


def _penalised_side(quantity: Penalised, spectrum: Spectrum, m: int, side: int) -> float:
    gamma = quantity.penalty(spectrum)
    if quantity.functional == "error":
        return float(interlacing(spectrum, m, penalty=gamma, field=quantity.field)[side])
    function = resolvent_range if quantity.functional == "resolvent" else log_det_range
    return float(function(spectrum, m, penalty=gamma, field=quantity.field)[side])


def _at_order(shift: float) -> Value:
    return lambda spectrum, m: (spectrum.n - m) * float(per_dimension(spectrum, m + shift))


def _complex_error(spectrum: Spectrum, m: int) -> float:
    return float(exact(spectrum, m, "complex"))


def _inside(spectrum: Spectrum, m: int) -> bool:
    return 1 <= m < spectrum.n


def _enclosed(spectrum: Spectrum, m: int, quantity: ExpectedError) -> bool:
    """Whether E_m has an enclosure, told without computing it; a link between the fields also needs the complex one."""
    most = min(COMPLEX_LIMIT, DISTINCT_LIMIT)
    return spectrum.n <= most and has_exact(spectrum, m, quantity.field)
