(* The base inequality V_1 (real) <= V_2 (complex), from two identities and one change of sign. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section BaseInequality.

Variables (R : realFieldType) (I : finType) (mu : I -> R).
Hypothesis mu_gt0 : forall i, 0 < mu i.

Add Field scalars : (scalars_form_a_field R).

(* T(x) = int Z(tau) / (1 + tau x)^2 dtau, as a sum over finitely many nodes; the sign of Z changes once,
   from + to -. *)
Section OneChange.

Variables (K : finType) (node Z : K -> R) (change : R).
Hypotheses (node_ge0 : forall k, 0 <= node k) (change_ge0 : 0 <= change).
Hypotheses (before_ge0 : forall k, node k <= change -> 0 <= Z k).
Hypotheses (after_le0 : forall k, change <= node k -> Z k <= 0).

Definition T_of x := \sum_k Z k / (1 + node k * x) ^+ 2.

Theorem T_of_rises x y : 0 < y -> y <= x ->
  (1 + change * y) ^+ 2 * T_of y <= (1 + change * x) ^+ 2 * T_of x.
Proof.
move=> y_gt0 yx; have x_gt0 := lt_le_trans y_gt0 yx.
rewrite /T_of !mulr_sumr; apply: ler_sum => k _.
have positive (u z : R) : 0 <= u -> 0 < z -> 0 < 1 + u * z.
  by move=> *; rewrite ltr_paddr ?ltr01 // mulr_ge0 // ltW.
have [cx cy] := (positive _ _ change_ge0 x_gt0, positive _ _ change_ge0 y_gt0).
have [kx ky] := (positive _ _ (node_ge0 k) x_gt0, positive _ _ (node_ge0 k) y_gt0).
have as_quotient z : (1 + change * z) ^+ 2 * (Z k / (1 + node k * z) ^+ 2)
  = Z k * ((1 + change * z) / (1 + node k * z)) ^+ 2 by rewrite expr_div_n mulrCA.
have quotient_ge0 z : 0 < z -> 0 <= (1 + change * z) / (1 + node k * z).
  by move=> z_gt0; rewrite divr_ge0 // ltW ?positive.
rewrite !as_quotient; case: (lerP (node k) change) => [early | /ltW late].
  rewrite ler_wpmul2l ?before_ge0 // ler_pexpn2r ?nnegrE ?quotient_ge0 //.
  rewrite ler_pdivr_mulr // mulrAC ler_pdivl_mulr // -subr_ge0.
  have -> : (1 + change * x) * (1 + node k * y) - (1 + change * y) * (1 + node k * x)
    = (change - node k) * (x - y) by name_operations R; ring.
  by rewrite mulr_ge0 ?subr_ge0.
rewrite ler_wnmul2l ?after_le0 // ler_pexpn2r ?nnegrE ?quotient_ge0 //.
rewrite ler_pdivr_mulr // mulrAC ler_pdivl_mulr // -subr_ge0.
have -> : (1 + change * y) * (1 + node k * x) - (1 + change * x) * (1 + node k * y)
  = (node k - change) * (x - y) by name_operations R; ring.
by rewrite mulr_ge0 ?subr_ge0.
Qed.

End OneChange.

Section Conclusion.

(* L and R of the text; weights k_i > 0 stand for repeated mu_i. *)
Variables (weight T : I -> R) (change left right : R).
Hypotheses (weight_ge0 : forall i, 0 <= weight i) (change_ge0 : 0 <= change).
Hypothesis identity_A : right - left = 2%:R^-1 * \sum_i weight i * (mu i ^+ 2 * T i).
Hypothesis identity_B : \sum_i weight i * (mu i * T i) = 0.

(* With any m_star between the mu_i with T_i <= 0 and those with T_i >= 0. *)
Theorem base_identity m_star :
  right - left = 2%:R^-1 * \sum_i weight i * (mu i * (mu i - m_star) * T i).
Proof.
have -> : \sum_i weight i * (mu i * (mu i - m_star) * T i)
  = \sum_i weight i * (mu i ^+ 2 * T i) - m_star * \sum_i weight i * (mu i * T i).
  by rewrite mulr_sumr -sumrB; apply: eq_bigr => i _; name_operations R; ring.
by rewrite identity_B mulr0 subr0.
Qed.

Hypothesis T_rises : forall i j, mu j <= mu i ->
  (1 + change * mu j) ^+ 2 * T j <= (1 + change * mu i) ^+ 2 * T i.

Theorem base_inequality : left <= right.
Proof.
rewrite -subr_ge0 identity_A mulr_ge0 ?invr_ge0 ?ler0n //.
have square_gt0 i : 0 < (1 + change * mu i) ^+ 2.
  by rewrite exprn_gt0 // ltr_paddr ?ltr01 // mulr_ge0 // ltW.
pose v i := weight i * mu i / (1 + change * mu i) ^+ 2.
pose rising i := (1 + change * mu i) ^+ 2 * T i.
have v_ge0 i : 0 <= v i.
  by rewrite divr_ge0 ?(ltW (square_gt0 i)) // mulr_ge0 ?(ltW (mu_gt0 i)).
have v_rising i : v i * rising i = weight i * (mu i * T i).
  by have n1 := lt0r_neq0 (square_gt0 i); rewrite /v /rising mulrA divfK // mulrA.
have ordered : similarly_ordered rising mu by apply: (@both_follow _ _ mu).
have := chebyshev_similarly v_ge0 ordered.
rewrite (eq_bigr _ (fun i _ => v_rising i)) identity_B mul0r.
rewrite [X in _ <= _ * X -> _](eq_bigr (fun i => weight i * (mu i ^+ 2 * T i))); last first.
  by move=> i _; rewrite v_rising; name_operations R; ring.
have [all0 _ | some] := eqVneq (\sum_i v i) 0.
  rewrite big1 // => i _; have := @psumr_eq0P _ _ predT v (fun j _ => v_ge0 j) all0 i isT.
  move=> /eqP; rewrite mulf_eq0 invr_eq0 (gt_eqF (square_gt0 i)) orbF mulf_eq0 (gt_eqF (mu_gt0 i)) orbF.
  by move=> /eqP ->; rewrite mul0r.
by rewrite pmulr_rge0 // lt_def some sumr_ge0 //.
Qed.

End Conclusion.

End BaseInequality.
