(* Weights w_i d_i / sum_k w_k d_k: how their mean of a monotone function changes with the law of the w. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Weights.

Variables (R : realFieldType) (I : finType).
Implicit Types (W V q d : I -> R).

Add Field scalars : (scalars_form_a_field R).

(* V grows on W with d: V_i / W_i does not decrease with d_i. *)
Definition ratio_follows d W V := forall i j, d j <= d i -> V j * W i <= V i * W j.

Theorem weights_identity W V q :
  (\sum_i V i * q i) * (\sum_i W i) - (\sum_i W i * q i) * (\sum_i V i)
  = 2%:R^-1 * \sum_i \sum_j (V i * W j - V j * W i) * (q i - q j).
Proof.
rewrite !product_of_sums -sumrB.
rewrite (eq_bigr (fun i => \sum_j (V i * W j - W i * V j) * q i)); last first.
  by move=> i _; rewrite -sumrB; apply: eq_bigr => j _; name_operations R; ring.
rewrite double_sum_symmetric; congr (_ * _); apply: eq_bigr => i _; apply: eq_bigr => j _.
by name_operations R; ring.
Qed.

Theorem weights_follow W V q d : \sum_i W i = 1 -> \sum_i V i = 1 ->
  ratio_follows d W V -> follows d q -> \sum_i W i * q i <= \sum_i V i * q i.
Proof.
move=> W_1 V_1 WV dq; rewrite -subr_ge0.
have := weights_identity W V q; rewrite W_1 V_1 !mulr1 => ->.
rewrite mulr_ge0 ?invr_ge0 ?ler0n //; apply: sumr_ge0 => i _; apply: sumr_ge0 => j _.
case: (lerP (d j) (d i)) => [ij | /ltW ij]; first by rewrite mulr_ge0 ?subr_ge0 ?WV ?dq.
by rewrite mulr_le0 ?subr_le0 ?WV ?dq.
Qed.

Theorem weights_oppose W V q d : \sum_i W i = 1 -> \sum_i V i = 1 ->
  ratio_follows d W V -> opposes d q -> \sum_i V i * q i <= \sum_i W i * q i.
Proof.
move=> W_1 V_1 WV dq; rewrite -ler_opp2 -!sumrN.
rewrite (eq_bigr (fun i => W i * - q i)); last by move=> i _; rewrite mulrN.
rewrite [X in _ <= X](eq_bigr (fun i => V i * - q i)); last by move=> i _; rewrite mulrN.
by apply: (weights_follow W_1 V_1 WV) => i j ij; rewrite ler_opp2 dq.
Qed.

Section Mixture.

(* The integrals over u >= 0 that give the weights, as sums over finitely many nodes u_k with masses f_k. *)
Variables (K : finType) (u f g : K -> R) (d : I -> R).
Hypotheses (u_ge0 : forall k, 0 <= u k) (f_ge0 : forall k, 0 <= f k) (d_gt0 : forall i, 0 < d i).
Hypothesis g_falls : forall k k', u k <= u k' -> g k' <= g k.

Definition weight_of (mass : K -> R) i := \sum_k mass k * (d i / (1 + u k * d i)).

Lemma one_plus_gt0 k i : 0 < 1 + u k * d i.
Proof. by rewrite ltr_paddr ?ltr01 // mulr_ge0 // ltW. Qed.

Theorem mixture_follows : ratio_follows d (weight_of f) (weight_of (fun k => f k * g k)).
Proof.
move=> i j ij; rewrite -subr_ge0 /weight_of !product_of_sums -sumrB.
rewrite (eq_bigr (fun k => \sum_k' f k * f k' * (d i * d j) * (g k * (u k' - u k) * (d i - d j)
  / ((1 + u k * d i) * (1 + u k' * d j) * (1 + u k * d j) * (1 + u k' * d i))))); last first.
  move=> k _; rewrite -sumrB; apply: eq_bigr => k' _.
  have [n1 n2] := (lt0r_neq0 (one_plus_gt0 k i), lt0r_neq0 (one_plus_gt0 k' j)).
  have [n3 n4] := (lt0r_neq0 (one_plus_gt0 k j), lt0r_neq0 (one_plus_gt0 k' i)).
  by name_operations R; field; do !split; apply/eqP.
rewrite double_sum_symmetric mulr_ge0 ?invr_ge0 ?ler0n //.
apply: sumr_ge0 => k _; apply: sumr_ge0 => k' _.
have denominators : (1 + u k' * d i) * (1 + u k * d j) * (1 + u k' * d j) * (1 + u k * d i)
  = (1 + u k * d i) * (1 + u k' * d j) * (1 + u k * d j) * (1 + u k' * d i) by name_operations R; ring.
rewrite [f k' * f k]mulrC denominators -mulrDr.
apply: mulr_ge0; first by rewrite !mulr_ge0 // ltW.
rewrite -mulrDl; apply: mulr_ge0; last by rewrite invr_ge0 !mulr_ge0 // ltW ?one_plus_gt0.
have -> : g k * (u k' - u k) * (d i - d j) + g k' * (u k - u k') * (d i - d j)
  = (g k - g k') * (u k' - u k) * (d i - d j) by name_operations R; ring.
rewrite mulr_ge0 ?subr_ge0 //.
case: (lerP (u k) (u k')) => [uu | /ltW uu]; first by rewrite mulr_ge0 ?subr_ge0 ?g_falls.
by rewrite mulr_le0 ?subr_le0 ?g_falls.
Qed.

End Mixture.

End Weights.
