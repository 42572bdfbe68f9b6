(* Every error lies between the sum of the n - m least l_i and that of the n - m largest; both are attained. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic minimum_norm error.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section KyFan.

Variables (R : realFieldType) (n : nat).

Section Weighted.

(* l is descending; q_i are in [0, 1] and add up to p. *)
Variables (l q : 'I_n -> R) (p : nat).
Hypotheses (descending : forall i j : 'I_n, (i <= j)%N -> l j <= l i) (p_le_n : (p <= n)%N).
Hypotheses (q_ge0 : forall i, 0 <= q i) (q_le1 : forall i, q i <= 1) (q_total : \sum_i q i = p%:R).

Lemma count_below : \sum_(i < n | (i < p)%N) (1 : R) = p%:R.
Proof.
rewrite sumr_const; congr (_ *+ _).
rewrite -[RHS]card_ord -sum1_card -[RHS]sum1_card (big_ord_widen n (fun _ => 1%N) p_le_n).
by apply: eq_bigl.
Qed.

Theorem weighted_sum_at_most : \sum_i q i * l i <= \sum_(i < n | (i < p)%N) l i.
Proof.
case: (posnP p) => [p0 | p_gt0].
  rewrite [X in _ <= X]big_pred0 => [|i]; last by rewrite p0.
  apply: sumr_le0 => i _; suff -> : q i = 0 by rewrite mul0r.
  by apply: (psumr_eq0P (P := predT)) => //; rewrite q_total p0.
have last_lt : (p.-1 < n)%N by rewrite (leq_trans _ p_le_n) // prednK.
pose level := l (Ordinal last_lt).
have above (i : 'I_n) : (i < p)%N -> level <= l i by move=> i_lt; apply: descending; rewrite /= -ltnS prednK.
have below (i : 'I_n) : (p <= i)%N -> l i <= level by move=> i_ge; apply: descending; rewrite /= (leq_trans (leq_pred p)).
rewrite -subr_ge0 (bigID (fun i : 'I_n => (i < p)%N) predT) /= opprD addrA -sumrB.
have head : \sum_(i < n | (i < p)%N) (1 - q i) * level <= \sum_(i < n | (i < p)%N) (l i - q i * l i).
  apply: ler_sum => i i_lt; rewrite -{1}[l i]mul1r -mulrBl ler_wpmul2l ?subr_ge0 ?above //.
have tail : \sum_(i < n | ~~ (i < p)%N) q i * l i <= \sum_(i < n | ~~ (i < p)%N) q i * level.
  by apply: ler_sum => i; rewrite -leqNgt => i_ge; rewrite ler_wpmul2l ?below.
rewrite subr_ge0 (le_trans tail) // (le_trans _ head) // -!mulr_suml.
suff -> : \sum_(i < n | ~~ (i < p)%N) q i = \sum_(i < n | (i < p)%N) (1 - q i) by [].
rewrite sumrB count_below -q_total (bigID (fun i : 'I_n => (i < p)%N) predT) /=.
by rewrite addrC addKr.
Qed.

End Weighted.

Section Errors.

Variables (m : nat) (s : 'rV[R]_n).
Hypotheses (s_gt0 : forall i, 0 < s 0 i) (descending : forall i j : 'I_n, (i <= j)%N -> s 0 j <= s 0 i).
Hypothesis fewer : (m <= n)%N.

Let Sigma := diag_mx s.
Let l i := s 0 i ^+ 2.

Lemma l_descending (i j : 'I_n) : (i <= j)%N -> l j <= l i.
Proof. by move=> ij; rewrite ler_pexpn2r ?nnegrE ?(ltW (s_gt0 _)) ?descending. Qed.

Section Bounds.

Variable A : 'M[R]_(m, n).
Hypothesis full_rank : A *m Sigma *m (A *m Sigma)^T \in unitmx.

Let Q := complement (A *m Sigma).
Let Q_symmetric : Q^T = Q. Proof. exact: complement_symmetric. Qed.
Let Q_idempotent : Q *m Q = Q. Proof. exact: complement_idempotent. Qed.

Lemma diagonal_is_length i : Q i i = \sum_j Q i j ^+ 2.
Proof.
rewrite -{1}Q_idempotent mxE; apply: eq_bigr => j _.
by rewrite expr2 -{2}Q_symmetric [(_^T) j i]mxE.
Qed.

Lemma diagonal_ge0 i : 0 <= Q i i.
Proof. by rewrite diagonal_is_length sumr_ge0 // => j _; exact: sqr_ge0. Qed.

Lemma diagonal_le1 i : Q i i <= 1.
Proof.
have square_le : Q i i ^+ 2 <= Q i i.
  by rewrite {2}diagonal_is_length (bigD1 i) //= ler_addl sumr_ge0 // => j _; exact: sqr_ge0.
rewrite leNgt; apply/negP => gt1; move: square_le; apply/negP; rewrite -ltNge expr2.
by rewrite ltr_pmulr // (lt_trans ltr01).
Qed.

Lemma error_is_weighted : error Sigma A = \sum_i Q i i * l i.
Proof.
rewrite error_is_posterior_variance // tr_diag_mx mxtrace_mulC mulmxA; apply: eq_bigr => i _.
by rewrite mulmx_diag mul_diag_mx mxE -/Q mxE mulrC /l expr2.
Qed.

Theorem error_at_most_largest : error Sigma A <= \sum_(i < n | (i < n - m)%N) l i.
Proof.
rewrite error_is_weighted; apply: weighted_sum_at_most l_descending (leq_subr _ _) diagonal_ge0 diagonal_le1 _.
by rewrite natrB // -(complement_trace full_rank).
Qed.

Theorem error_at_least_tail : \sum_(i < n | (m <= i)%N) l i <= error Sigma A.
Proof.
have total : \sum_i (1 - Q i i) = m%:R.
  by rewrite sumrB sumr_const card_ord -/(\tr Q) complement_trace // opprB addrC subrK.
have := weighted_sum_at_most l_descending fewer _ _ total.
have -> : \sum_i (1 - Q i i) * l i = \sum_i l i - error Sigma A.
  by rewrite error_is_weighted -sumrB; apply: eq_bigr => i _; rewrite mulrBl mul1r.
rewrite (bigID (fun i : 'I_n => (i < m)%N) predT) /= => /(_ _ _).
rewrite ler_subl_addl [X in X <= _]addrC ler_add2r => bound.
under eq_bigl => i do rewrite leqNgt.
apply: bound => i; first by rewrite subr_ge0 diagonal_le1.
by rewrite ger_addl oppr_le0 diagonal_ge0.
Qed.

End Bounds.

End Errors.

End KyFan.
