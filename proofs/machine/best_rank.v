(* From the bounds of every rank to Asim et al.'s, and which rank is best. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section BestRank.

(* l 0 >= l 1 >= ... >= l (n - 1) > 0 and m = M + 1 measurements, 2 <= m < n. *)
Variables (R : realFieldType) (n M : nat) (l : nat -> R).
Hypotheses (l_gt0 : forall i, 0 < l i) (descending : forall i, l i.+1 <= l i).
Hypotheses (M_gt0 : (0 < M)%N) (M_lt_n : (M.+1 < n)%N).

Add Field scalars : (scalars_form_a_field R).

Definition tail k := \sum_(k <= i < n) l i.
(* (m - 1) tail(k) / (m - 1 - k) = (1 + k / (m - k - 1)) tail(k), for k <= m - 2. *)
Definition bound k := M%:R * tail k / (M%:R - k%:R).
Definition effective_rank k := tail k / l k.
Definition best_rank := find (fun k => M%:R < k%:R + effective_rank k) (iota 0 n).

Lemma tail_step k : (k < n)%N -> tail k = l k + tail k.+1.
Proof. by move=> k_lt; rewrite /tail big_ltn. Qed.

Lemma tail_ge0 k : 0 <= tail k.
Proof. by apply: sumr_ge0 => i _; exact: ltW. Qed.

Lemma tail_gt0 k : (k < n)%N -> 0 < tail k.
Proof. by move=> k_lt; rewrite tail_step // ltr_paddr ?tail_ge0. Qed.

Let room k : (k < M)%N -> 0 < M%:R - k%:R :> R.
Proof. by move=> k_lt; rewrite subr_gt0 ltr_nat. Qed.

Theorem bound_is k : (k < M)%N -> bound k = (1 + k%:R / (M%:R - k%:R)) * tail k.
Proof.
move=> k_lt; have n1 := lt0r_neq0 (room k_lt); rewrite /bound.
by move: (tail k) (M%:R : R) (k%:R : R) n1 => *; name_operations R; field; apply/eqP.
Qed.

Theorem bound_step k : (k.+1 < M)%N -> bound k - bound k.+1
  = M%:R * l k * (M%:R - (k%:R + effective_rank k)) / ((M%:R - k%:R) * (M%:R - k.+1%:R)).
Proof.
move=> k_lt; have k_lt_n : (k < n)%N by rewrite (ltn_trans _ (ltn_trans (ltnSn M) M_lt_n)) // ltnW.
have [n1 [n2 n3]] := (lt0r_neq0 (room (ltnW k_lt)), (lt0r_neq0 (room k_lt), lt0r_neq0 (l_gt0 k))).
rewrite /bound /effective_rank tail_step // !mulrSr in n2 *.
move: (tail k.+1) (M%:R : R) (k%:R : R) (l k) n1 n2 n3 => t x y v n1 n2 n3.
by name_operations R; field; do !split; apply/eqP.
Qed.

Theorem effective_rank_step k : (k.+1 < n)%N ->
  k%:R + effective_rank k <= k.+1%:R + effective_rank k.+1.
Proof.
move=> k_lt; rewrite mulrSr -addrA ler_add2l /effective_rank tail_step 1?ltnW //.
rewrite mulrDl divff ?lt0r_neq0 // ler_add2l ler_wpmul2l ?tail_ge0 //.
by rewrite lef_pinv ?posrE ?descending.
Qed.

Lemma effective_rank_rises j k : (j <= k)%N -> (k < n)%N ->
  j%:R + effective_rank j <= k%:R + effective_rank k.
Proof.
elim: k => [|k IH]; first by rewrite leqn0 => /eqP ->.
rewrite leq_eqVlt ltnS => /orP[/eqP -> // | jk] k_lt.
exact: le_trans (IH jk (ltnW k_lt)) (effective_rank_step k_lt).
Qed.

Lemma last_rank_exceeds : M%:R < M.-1%:R + effective_rank M.-1.
Proof.
have M_is : M = M.-1.+1 by rewrite prednK.
have two : (M.-1.+1 < n)%N by rewrite prednK // (ltn_trans (ltnSn M)).
rewrite {1}M_is mulrSr ltr_add2l /effective_rank ltr_pdivl_mulr // mul1r.
by rewrite tail_step 1?ltnW // ltr_addl tail_gt0.
Qed.

Theorem best_rank_lt : (best_rank < M)%N.
Proof.
rewrite ltnNge; apply/negP => M_le.
have M'_lt : (M.-1 < best_rank)%N by rewrite prednK.
have := before_find 0%N M'_lt; rewrite nth_iota ?add0n ?last_rank_exceeds //.
by rewrite prednK // ltnW // ltnW.
Qed.

Theorem best_rank_is_best k : (k < M)%N -> bound best_rank <= bound k.
Proof.
have below j : (j < best_rank)%N -> j%:R + effective_rank j <= M%:R.
  move=> j_lt; have := before_find 0%N j_lt; rewrite nth_iota ?add0n => [/negbT|]; first by rewrite -leNgt.
  by rewrite (ltn_trans (ltn_trans j_lt best_rank_lt)) // ltnW.
have above j : (best_rank <= j)%N -> (j < n)%N -> M%:R <= j%:R + effective_rank j.
  move=> j_ge j_lt; apply: le_trans (effective_rank_rises j_ge j_lt).
  have best_lt_n : (best_rank < n)%N by exact: leq_ltn_trans j_lt.
  have := @nth_find _ 0%N (fun k => M%:R < k%:R + effective_rank k) (iota 0 n).
  rewrite -/best_rank nth_iota // add0n has_find size_iota => /(_ best_lt_n); exact: ltW.
have denominator j : (j.+1 < M)%N -> 0 < (M%:R - j%:R) * (M%:R - j.+1%:R) :> R.
  by move=> j_lt; rewrite mulr_gt0 ?room // ltnW.
have falls j : (j.+1 < M)%N -> (j < best_rank)%N -> bound j.+1 <= bound j.
  move=> j_lt j_below; rewrite -subr_ge0 bound_step // divr_ge0 ?(ltW (denominator _ j_lt)) //.
  by rewrite mulr_ge0 ?mulr_ge0 ?ler0n ?(ltW (l_gt0 _)) // subr_ge0 below.
have rises j : (j.+1 < M)%N -> (best_rank <= j)%N -> bound j <= bound j.+1.
  move=> j_lt j_above; rewrite -subr_le0 bound_step // pmulr_lle0 ?invr_gt0 ?denominator //.
  rewrite mulr_ge0_le0 ?mulr_ge0 ?ler0n ?(ltW (l_gt0 _)) // subr_le0 above //.
  by rewrite (ltn_trans (ltnW j_lt)) // ltnW.
have down d j : (j + d)%N = best_rank -> bound best_rank <= bound j.
  elim: d j => [|d IH] j; first by rewrite addn0 => ->.
  rewrite addnS -addSn => j_is; apply: le_trans (IH _ j_is) _; apply: falls.
    by rewrite (leq_ltn_trans _ best_rank_lt) // -j_is leq_addr.
  by rewrite -j_is leq_addr.
have up d : (best_rank + d < M)%N -> bound best_rank <= bound (best_rank + d).
  elim: d => [|d IH]; first by rewrite addn0.
  by rewrite addnS => d_lt; apply: le_trans (IH (ltnW d_lt)) (rises _ d_lt (leq_addr _ _)).
move=> k_lt; case: (leqP k best_rank) => [k_le | /ltnW k_ge].
  by apply: (down (best_rank - k)%N); rewrite subnKC.
by have := up (k - best_rank)%N; rewrite subnKC // => /(_ k_lt).
Qed.

(* The bound of rank m - 2 is (m - 1) tail(m - 2), below Asim et al.'s m tail(m - 2). *)
Theorem asim_from_ranks error : (forall k, (k < M)%N -> error <= bound k) ->
  error <= M%:R * tail M.-1 /\ error < M.+1%:R * tail M.-1.
Proof.
move=> every; have M'_lt : (M.-1 < M)%N by rewrite prednK.
have last_bound : bound M.-1 = M%:R * tail M.-1.
  have one : M%:R - M.-1%:R = 1 :> R by rewrite -{1}(prednK M_gt0) mulrSr addrC addKr.
  by rewrite /bound one divr1.
have le := every _ M'_lt; rewrite last_bound in le; split=> //.
apply: (le_lt_trans le); rewrite ltr_pmul2r ?ltr_nat ?ltnSn //.
by apply: tail_gt0; rewrite prednK // ltnW // ltnW.
Qed.

End BestRank.
