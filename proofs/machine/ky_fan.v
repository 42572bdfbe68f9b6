(* Every error is at least the sum of the n - m least l_i, at most that of the largest; both are attained. *)

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
have below (i : 'I_n) : (p <= i)%N -> l i <= level.
  by move=> i_ge; apply: descending; rewrite /= (leq_trans (leq_pred p)).
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
rewrite error_is_weighted.
apply: weighted_sum_at_most l_descending (leq_subr _ _) diagonal_ge0 diagonal_le1 _.
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

(* Measuring m of the coordinates, numbered by choice, without repetition. *)
Section Attained.

Variable choice : 'I_m -> 'I_n.
Hypothesis choice_injective : injective choice.

Definition coordinates : 'M[R]_(m, n) := \matrix_(i, j) (choice i == j)%:R.

Let D := diag_mx (\row_i s 0 (choice i)).

Let D_unit : D \in unitmx.
Proof.
rewrite unitmxE det_diag unitfE; apply/prodf_neq0 => i _.
by rewrite mxE lt0r_neq0.
Qed.

Let orthonormal : coordinates *m coordinates^T = 1%:M.
Proof.
apply/matrixP => i i'; rewrite !mxE (bigD1 (choice i)) //= !mxE eqxx mul1r big1 ?addr0.
  by rewrite (inj_eq choice_injective) eq_sym.
by move=> j j_not; rewrite !mxE eq_sym (negbTE j_not) mul0r.
Qed.

Let measured : coordinates *m Sigma = D *m coordinates.
Proof.
apply/matrixP => i j; rewrite mul_mx_diag mul_diag_mx !mxE.
by case: eqP => [->|]; rewrite ?mul1r ?mulr1 ?mul0r ?mulr0.
Qed.

Lemma coordinates_full_rank : coordinates *m Sigma *m (coordinates *m Sigma)^T \in unitmx.
Proof.
rewrite measured trmx_mul mulmxA -[D *m _ *m _]mulmxA orthonormal mulmx1.
by rewrite unitmx_mul unitmx_tr D_unit.
Qed.

Lemma coordinates_projector : projector (coordinates *m Sigma) = coordinates^T *m coordinates.
Proof.
have gram_unit := coordinates_full_rank; move: gram_unit; rewrite /projector /pseudoinverse measured.
have -> : D *m coordinates *m (D *m coordinates)^T = D *m D^T.
  by rewrite trmx_mul mulmxA -[D *m _ *m _]mulmxA orthonormal mulmx1.
move=> gram_unit; rewrite trmx_mul.
suff cancel : D^T *m invmx (D *m D^T) *m D = 1%:M.
  by rewrite mulmxA -2!(mulmxA coordinates^T) cancel mulmx1.
apply: (can_inj (mulKmx D_unit)); rewrite mulmx1 !mulmxA.
by rewrite mulmxV // mul1mx.
Qed.

Theorem error_of_coordinates : error Sigma coordinates = \sum_(j | j \notin codom choice) l j.
Proof.
rewrite (error_is_weighted coordinates_full_rank) [RHS]big_mkcond; apply: eq_bigr => j _.
rewrite /complement coordinates_projector; set P := _ *m coordinates.
have -> : (1%:M - P) j j = 1 - P j j by rewrite !mxE eqxx.
rewrite {}/P mxE; case: ifPn => [out | /negPn /codomP[i ->]].
  rewrite big1 ?subr0 ?mul1r // => i _; rewrite !mxE.
  by case: eqP => [i_is|]; rewrite ?mul0r //; move: out; rewrite -i_is codom_f.
rewrite (bigD1 i) //= !mxE eqxx mul1r big1 ?addr0 ?subrr ?mul0r // => i' i'_not.
by rewrite !mxE (inj_eq choice_injective) (negbTE i'_not) mul0r.
Qed.

End Attained.

Theorem tail_is_attained : error Sigma (coordinates (widen_ord fewer)) = \sum_(i < n | (m <= i)%N) l i.
Proof.
rewrite error_of_coordinates; last by move=> i j /(congr1 val) /= /val_inj.
apply: eq_bigl => j; rewrite leqNgt; congr (~~ _).
apply/codomP/idP => [[i ->] | j_lt]; first by rewrite /= ltn_ord.
by exists (Ordinal j_lt); apply: val_inj.
Qed.

Definition last_of (i : 'I_m) : 'I_n := rev_ord (widen_ord fewer i).

Theorem largest_is_attained : error Sigma (coordinates last_of) = \sum_(i < n | (i < n - m)%N) l i.
Proof.
rewrite error_of_coordinates; last by move=> i j /rev_ord_inj /(congr1 val) /= /val_inj.
apply: eq_bigl => j; rewrite -[(j < n - m)%N]negbK -leqNgt; congr (~~ _).
apply/codomP/idP => [[i ->] | j_ge].
  by rewrite /= leq_sub2l.
have j_lt : (rev_ord j < m)%N by rewrite /= ltn_subCl ?subnS // (leq_ltn_trans j_ge).
by exists (Ordinal j_lt); apply: rev_ord_inj; rewrite rev_ordK; apply: val_inj.
Qed.

(* Every generator G = U Sigma V^T. *)
Theorem error_between (U V : 'M[R]_n) (A : 'M[R]_(m, n)) : U^T *m U = 1%:M -> V^T *m V = 1%:M ->
  A *m U *m Sigma *m (A *m U *m Sigma)^T \in unitmx ->
  \sum_(i < n | (m <= i)%N) l i <= error (U *m Sigma *m V^T) A <= \sum_(i < n | (i < n - m)%N) l i.
Proof. by move=> *; rewrite error_rotates // error_at_least_tail ?error_at_most_largest. Qed.

End Errors.

End KyFan.
