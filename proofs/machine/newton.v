(* Newton's inequality for elementary symmetric functions of positive numbers. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic symmetric.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section LogConcave.

Variable R : realFieldType.

Add Field scalars : (scalars_form_a_field R).

(* Of non-negative numbers, and without gaps: the products fall as the two places move apart. *)
Definition log_concave (a : nat -> R) := forall p q, (p <= q)%N -> a p * a q.+2 <= a p.+1 * a q.+1.

(* The coefficients of (1 + x t) A(t), A(t) = sum_k a_k t^k. *)
Definition one_more (x : R) (a : nat -> R) k := a k + x * (if k is p.+1 then a p else 0).

Lemma gap_one_more x a p q : 0 <= x -> (forall k, 0 <= a k) -> log_concave a -> (p <= q)%N ->
  a p.+1 * a q.+1 - a p * a q.+2
  <= one_more x a p.+1 * one_more x a q.+1 - one_more x a p * one_more x a q.+2.
Proof.
move=> x_ge0 a_ge0 a_concave; rewrite -subr_ge0 /one_more; case: p => [_|p].
  have -> : (a 1%N + x * a 0%N) * (a q.+1 + x * a q) - (a 0%N + x * 0) * (a q.+2 + x * a q.+1)
    - (a 1%N * a q.+1 - a 0%N * a q.+2) = x * (a 1%N * a q) + x * (x * (a 0%N * a q)).
    by name_operations R; ring.
  by apply: addr_ge0; rewrite !mulr_ge0.
case: q => // q; rewrite ltnS => pq.
have -> : (a p.+2 + x * a p.+1) * (a q.+2 + x * a q.+1) - (a p.+1 + x * a p) * (a q.+3 + x * a q.+2)
  - (a p.+2 * a q.+2 - a p.+1 * a q.+3)
  = x * (a p.+2 * a q.+1 - a p * a q.+3) + x * (x * (a p.+1 * a q.+1 - a p * a q.+2)).
  by name_operations R; ring.
apply: addr_ge0; last by rewrite !mulr_ge0 // subr_ge0 a_concave.
rewrite mulr_ge0 // subr_ge0.
have outer : a p * a q.+3 <= a p.+1 * a q.+2 by rewrite a_concave // leqW.
apply: (le_trans outer); move: pq; rewrite leq_eqVlt => /orP[/eqP -> | pq]; first by rewrite mulrC.
by case: q pq {outer} => // q pq; exact: a_concave.
Qed.

Lemma log_concave_one_more x a : 0 <= x -> (forall k, 0 <= a k) -> log_concave a ->
  log_concave (one_more x a).
Proof.
move=> x_ge0 a_ge0 a_concave p q pq; rewrite -subr_ge0.
by apply: le_trans (gap_one_more x_ge0 a_ge0 a_concave pq); rewrite subr_ge0 a_concave.
Qed.

End LogConcave.

Section Newton.

Variables (R : realFieldType) (I : finType) (l : I -> R).
Hypothesis l_gt0 : forall i, 0 < l i.
Implicit Types S : {set I}.

Lemma elementary_one_more S i k : i \in S ->
  elementary l S k = one_more (l i) (elementary l (S :\ i)) k.
Proof. exact: elementary_recursion. Qed.

Lemma elementary_log_concave S : log_concave (elementary l S).
Proof.
move: {2}#|S| (leqnn #|S|) => n; elim: n S => [|n IH] S.
  rewrite leqn0 => /eqP S_empty p q _.
  by rewrite [X in _ * X <= _]elementary_beyond ?S_empty // mulr0 mulr_ge0 ?elementary_ge0.
case: (set_0Vmem S) => [-> _ p q _ | [i iS] S_card].
  by rewrite [X in _ * X <= _]elementary_beyond ?cards0 // mulr0 mulr_ge0 ?elementary_ge0.
have concave : log_concave (elementary l (S :\ i)) by apply: IH; move: S_card; rewrite (cardsD1 i) iS.
move=> p q pq; rewrite !(elementary_one_more _ iS).
by apply: log_concave_one_more => //; [exact: ltW | move=> k; exact: elementary_ge0].
Qed.

Theorem newton S k : before l S k * elementary l S k.+1 <= elementary l S k ^+ 2.
Proof.
case: k => [|k] /=; first by rewrite mul0r sqr_ge0.
by rewrite expr2 elementary_log_concave.
Qed.

Theorem newton_strict S k : (k <= #|S|)%N ->
  before l S k * elementary l S k.+1 < elementary l S k ^+ 2.
Proof.
elim: {S}#|S| {-2}S (erefl #|S|) k => [|n IH] S S_card k; rewrite leq_eqVlt => /orP[/eqP k_is | k_lt];
  try by rewrite elementary_beyond ?k_is // mulr0 exprn_gt0 // elementary_gt0 // k_is.
  by rewrite S_card in k_lt.
have /set0Pn[i iS] : S != set0 by rewrite -card_gt0 S_card.
have rest_card : #|S :\ i| = n by move: S_card; rewrite (cardsD1 i) iS => -[].
have : before l (S :\ i) k * elementary l (S :\ i) k.+1 < elementary l (S :\ i) k ^+ 2.
  by apply: IH => //; rewrite rest_card -ltnS -S_card.
case: k k_lt => [|k] k_lt /= strict; first by rewrite mul0r exprn_gt0 // elementary0 ltr01.
rewrite expr2 !(elementary_one_more _ iS) -subr_gt0; move: strict; rewrite expr2 -subr_gt0 => strict.
apply: (lt_le_trans strict); apply: gap_one_more => //; first exact: ltW.
  by move=> p; exact: elementary_ge0.
exact: elementary_log_concave.
Qed.

End Newton.
