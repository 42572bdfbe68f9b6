(* The differences q_i - q_j of the swap lemma: one row of measurements at a time, real against complex. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic symmetric.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Swap.

Variables (R : realFieldType) (I : finType) (mu : I -> R) (t : R) (S : {set I}) (i j : I).
Hypotheses (i_in_S : i \in S) (j_in_S : j \in S) (i_not_j : i != j).
Implicit Types (T : {set I}) (r q N : nat) (k : I).

Add Field scalars : (scalars_form_a_field R).

Notation e := (elementary mu).
Notation rest := (S :\ i :\ j).

(* The terms of prod_(k in T) (1 + t mu_k) of degree below r; those of degree above q (N at least #|T|). *)
Definition lower_terms r T := \sum_(0 <= d < r) t ^+ d * e T d.
Definition upper_terms N q T := \sum_(q.+1 <= d < N.+1) t ^+ d * e T d.

Definition q_inverse r k := (1 + t * mu k) * lower_terms r (S :\ k).
Definition q_error N q k := (1 + t * mu k) * upper_terms N q (S :\ k).

Lemma lower_terms_recursion r T T' x : (forall d, e T d = e T' d + x * before mu T' d) ->
  lower_terms r.+1 T = lower_terms r.+1 T' + t * x * lower_terms r T'.
Proof.
move=> T_is; rewrite /lower_terms; under eq_bigr => d _ do rewrite T_is mulrDr.
rewrite big_split /=; congr (_ + _); rewrite big_nat_recl // mulr0 mulr0 add0r mulr_sumr.
by apply: eq_bigr => d _ /=; rewrite exprS; name_operations R; ring.
Qed.

Theorem swap_inverse r :
  q_inverse r.+1 i - q_inverse r.+1 j = t ^+ r.+1 * (mu i - mu j) * e rest r.
Proof.
rewrite /q_inverse.
rewrite (lower_terms_recursion _ (without_i mu j_in_S i_not_j)).
rewrite (lower_terms_recursion _ (without_j mu i_in_S i_not_j)).
rewrite {1 3}/lower_terms !big_nat_recr //= -/(lower_terms _ _).
by rewrite exprS; move: (t ^+ r) => tr; name_operations R; ring.
Qed.

Lemma upper_from_lower N q T : (q <= N)%N ->
  upper_terms N q T = lower_terms N.+1 T - lower_terms q.+1 T.
Proof. by move=> qN; rewrite /lower_terms (big_cat_nat _ _ _ (leq0n q.+1)) //= addrC addKr. Qed.

Theorem swap_error N q : (q <= N)%N -> (#|S| <= N)%N ->
  q_error N q i - q_error N q j = - (t ^+ q.+1 * (mu i - mu j) * e rest q).
Proof.
move=> qN SN; have := swap_inverse N; have := swap_inverse q.
rewrite [e rest N]elementary_beyond; last first.
  apply: leq_trans SN; rewrite (cardsD1 i S) i_in_S add1n ltnS.
  exact: subset_leq_card (subsetDl _ _).
rewrite mulr0 /q_error /q_inverse !upper_from_lower // => <- /eqP; rewrite subr_eq0 => /eqP N_same.
by rewrite !mulrBr N_same; name_operations R; ring.
Qed.

End Swap.

Section SwapSigns.

Variables (R : realFieldType) (I : finType) (mu : I -> R) (t : R) (S : {set I}).
Hypotheses (mu_gt0 : forall i, 0 < mu i) (t_ge0 : 0 <= t).

Theorem q_inverse_follows i j r : i \in S -> j \in S -> mu j <= mu i ->
  q_inverse mu t S r.+1 j <= q_inverse mu t S r.+1 i.
Proof.
move=> iS jS ij; have [-> // | i_not_j] := eqVneq i j.
rewrite -subr_ge0 swap_inverse // mulr_ge0 ?elementary_ge0 //.
by rewrite mulr_ge0 ?exprn_ge0 // subr_ge0.
Qed.

Theorem q_error_opposes N i j q : (q <= N)%N -> (#|S| <= N)%N -> i \in S -> j \in S -> mu j <= mu i ->
  q_error mu t S N q i <= q_error mu t S N q j.
Proof.
move=> qN SN iS jS ij; have [-> // | i_not_j] := eqVneq i j.
rewrite -subr_le0 swap_error // oppr_le0 mulr_ge0 ?elementary_ge0 //.
by rewrite mulr_ge0 ?exprn_ge0 // subr_ge0.
Qed.

End SwapSigns.
