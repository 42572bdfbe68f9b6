(* The chain A_(m+1) <= complex_m <= A_m <= real_m <= complex_(m-1) <= A_(m-1), and what follows from it. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Equivalents.

Variables (R : realFieldType) (I : finType) (l : I -> R).
Hypothesis l_gt0 : forall i, 0 < l i.
Implicit Types (kappa : R) (head : {set I}).

Add Field scalars : (scalars_form_a_field R).

Notation n := (#|I|%:R : R).

Definition degrees_of_freedom kappa := \sum_i l i / (l i + kappa).

(* The equivalent per unmeasured dimension, for s degrees of freedom. *)
Definition per_dimension s kappa := s * kappa / (n - s).

Let sum_gt0 kappa i : 0 < kappa -> 0 < l i + kappa.
Proof. exact: addr_gt0. Qed.

Theorem degrees_of_freedom_fall kappa kappa' : (0 < #|I|)%N -> 0 < kappa -> kappa < kappa' ->
  degrees_of_freedom kappa' < degrees_of_freedom kappa.
Proof.
move=> some kappa_gt0 lower; have kappa'_gt0 := lt_trans kappa_gt0 lower.
rewrite -subr_gt0 /degrees_of_freedom -sumrB sumr_gt0 // => i; rewrite subr_gt0.
by rewrite ltr_pmul2l // ltf_pinv ?posrE ?sum_gt0 // ltr_add2l.
Qed.

Theorem root_is_unique kappa kappa' : (0 < #|I|)%N -> 0 < kappa -> 0 < kappa' ->
  degrees_of_freedom kappa = degrees_of_freedom kappa' -> kappa = kappa'.
Proof.
move=> some kappa_gt0 kappa'_gt0 same; case: (ltgtP kappa kappa') => // lower.
  by have := degrees_of_freedom_fall some kappa_gt0 lower; rewrite same ltxx.
by have := degrees_of_freedom_fall some kappa'_gt0 lower; rewrite same ltxx.
Qed.

(* For every set of directions that is left out; the best is that of the largest l_i. *)
Theorem equivalent_at_most_tail s kappa head : 0 < kappa -> degrees_of_freedom kappa = s ->
  (s - #|head|%:R) * kappa <= \sum_(i in ~: head) l i.
Proof.
move=> kappa_gt0 s_is; rewrite -s_is mulrBl /degrees_of_freedom (bigID (fun i => i \in head)) /= mulrDl.
rewrite addrAC ler_naddl //.
  rewrite subr_le0 ler_pmul2r // -sumr_const; apply: ler_sum => i _.
  by rewrite ler_pdivr_mulr ?sum_gt0 // mul1r ler_addl ltW.
rewrite mulr_suml (eq_bigl (fun i => i \in ~: head)) => [|i]; last by rewrite inE.
apply: ler_sum => i _; rewrite mulrAC ler_pdivr_mulr ?sum_gt0 // ler_pmul2l // ler_addr.
exact: ltW.
Qed.

Lemma per_dimension_is_a_mean s kappa : 0 < kappa -> (0 < #|I|)%N -> degrees_of_freedom kappa = s ->
  per_dimension s kappa = (\sum_i 1 / (l i + kappa) * l i) / (\sum_i 1 / (l i + kappa)).
Proof.
move=> kappa_gt0 some s_is.
have rest : n - s = kappa * \sum_i 1 / (l i + kappa).
  rewrite -s_is -(sumr_const (mem I) (1 : R)) mulr_sumr -sumrB; apply: eq_bigr => i _.
  by have n1 := lt0r_neq0 (sum_gt0 i kappa_gt0); name_operations R; field; apply/eqP.
have total_gt0 : 0 < \sum_i 1 / (l i + kappa).
  by apply: sumr_gt0 => // i; rewrite divr_gt0 ?ltr01 ?sum_gt0.
rewrite /per_dimension rest -{1}s_is /degrees_of_freedom.
rewrite (eq_bigr (fun i => 1 / (l i + kappa) * l i)); last by move=> i _; rewrite mulrC div1r.
have cancel (x y : R) : y != 0 -> x * kappa / (kappa * y) = x / y.
  by have n1 := lt0r_neq0 kappa_gt0; move=> n2; name_operations R; field; split; apply/eqP.
by apply: cancel; exact: lt0r_neq0.
Qed.

(* More measurements, less error per dimension that is not measured. *)
Theorem per_dimension_rises s s' kappa kappa' : 0 < kappa -> kappa <= kappa' ->
  degrees_of_freedom kappa = s -> degrees_of_freedom kappa' = s' -> (0 < #|I|)%N ->
  per_dimension s kappa <= per_dimension s' kappa'.
Proof.
move=> kappa_gt0 lower s_is s'_is some; have kappa'_gt0 := lt_le_trans kappa_gt0 lower.
rewrite !per_dimension_is_a_mean //.
have v_gt0 i : 0 < 1 / (l i + kappa) by rewrite divr_gt0 ?ltr01 ?sum_gt0.
have v'_gt0 i : 0 < 1 / (l i + kappa') by rewrite divr_gt0 ?ltr01 ?sum_gt0.
rewrite ler_pdivr_mulr ?sumr_gt0 // mulrAC ler_pdivl_mulr ?sumr_gt0 //.
pose x i := (l i + kappa) / (l i + kappa').
have ordered : similarly_ordered x l.
  apply: (@both_follow _ _ l) => // i j ij; rewrite /x.
  rewrite ler_pdivr_mulr ?sum_gt0 // mulrAC ler_pdivl_mulr ?sum_gt0 // -subr_ge0.
  have -> : (l i + kappa) * (l j + kappa') - (l j + kappa) * (l i + kappa')
    = (l i - l j) * (kappa' - kappa) by name_operations R; ring.
  by rewrite mulr_ge0 ?subr_ge0.
have := chebyshev_similarly (fun i => ltW (v_gt0 i)) ordered.
have v_x i : 1 / (l i + kappa) * x i = 1 / (l i + kappa').
  have [n1 n2] := (lt0r_neq0 (sum_gt0 i kappa_gt0), lt0r_neq0 (sum_gt0 i kappa'_gt0)).
  by rewrite /x; name_operations R; field; split; apply/eqP.
rewrite (eq_bigr _ (fun i _ => v_x i)).
rewrite [X in _ <= _ * X](eq_bigr (fun i => 1 / (l i + kappa') * l i)); last first.
  by move=> i _; rewrite v_x.
by rewrite [X in X <= _]mulrC [X in _ <= X]mulrC.
Qed.

End Equivalents.

Section Corollaries.

(* E_m for real measurements, with m >= 2; kappa_below is the root for m - 1 degrees of freedom. *)
Variables (R : realFieldType) (I : finType) (l : I -> R) (m : nat) (kappa_below real_error : R).
Hypotheses (l_gt0 : forall i, 0 < l i) (m_ge2 : (2 <= m)%N) (m_lt_n : (m < #|I|)%N).
Hypotheses (kappa_gt0 : 0 < kappa_below) (root : degrees_of_freedom l kappa_below = m.-1%:R).

Add Field scalars_again : (scalars_form_a_field R).

Notation n := (#|I|%:R : R).

(* The outer link: real_error / (n - m) <= (m - 1) kappa / (n - m + 1). *)
Hypothesis link : real_error / (n - m%:R) <= per_dimension I m.-1%:R kappa_below.

Let factor := (n - m%:R) / (n - m%:R + 1).

Let rest_gt0 : 0 < n - m%:R. Proof. by rewrite subr_gt0 ltr_nat. Qed.

Let next_gt0 : 0 < n - m%:R + 1. Proof. by rewrite addr_gt0 ?rest_gt0 ?ltr01. Qed.

Lemma factor_lt1 : 0 < factor < 1.
Proof. by rewrite /factor divr_gt0 //= ltr_pdivr_mulr // mul1r ltr_addl ltr01. Qed.

Theorem upper_from_chain : real_error <= factor * (m.-1%:R * kappa_below).
Proof.
move: link; rewrite /per_dimension ler_pdivr_mulr //.
have -> : n - m.-1%:R = n - m%:R + 1.
  have -> : m%:R = m.-1%:R + 1 :> R by rewrite -mulrSr prednK // ltnW.
  by name_operations R; ring.
suff -> : m.-1%:R * kappa_below / (n - m%:R + 1) * (n - m%:R) = factor * (m.-1%:R * kappa_below) by [].
by rewrite /factor; name_operations R; ring.
Qed.

(* The bound of Halko, Martinsson and Tropp for every set of k directions at once, with a factor below 1. *)
Theorem range_finder_from_chain (head : {set I}) : (#|head| < m.-1)%N ->
  real_error <= factor * (m.-1%:R / (m.-1%:R - #|head|%:R) * \sum_(i in ~: head) l i).
Proof.
move=> small; have /andP[factor_gt0 _] := factor_lt1.
apply: (le_trans upper_from_chain); rewrite ler_pmul2l // mulrAC ler_pdivl_mulr ?subr_gt0 ?ltr_nat //.
rewrite -mulrA ler_wpmul2l ?ler0n // mulrC.
exact: equivalent_at_most_tail.
Qed.

(* Asim et al.'s bound, with m - 1 and a factor below 1 in the place of m. *)
Theorem asim_from_chain (head : {set I}) : #|head| = (m - 2)%N ->
  real_error <= factor * (m.-1%:R * \sum_(i in ~: head) l i)
  /\ real_error < m%:R * \sum_(i in ~: head) l i.
Proof.
move=> head_is; have := @range_finder_from_chain head.
have -> : m.-1%:R - #|head|%:R = 1 :> R.
  have -> : m.-1 = #|head|.+1 by rewrite head_is; case: m m_ge2 => [|[|p]] //= _; rewrite !subSS subn0.
  by rewrite mulrSr addrC addKr.
rewrite divr1 head_is => /(_ _) bound.
have {}bound : real_error <= factor * (m.-1%:R * \sum_(i in ~: head) l i).
  by apply: bound; case: m m_ge2 => [|[|p]] //= _; rewrite !subSS subn0.
split=> //; apply: (le_lt_trans bound).
have tail_gt0 : 0 < \sum_(i in ~: head) l i.
  have /card_gt0P[i i_out] : (0 < #|~: head|)%N.
    by rewrite cardsCs setCK head_is subn_gt0 (leq_ltn_trans (leq_subr _ _)).
  by rewrite (bigD1 i) //= ltr_paddr // sumr_ge0 // => j _; exact: ltW.
have /andP[_ factor_lt] := factor_lt1.
have m_gt0 : 0 < m.-1%:R :> R by rewrite ltr0n; case: m m_ge2 => [|[|p]].
apply: (@lt_le_trans _ _ (m.-1%:R * \sum_(i in ~: head) l i)).
  by rewrite gtr_pmull // mulr_gt0.
by rewrite ler_pmul2r // ler_nat leq_pred.
Qed.

End Corollaries.
