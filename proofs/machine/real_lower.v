(* Real measurements: E_m >= m kappa_m, from the order of the tau_i. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev pair_rotation.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section RealLower.

(* l_i: squared singular values; Q_i: the mean of the i-th diagonal entry of the projector, so that
   E_m = sum_i l_i (1 - Q_i). *)
Variables (R : realFieldType) (I : finType) (l Q : I -> R) (m kappa : R).
Hypotheses (l_gt0 : forall i, 0 < l i) (Q_gt0 : forall i, 0 < Q i) (kappa_gt0 : 0 < kappa).
Hypothesis Q_total : \sum_i Q i = m.
Hypothesis kappa_root : \sum_i l i / (l i + kappa) = m.

Add Field scalars : (scalars_form_a_field R).

Definition tau i := l i * (1 - Q i) / Q i.
(* What the pair rotation shows for real Gaussian measurements. *)
Hypothesis tau_follows : follows l tau.

Let V i := Q i * (kappa / (l i + kappa)).
Let z i := 1 + l i / kappa.

Let sum_gt0 i : 0 < l i + kappa. Proof. exact: addr_gt0. Qed.
Let V_gt0 i : 0 < V i. Proof. by rewrite !mulr_gt0 ?invr_gt0. Qed.
Let Q_neq0 i : Q i != 0. Proof. exact: lt0r_neq0. Qed.

Lemma tau_Q i : l i / (l i + tau i) = Q i.
Proof.
have n1 := Q_neq0 i; have n2 := lt0r_neq0 (l_gt0 i).
have -> : l i + tau i = l i / Q i by rewrite /tau; name_operations R; field; apply/eqP.
by rewrite invfM invrK mulrA mulfV // mul1r.
Qed.

Lemma balanced : \sum_i V i * (tau i - kappa) = 0.
Proof.
rewrite (eq_bigr (fun i => kappa * (l i / (l i + kappa)) - kappa * Q i)); last first.
  move=> i _; have [n1 n2] := (Q_neq0 i, lt0r_neq0 (sum_gt0 i)).
  by rewrite /V /tau; name_operations R; field; split; apply/eqP.
by rewrite sumrB -!mulr_sumr Q_total kappa_root subrr.
Qed.

Lemma excess_over_equivalent :
  \sum_i l i * (1 - Q i) - m * kappa = \sum_i V i * (tau i - kappa) * z i.
Proof.
rewrite -Q_total mulr_suml -sumrB; apply: eq_bigr => i _.
have [n1 [n2 n3]] := (Q_neq0 i, (lt0r_neq0 (sum_gt0 i), lt0r_neq0 kappa_gt0)).
by rewrite /V /tau /z; name_operations R; field; do !split; apply/eqP.
Qed.

Theorem real_lower : m * kappa <= \sum_i l i * (1 - Q i).
Proof.
rewrite -subr_ge0 excess_over_equivalent.
have ordered : similarly_ordered (fun i => tau i - kappa) z.
  apply: (@both_follow _ _ l) => i j ij; first by rewrite ler_add2r tau_follows.
  by rewrite /z ler_add2l ler_pmul2r ?invr_gt0.
have := chebyshev_similarly (fun i => ltW (V_gt0 i)) ordered; rewrite balanced mul0r.
have [I_empty _ | I_some] := posnP #|I|.
  by rewrite big1 // => i; have := fintype0 i I_empty.
by rewrite pmulr_rge0 ?sumr_gt0.
Qed.

End RealLower.

Section FromRotations.

Variables (R : realFieldType) (I : finType) (l Q : I -> R) (m kappa : R).
Hypotheses (l_gt0 : forall i, 0 < l i) (Q_gt0 : forall i, 0 < Q i) (kappa_gt0 : 0 < kappa).
Hypothesis Q_total : \sum_i Q i = m.
Hypothesis kappa_root : \sum_i l i / (l i + kappa) = m.

(* Each pair of columns has the means E l/(l + theta) for one theta of both. *)
Hypothesis rotations : forall i j, l j <= l i -> exists (K : finType) (p theta : K -> R),
  [/\ forall k, 0 <= p k, \sum_k p k = 1, forall k, 0 <= theta k,
      Q i = mean_share p theta (l i) & Q j = mean_share p theta (l j)].

Theorem real_lower_from_rotations : m * kappa <= \sum_i l i * (1 - Q i).
Proof.
apply: (real_lower l_gt0 Q_gt0 kappa_gt0 Q_total kappa_root) => i j ij.
have [K [p [theta [p_ge0 p_total theta_ge0 Q_i Q_j]]]] := rotations ij.
rewrite /tau Q_i Q_j; exact: (tau_of_follows p_ge0 p_total theta_ge0 (l_gt0 j) ij).
Qed.

End FromRotations.
