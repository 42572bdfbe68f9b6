"""The rules that make facts of facts: each gives what follows, and refuses what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from flint import arb

from proofs import checks
from proofs.kernel import Gap, Instances, instances, recording, sizes
from proofs.ledger import Entry, Statement
from proofs.matrices import at_most_by_squares, independent, same_means, same_traces, square
from proofs.notation import E, Mean, X, explicit, family, i, l, quantity, tail, written
from proofs.propositions import (
    Fact,
    Proposition,
    argued,
    at_least,
    chain,
    defined,
    definitions,
    discharged,
    extended,
    follows,
    instantiated,
    integrated,
    limit,
    mean,
    more_than,
    reciprocal,
    summed,
    telescoped,
    through,
    under,
)

n, m, k = sp.symbols("n m k", integer=True, positive=True)
rank = sp.Symbol("k", integer=True, nonnegative=True)
p, q, x, y = sp.symbols("p q x y", positive=True)


def test_a_chain_has_the_relation_of_its_ends() -> None:
    equal, at_most, less = checks.same(p + p, 2 * p), checks.at_most(2 * p, 2 * p + 1), checks.less(2 * p + 1, 2 * p + 3)
    assert str(chain(equal, at_most)) == "2 p <= 2 p + 1"
    assert chain(equal, at_most, less).relation == "<"
    assert chain(equal).relation == "="
    assert (chain(at_most, less).left, chain(at_most, less).right) == (2 * p, 2 * p + 3)


@pytest.mark.parametrize("wrong", [(1, 0), (0, 2), (2, 0, 1)])
def test_a_chain_that_does_not_compose_is_a_gap(wrong: tuple[int, ...]) -> None:
    links = [checks.at_most(p, p + 1), checks.at_most(p + 1, p + 2), checks.at_most(p + 3, p + 4)]
    assert chain(links[0], links[1]).right == p + 2
    with pytest.raises(Gap, match="the chain breaks"):
        chain(*(links[number] for number in wrong))


def test_a_domain_belongs_to_a_fact_and_goes_with_it() -> None:
    fact = checks.at_most(2, m - k, when=(at_least(m, k + 2),))
    assert str(fact.at({m: k + 3})) == "2 <= 3 for k >= 1, k + 3 >= k + 2"
    for least, holds in ((k + 2, True), (k + 5, True), (k + 1, False)):
        goal = Proposition(sp.S(2), "<=", m - k, when=(at_least(m, least),))
        if holds:
            follows(fact, goal)
        else:
            with pytest.raises(Gap, match="needs m >= k"):
                follows(fact, goal)
    with pytest.raises(Gap, match="for all values, but needs"):
        follows(fact, Proposition(sp.S(2), "<=", m - k))


@pytest.mark.parametrize("check", [checks.at_most, checks.less, checks.same, checks.same_product])
def test_a_checker_looks_no_further_than_the_domain(check: Callable[..., Any]) -> None:
    with pytest.raises(Gap):
        check(2, m - k, when=(at_least(m, k + 1),))
    with pytest.raises(Gap):
        check(2, m - k)


def test_values_obey_what_their_symbols_do() -> None:
    fact = checks.at_most(1, k)
    with pytest.raises(Gap, match="may not be an integer"):
        fact.at({k: sp.Rational(1, 2)})
    with pytest.raises(Gap, match="needs m - 2 > 0"):
        follows(fact.at({k: m - 2}), Proposition(sp.S.One, "<=", m - 2))
    follows(fact.at({k: m - 2}), Proposition(sp.S.One, "<=", m - 2, when=(at_least(m, 3),)))


def trace_of_square() -> Fact:
    M = sp.MatrixSymbol("M", n, n)
    return same_traces(sp.Trace(M * M.T), square(M))


def mean_of_square() -> Fact:
    M = sp.MatrixSymbol("M", n, n)
    return argued(Mean(square(M)), "=", 5, "a claim")


@pytest.mark.parametrize(
    ("fact", "key", "value"),
    [
        (lambda: checks.at_most(0, E(m)), E(m), sp.Integer(-7)),
        (lambda: checks.at_most(0, E(m)), E(m), tail(m)),
        (lambda: checks.at_most(0, X(m)), X(m), p),
        (lambda: checks.at_most(0, Mean(X(m)) ** 2), Mean(X(m)), p),
        (lambda: checks.at_most(x, x + 1), x + 1, x),
        (lambda: checks.same(2 * sp.Sum(i, (i, 1, n)), sp.Sum(2 * i, (i, 1, n))), sp.Sum(i, (i, 1, n)), n),
        (lambda: checks.at_most(1, 2), sp.Integer(2), sp.Integer(0)),
        (lambda: checks.at_most(1, sp.pi), sp.pi, sp.Integer(0)),
        # Letters that are summed, integrated, or averaged over, and values that would be.
        (lambda: checks.same(2 * sp.Sum(i, (i, 1, n)), sp.Sum(2 * i, (i, 1, n))), i, n),
        (lambda: integrated(checks.at_most(x, x + y), x, 0, 1), x, p),
        (lambda: integrated(checks.at_most(x, x + y), x, 0, 1), y, x),
        (lambda: limit(checks.same(p + p, 2 * p), p), p, q),
        (lambda: checks.same(p * sp.Sum(l(i), (i, 1, n)), sp.Sum(p * l(i), (i, 1, n))), p, 1 / i),
        (mean_of_square, sp.MatrixSymbol("M", n, n), sp.Identity(n)),
        (trace_of_square, sp.MatrixSymbol("M", n, n), sp.Identity(m)),
        (trace_of_square, sp.MatrixSymbol("M", n, n), p),
    ],
)
def test_only_a_free_letter_has_other_values(fact: Callable[[], Fact], key: Any, value: Any) -> None:
    with pytest.raises(Gap, match=r"no free letter|no value for|no matrix"):
        fact().at({key: value})


def test_free_letters_have_other_values() -> None:
    assert str(checks.at_most(x, x + y).at({x: E(m), y: l(m)})) == "E_m <= E_m + l_m"
    assert str(checks.at_most(x, x + y).at({x: y, y: x})) == "y <= x + y"
    assert trace_of_square().at({sp.MatrixSymbol("M", n, n): sp.Identity(n)}).relation == "="


def test_a_fact_about_every_functional_is_about_one_at_a_time() -> None:
    L, other = quantity("L", "L[{}]", every=True), quantity("other", "other[{}]")
    fact = checks.same(x * (L(x) + L(sp.S.One)), x * L(x) + x * L(sp.S.One), when=())
    assert str(instantiated(fact, {L(x): p, L(sp.S.One): 3})) == "x (p + 3) = 3 x + p x"
    narrowed = argued(L(x), "<=", p, "a claim", when=(at_least(p, L(sp.S.One)),))
    for wrong, values in (
        (fact, {L(x): p}),  # the other application is left
        (fact, {L(x): p, L(sp.S.One): 3, L(y): 2}),  # one that does not occur
        (narrowed, {L(x): p}),  # one is left in the conditions
        (fact, {x: p}),
        (checks.at_most(0, other(x)), {other(x): -p}),  # one functional, and not every one
        (checks.at_most(0, E(m)), {E(m): -p}),
    ):
        with pytest.raises(Gap, match=r"does not stand for every|have no value"):
            instantiated(wrong, values)
    with definitions(), pytest.raises(Gap, match="is no one of them"):
        defined(L(x), 3 * x)


def test_the_whole_spectrum_is_not_cut() -> None:
    with pytest.raises(Gap, match="n stays"):
        argued(E(n - 1), "<=", tail(n - 1), "a claim").at({n: m + 1})


@pytest.mark.parametrize(
    ("goal", "holds"),
    [
        (Proposition(p, "<=", p + 1), True),
        (Proposition(p + 1, ">=", p), True),
        (Proposition(p, "<", p + 1), False),
        (Proposition(p, "=", p + 1), False),
        (Proposition(p, "<=", p + 2), False),
        (Proposition(p, ">=", p + 1), False),
    ],
    ids=str,
)
def test_what_is_said_is_what_follows_and_no_more(goal: Proposition, holds: bool) -> None:
    fact = checks.at_most(p, p + 1)
    if holds:
        follows(fact, goal)
    else:
        with pytest.raises(Gap):
            follows(fact, goal)


def test_a_strict_inequality_is_enough_for_a_weak_one_and_for_no_equation() -> None:
    fact = checks.less(p, p + 1)
    follows(fact, Proposition(p, "<=", p + 1))
    follows(checks.same(p + 1, 1 + p), Proposition(p + 1, "<=", 1 + p))
    with pytest.raises(Gap, match="is more than"):
        follows(fact, Proposition(p, "=", p + 1))


def test_relations_on_which_a_fact_rests_are_said() -> None:
    P = sp.MatrixSymbol("P", n, n)
    rule = (P * P, P)
    fact = same_traces(sp.Trace(P * P * P), sp.Trace(P), [rule])
    follows(fact, Proposition(sp.Trace(P * P * P), "=", sp.Trace(P), given=(rule,)))
    follows(fact, Proposition(sp.Trace(P * P * P), "=", sp.Trace(P)), setting=(rule,))
    with pytest.raises(Gap, match="rests on"):
        follows(fact, Proposition(sp.Trace(P * P * P), "=", sp.Trace(P)))


@pytest.mark.parametrize("function", [lambda side: -side, lambda side: 1 / side, lambda side: side * (side - 5)])
def test_a_function_that_may_decrease_turns_no_inequality(function: Callable[[Any], Any]) -> None:
    with pytest.raises(Gap, match="may decrease"):
        through(function, checks.at_most(p, p + 1))
    assert through(function, checks.same(p + p, 2 * p)).relation == "="


def test_a_constant_makes_no_strict_inequality() -> None:
    with pytest.raises(Gap, match="may decrease"):
        through(lambda side: 0 * side, checks.less(p, p + 1))


@pytest.mark.parametrize(
    "rule",
    [
        lambda: limit(checks.at_most(p, p + 1), p),
        lambda: checks.at_most(p, p + 1).turned(),
        lambda: reciprocal(checks.at_most(-p, p), p),
        lambda: reciprocal(checks.at_most(p, p + 1), -p),
        lambda: telescoped(checks.same(p, p), p**2, p, 1, n),
        lambda: discharged(checks.at_most(1, k), checks.less(0, p)),
        lambda: extended(checks.at_most(rank, 2 * rank, when=(at_least(rank, 1),)), rank, 0, checks.at_most(0, 1)),
    ],
)
def test_a_rule_refuses_what_does_not_follow(rule: Callable[[], Fact]) -> None:
    with pytest.raises(Gap):
        rule()


def test_sums_need_every_term() -> None:
    drop = sp.Symbol("d", nonnegative=True)
    ordered = checks.at_most(x, x + drop)
    below = ordered.at({x: l(i), drop: l(m) - l(i)})  # l_i <= l_m
    assert str(summed(below, i, m + 1, n)) == "sum_{i=m + 1..n} l_i <= sum_{i=m + 1..n} l_m"
    with pytest.raises(Gap, match="not known for every i"):
        summed(below, i, 1, n)
    assert summed(checks.less(p, p + 1), i, 1, n).relation == "<="
    assert integrated(checks.at_most(x, x + 1), x, 0, 1).relation == "<="


def test_the_mean_is_linear_and_monotone() -> None:
    with definitions():
        fact = chain(defined(E(m), Mean(X(m))), mean(argued(X(m), "<=", 3 * X(m) + tail(m), "a claim")))
        assert str(fact) == "E_m <= 3 E[X_A] + tail(m)"
        assert Mean(sp.S(2)) == 2
        with pytest.raises(Gap, match="cannot be"):
            defined(E(m), 2 * Mean(X(m)))
    with definitions():
        defined(E(m), 2 * Mean(X(m)))


def test_a_mean_leaves_nothing_random() -> None:
    z, M = sp.MatrixSymbol("z", n, 1), sp.MatrixSymbol("M", n, n)
    same_means(square(M * z), square(M), independent({z: sp.Identity(n)}))
    with pytest.raises(Gap):
        same_means(square(M * z), 2 * square(M), independent({z: sp.Identity(n)}))
    with pytest.raises(Gap, match="still depends"):
        same_means(square(M * z), square(M * z), independent({z: sp.Identity(n)}))


def test_squares_have_to_make_up_the_difference() -> None:
    P, M = sp.MatrixSymbol("P", n, n), sp.MatrixSymbol("M", n, n)
    projector = [(P.T, P), (P * P, P)]
    at_most_by_squares(square(M * P), square(M), [M - M * P], projector)
    with pytest.raises(Gap):
        at_most_by_squares(square(M), square(M * P), [M - M * P], projector)


def test_sizes_and_instances_are_seen() -> None:
    with recording() as record:
        list(sizes((2, 3)))
        family("x", 5)
        explicit("a", 2, 4)
        list(instances((1, 2), "p = {}".format))
    assert record.sizes == {2, 3, 4, 5}
    assert record.instances == ["p = 1", "p = 2"]
    with recording() as record:
        checks.same(sp.eye(3), sp.eye(3))
    assert record.sizes == {3}


def statement(*goals: Proposition, conclusion: Callable[[], Any]) -> Entry:
    found = Statement("S", *goals)

    @found.symbolic
    def first() -> Fact:
        return checks.at_most(p, p + 1)

    @found.symbolic
    def at_sizes() -> None:
        for size in sizes((2, 4)):
            checks.same(size, size)

    found.concludes(conclusion)
    return Entry(found, tuple(found.run()))


def test_a_statement_is_its_conclusion() -> None:
    goal = Proposition(p, "<=", p + 1)
    entry = statement(goal, conclusion=lambda: checks.at_most(p, p + 1))
    assert entry.holds
    assert entry.verdict == "holds (sizes <= 4; the general step by hand)"
    assert entry.statement.says == "p <= p + 1"
    for conclusion in (lambda: checks.at_most(p, p + 2), lambda: (), lambda: checks.same(p, p)):
        wrong = statement(goal, conclusion=conclusion)
        assert not wrong.holds
        assert wrong.verdict == "DOES NOT HOLD"


def test_without_a_conclusion_nothing_is_said() -> None:
    found = Statement("S", Proposition(p, "<=", p + 1))
    found.symbolic(lambda: checks.at_most(p, p + 1))
    assert not Entry(found, tuple(found.run())).holds


def test_what_is_used_is_what_was_used() -> None:
    first, second = Statement("first", Proposition(p, "<=", p + 1)), Statement("second", Proposition(p, "<=", p + 1))
    first.concludes(lambda: checks.at_most(p, p + 1))
    second.concludes(lambda: first.fact())
    assert Entry(second, tuple(second.run())).used == ("first",)
    assert Entry(first, tuple(first.run())).used == ()


def test_arguments_in_words_are_counted() -> None:
    found = Statement("S", Proposition(p, "<=", q))
    found.concludes(lambda: argued(p, "<=", q, "step 1: because"))
    entry = Entry(found, tuple(found.run()))
    assert (entry.holds, entry.argued) == (True, 1)
    with pytest.raises(Gap, match="has a reason"):
        argued(p, "<=", q, "")


def test_instances_are_all_gone_through() -> None:
    both = Instances("two numbers", (1, 2))
    claim = Proposition(x, "<", x + 1, at_instances=both.name)
    for members, holds in ((both, True), ((1,), False)):
        found = Statement("S", claim)

        @found.ball
        def compare(members: Any = members) -> Fact:
            for number in instances(members) if isinstance(members, tuple) else members:
                fact = checks.below_at(claim, {x: number})
            return fact

        found.concludes(compare)
        assert Entry(found, tuple(found.run())).holds is holds
    with pytest.raises(Gap, match="is more than"):
        follows(checks.below_at(claim, {x: 1}), Proposition(x, "<", x + 1))


def test_numbers_come_from_the_expressions() -> None:
    height = quantity("height", "h({})")
    claim = Proposition(sp.Sum(l(i), (i, m + 1, n)), "<", height(m - 1) * sp.sqrt(m) / m)
    values = {m: 2, n: 4, l: lambda number: arb(1) / number, height: lambda number: arb(number)}
    checks.below_at(claim, values)
    with pytest.raises(Gap):
        checks.below_at(claim, {**values, height: lambda number: arb(number) / 2})
    with pytest.raises(Gap, match="no strict inequality"):
        checks.below_at(Proposition(m, "<=", n), values)
    assert checks.enclosed(1 / m, {m: 5}).contains(arb(1) / 5)
    checks.at_most_at(Proposition(m, "<=", n), {m: 2, n: 2})
    with pytest.raises(Gap):
        checks.at_most_at(Proposition(n, "<=", m), {m: 2, n: 3})


def test_domains_are_written_with_their_conditions() -> None:
    said = Proposition(E(m), "<=", (1 + rank / (m - rank - 1)) * tail(rank), when=(at_least(m, rank + 2),))
    assert str(said) == "E_m <= (1 + k/(m - k - 1)) tail(k) for k >= 0, m >= k + 2"
    assert str(Proposition(p, "<", q, when=(more_than(q, p),))) == "p < q for q > p"
    assert str(under(checks.at_most(p, p + 1), (q, p))) == "p <= p + 1 if q = p"
    assert written(-sp.Rational(1, 2) * m + 3) == "3 - m/2"
