(* Rotating a pair of columns of real Gaussian measurements: the means of both hang on the same theta. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section SameTheta.

Variable R : realFieldType.

Add Field scalars : (scalars_form_a_field R).

(* Two squared singular values x > y; det S = A0 + tr(H K) + A2 det K with K = diag(x, y), H with the
   eigenvalues h1 and h2. *)
Variables (x y A0 A2 h1 h2 : R).
Hypotheses (y_gt0 : 0 < y) (x_gt_y : y < x) (A0_ge0 : 0 <= A0) (A2_ge0 : 0 <= A2).
Hypotheses (trace_ge0 : 0 <= h1 + h2) (determinant : h1 * h2 = A0 * A2).

Notation s := (h1 + h2).

(* The two square roots. *)
Variables (u w : R).
Hypotheses (u_gt0 : 0 < u) (w_gt0 : 0 < w).
Hypotheses (u_root : u ^+ 2 = A0 + x * s + x ^+ 2 * A2) (w_root : w ^+ 2 = A0 + y * s + y ^+ 2 * A2).

(* After a rotation by phi, c(phi) = cos 2(phi - phi_0) and the diagonal of H is (t, s - t). *)
Variables (angle : Type) (c : angle -> R).
Definition rotated phi := (s + (h1 - h2) * c phi) / 2%:R.
Notation t := rotated.
Definition D phi := A0 + x * y * A2 + x * t phi + y * (s - t phi).

Definition largest_determinant := A0 + x * y * A2 + x * h1 + y * h2.
Definition smallest_determinant := A0 + x * y * A2 + x * h2 + y * h1.

Lemma determinant_range phi :
  D phi = (largest_determinant + smallest_determinant) / 2%:R
          + (largest_determinant - smallest_determinant) / 2%:R * c phi.
Proof.
rewrite /D /t /largest_determinant /smallest_determinant.
by name_operations R; field; apply/eqP; exact: two_neq0.
Qed.

Theorem determinants_multiply : largest_determinant * smallest_determinant = u ^+ 2 * w ^+ 2.
Proof.
rewrite u_root w_root /largest_determinant /smallest_determinant.
apply/eqP; rewrite -subr_eq0; apply/eqP.
have -> : (A0 + x * y * A2 + x * h1 + y * h2) * (A0 + x * y * A2 + x * h2 + y * h1)
  - (A0 + x * (h1 + h2) + x ^+ 2 * A2) * (A0 + y * (h1 + h2) + y ^+ 2 * A2)
  = (x - y) ^+ 2 * (h1 * h2 - A0 * A2) by name_operations R; ring.
by rewrite determinant subrr mulr0.
Qed.

Lemma squares_differ : u ^+ 2 - w ^+ 2 = (x - y) * (s + (x + y) * A2).
Proof. by rewrite u_root w_root; name_operations R; ring. Qed.

Hypothesis rotates : 0 < s + (x + y) * A2.

Theorem w_lt_u : w < u.
Proof.
rewrite -(ltr_pexpn2r (ltn0Sn 1)) ?nnegrE ?(ltW u_gt0) ?(ltW w_gt0) //.
by rewrite -subr_gt0 squares_differ mulr_gt0 ?subr_gt0.
Qed.

Definition theta := (x * w - y * u) / (u - w).

Theorem theta_ge0 : 0 <= theta.
Proof.
rewrite divr_ge0 ?subr_ge0 ?(ltW w_lt_u) //.
have x_gt0 := lt_trans y_gt0 x_gt_y.
have yu_ge0 : 0 <= y * u by rewrite mulr_ge0 ?ltW.
have xw_ge0 : 0 <= x * w by rewrite mulr_ge0 ?ltW.
rewrite -(ler_pexpn2r (ltn0Sn 1)) ?nnegrE // -subr_ge0 !exprMn u_root w_root.
have -> : x ^+ 2 * (A0 + y * s + y ^+ 2 * A2) - y ^+ 2 * (A0 + x * s + x ^+ 2 * A2)
  = (x - y) * ((x + y) * A0 + x * y * s) by name_operations R; ring.
have [xy_ge0 [x_ge0 y_ge0]] := (ltW x_gt_y, (ltW x_gt0, ltW y_gt0)).
by rewrite mulr_ge0 ?subr_ge0 // addr_ge0 ?mulr_ge0 // addr_ge0.
Qed.

Section Means.

(* The mean over the angle is linear; that of 1/D is the arcsine law's. *)
Variable mean : (angle -> R) -> R.
Hypothesis mean_extensional : forall f g, (forall phi, f phi = g phi) -> mean f = mean g.
Hypothesis mean_linear : forall p q f g,
  mean (fun phi => p * f phi + q * g phi) = p * mean f + q * mean g.
Hypothesis mean_of_one : mean (fun _ => 1) = 1.
Hypothesis D_neq0 : forall phi, D phi != 0.
Hypothesis arcsine_law : mean (fun phi => 1 / D phi) = 1 / (u * w).

Definition P_i phi := (x * t phi + x * y * A2) / D phi.
Definition P_j phi := (y * (s - t phi) + x * y * A2) / D phi.

Lemma mean_affine p q f : mean (fun phi => p + q * f phi) = p + q * mean f.
Proof.
rewrite (mean_extensional (g := fun phi => p * 1 + q * f phi)) => [|phi]; last by rewrite mulr1.
by rewrite mean_linear mean_of_one mulr1.
Qed.

Let u_neq0 := lt0r_neq0 u_gt0.
Let w_neq0 := lt0r_neq0 w_gt0.
Let xy_neq0 : x - y != 0. Proof. by rewrite subr_eq0 gt_eqF. Qed.
Let uw_neq0 : u - w != 0. Proof. by rewrite subr_eq0 gt_eqF ?w_lt_u. Qed.

Lemma mean_P_i : mean P_i = x * (u - w) / ((x - y) * u).
Proof.
rewrite (mean_extensional (g := fun phi => x / (x - y) + - (x / (x - y) * w ^+ 2) * (1 / D phi))); last first.
  move=> phi; have n1 := D_neq0 phi; have n2 := xy_neq0; rewrite /P_i w_root.
  apply: (mulIf n1); rewrite divfK // mulrDl -[X in _ = _ + X]mulrA divfK // mulr1.
  by rewrite /D; name_operations R; field; apply/eqP.
rewrite mean_affine arcsine_law.
have [n1 [n2 n3]] := (u_neq0, (w_neq0, xy_neq0)).
by name_operations R; field; do !split; apply/eqP.
Qed.

Lemma mean_P_j : mean P_j = y * (u - w) / ((x - y) * w).
Proof.
rewrite (mean_extensional (g := fun phi => - (y / (x - y)) + y / (x - y) * u ^+ 2 * (1 / D phi))); last first.
  move=> phi; have n1 := D_neq0 phi; have n2 := xy_neq0; rewrite /P_j u_root.
  apply: (mulIf n1); rewrite divfK // mulrDl -[X in _ = _ + X]mulrA divfK // mulr1.
  by rewrite /D; name_operations R; field; apply/eqP.
rewrite mean_affine arcsine_law.
have [n1 [n2 n3]] := (u_neq0, (w_neq0, xy_neq0)).
by name_operations R; field; do !split; apply/eqP.
Qed.

Theorem same_theta : mean P_i = x / (x + theta) /\ mean P_j = y / (y + theta).
Proof.
have [n1 [n2 [n3 n4]]] := (u_neq0, (w_neq0, (xy_neq0, uw_neq0))).
have x_theta : x + theta = (x - y) * u / (u - w) by rewrite /theta; name_operations R; field; apply/eqP.
have y_theta : y + theta = (x - y) * w / (u - w) by rewrite /theta; name_operations R; field; apply/eqP.
rewrite mean_P_i mean_P_j x_theta y_theta.
by split; rewrite invf_div mulrA.
Qed.

End Means.

End SameTheta.

Section Order.

Variables (R : realFieldType) (K : finType) (p theta : K -> R).
Hypotheses (p_ge0 : forall k, 0 <= p k) (p_total : \sum_k p k = 1) (theta_ge0 : forall k, 0 <= theta k).

Add Field scalars_again : (scalars_form_a_field R).

(* Q = E x/(x + theta) over finitely many values of theta, and tau = x (1 - Q)/Q. *)
Definition mean_share x := \sum_k p k * (x / (x + theta k)).
Definition tau_of x := x * (1 - mean_share x) / mean_share x.

Let inverse x := \sum_k p k / (x + theta k).
Let ratio x := \sum_k p k * theta k / (x + theta k).

Let denominator_gt0 x k : 0 < x -> 0 < x + theta k.
Proof. by move=> x_gt0; rewrite ltr_paddr. Qed.

Lemma mean_share_is x : mean_share x = x * inverse x.
Proof. by rewrite mulr_sumr; apply: eq_bigr => k _; rewrite mulrCA mulrA. Qed.

Lemma one_minus_share x : 0 < x -> 1 - mean_share x = ratio x.
Proof.
move=> x_gt0; rewrite -p_total /mean_share -sumrB; apply: eq_bigr => k _.
have n1 := lt0r_neq0 (denominator_gt0 k x_gt0).
by name_operations R; field; apply/eqP.
Qed.

Lemma inverse_gt0 x : 0 < x -> 0 < inverse x.
Proof.
move=> x_gt0; have terms_ge0 k : 0 <= p k / (x + theta k).
  by rewrite divr_ge0 ?(ltW (denominator_gt0 _ x_gt0)).
rewrite lt_def sumr_ge0 ?andbT // psumr_eq0 //; apply/negP => /allP all0.
have := oner_neq0 R; rewrite -p_total big1 ?eqxx // => k _.
have := all0 k; rewrite mem_index_enum => /(_ isT).
by rewrite mulf_eq0 invr_eq0 (gt_eqF (denominator_gt0 _ x_gt0)) orbF => /eqP.
Qed.

Theorem pair_identity x y : 0 < x -> 0 < y ->
  ratio x * inverse y - ratio y * inverse x
  = 2%:R^-1 * \sum_k \sum_k' p k * p k' * (x - y) * (theta k - theta k') ^+ 2
      / ((x + theta k) * (y + theta k) * ((x + theta k') * (y + theta k'))).
Proof.
move=> x_gt0 y_gt0; rewrite !product_of_sums -sumrB.
rewrite (eq_bigr (fun k => \sum_k' p k * p k' * (theta k / ((x + theta k) * (y + theta k'))
    - theta k / ((y + theta k) * (x + theta k'))))); last first.
  move=> k _; rewrite -sumrB; apply: eq_bigr => k' _.
  have [n1 n2] := (lt0r_neq0 (denominator_gt0 k x_gt0), lt0r_neq0 (denominator_gt0 k y_gt0)).
  have [n3 n4] := (lt0r_neq0 (denominator_gt0 k' x_gt0), lt0r_neq0 (denominator_gt0 k' y_gt0)).
  by name_operations R; field; do !split; apply/eqP.
rewrite double_sum_symmetric; congr (_ * _); apply: eq_bigr => k _; apply: eq_bigr => k' _.
have [n1 n2] := (lt0r_neq0 (denominator_gt0 k x_gt0), lt0r_neq0 (denominator_gt0 k y_gt0)).
have [n3 n4] := (lt0r_neq0 (denominator_gt0 k' x_gt0), lt0r_neq0 (denominator_gt0 k' y_gt0)).
by name_operations R; field; do !split; apply/eqP.
Qed.

Theorem tau_of_follows x y : 0 < y -> y <= x -> tau_of y <= tau_of x.
Proof.
move=> y_gt0 yx; have x_gt0 := lt_le_trans y_gt0 yx.
have tau_is z : 0 < z -> tau_of z = ratio z / inverse z.
  move=> z_gt0; rewrite /tau_of one_minus_share // mean_share_is.
  have [n1 n2] := (lt0r_neq0 z_gt0, lt0r_neq0 (inverse_gt0 z_gt0)).
  by name_operations R; field; split; apply/eqP.
rewrite !tau_is // ler_pdivr_mulr ?inverse_gt0 // mulrAC ler_pdivl_mulr ?inverse_gt0 //.
rewrite -subr_ge0 pair_identity // mulr_ge0 ?invr_ge0 ?ler0n //.
apply: sumr_ge0 => k _; apply: sumr_ge0 => k' _.
apply: divr_ge0; first by rewrite mulr_ge0 ?sqr_ge0 // mulr_ge0 ?subr_ge0 // mulr_ge0.
by rewrite ltW // !mulr_gt0 ?denominator_gt0.
Qed.

End Order.
