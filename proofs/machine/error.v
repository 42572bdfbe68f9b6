(* The error X_A = |G (I - P)|_F^2 of the most likely signal: the least of all linear estimators. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic minimum_norm.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Projector.

Variables (R : realFieldType) (m n : nat) (B : 'M[R]_(m, n)).
Hypothesis full_rank : B *m B^T \in unitmx.

Definition projector := pseudoinverse B *m B.
Definition complement : 'M[R]_n := 1%:M - projector.

Theorem projector_symmetric : projector^T = projector.
Proof. by rewrite /projector /pseudoinverse !trmx_mul trmxK gram_symmetric mulmxA. Qed.

Theorem projector_idempotent : projector *m projector = projector.
Proof. by rewrite /projector mulmxA -[pseudoinverse B *m B *m _]mulmxA pseudoinverse_feasible // mulmx1. Qed.

Theorem projector_fixes_rows : B *m projector = B.
Proof. by rewrite mulmxA pseudoinverse_feasible // mul1mx. Qed.

Theorem projector_kills p (v : 'M_(n, p)) : B *m v = 0 -> projector *m v = 0.
Proof. by move=> Bv; rewrite -mulmxA Bv mulmx0. Qed.

Theorem projector_trace : \tr projector = m%:R.
Proof. by rewrite mxtrace_mulC pseudoinverse_feasible // mxtrace1. Qed.

Lemma complement_symmetric : complement^T = complement.
Proof. by rewrite linearB /= trmx1 projector_symmetric. Qed.

Lemma complement_idempotent : complement *m complement = complement.
Proof.
by rewrite {1}/complement mulmxBl mul1mx /complement mulmxBr mulmx1 projector_idempotent subrr subr0.
Qed.

Lemma complement_kills_rows : B *m complement = 0.
Proof. by rewrite mulmxBr mulmx1 projector_fixes_rows subrr. Qed.

Lemma complement_trace : \tr complement = n%:R - m%:R.
Proof. by rewrite linearB /= mxtrace1 projector_trace. Qed.

End Projector.

Section Error.

Variables (R : realFieldType) (n : nat).
Implicit Types G : 'M[R]_n.

Definition error m G (A : 'M_(m, n)) := sqnorm (G *m complement (A *m G)).

(* The mean square error of mu + C (y - A mu), x - mu = G z with a standard normal z. *)
Definition linear_error m G (A : 'M_(m, n)) (C : 'M_(n, m)) := sqnorm (G - C *m A *m G).

Section Estimators.

Variables (m : nat) (G : 'M[R]_n) (A : 'M[R]_(m, n)).
Hypothesis full_rank : A *m G *m (A *m G)^T \in unitmx.

Theorem error_is_posterior_variance : error G A = \tr (G *m complement (A *m G) *m G^T).
Proof.
rewrite /error /sqnorm trmx_mul complement_symmetric // mulmxA.
by rewrite -[_ *m complement _ *m complement _]mulmxA complement_idempotent.
Qed.

Theorem error_of_linear C :
  linear_error G A C = error G A + sqnorm ((C - G *m pseudoinverse (A *m G)) *m (A *m G)).
Proof.
have split_error : G - C *m A *m G
    = G *m complement (A *m G) - (C - G *m pseudoinverse (A *m G)) *m (A *m G).
  by rewrite /complement mulmxBr mulmx1 mulmxBl /projector !mulmxA opprB addrA subrK.
rewrite /linear_error split_error sqnormB -[RHS]subr0; congr (_ - _).
rewrite innerC /inner trmx_mul complement_symmetric // -(mulmxA _ (A *m G)) (mulmxA (A *m G)).
by rewrite complement_kills_rows // mul0mx mulmx0 mxtrace0 mul0rn.
Qed.

Theorem error_is_least C : error G A <= linear_error G A C.
Proof. by rewrite error_of_linear ler_addl sqnorm_ge0. Qed.

Theorem error_is_attained : linear_error G A (G *m pseudoinverse (A *m G)) = error G A.
Proof. by rewrite error_of_linear subrr mul0mx sqnorm0 addr0. Qed.

Theorem error_only_by_the_most_likely C :
  linear_error G A C = error G A -> C = G *m pseudoinverse (A *m G).
Proof.
rewrite error_of_linear => /eqP; rewrite -[X in _ == X]addr0 (inj_eq (addrI _)) sqnorm_eq0 => /eqP no_rest.
apply/eqP; rewrite -subr_eq0; apply/eqP.
by rewrite -[LHS]mulmx1 -(pseudoinverse_feasible full_rank) mulmxA no_rest mul0mx.
Qed.

Lemma error_from_covariance : error G A
  = \tr (G *m G^T) - \tr (G *m G^T *m A^T *m invmx (A *m (G *m G^T) *m A^T) *m A *m (G *m G^T)).
Proof.
rewrite error_is_posterior_variance /complement mulmxBr mulmx1 mulmxBl linearB /=; congr (_ - \tr _).
by rewrite /projector /pseudoinverse trmx_mul !mulmxA.
Qed.

End Estimators.

(* What can be told from A can be told from more measurements. *)
Theorem error_falls_with_measurements m m' G (A : 'M_(m, n)) (A' : 'M_(m', n)) (D : 'M_(m, m')) :
  A *m G *m (A *m G)^T \in unitmx -> A' *m G *m (A' *m G)^T \in unitmx -> A = D *m A' ->
  error G A' <= error G A.
Proof.
move=> rank rank' A_is; rewrite -(error_is_attained rank) /linear_error.
apply: le_trans (error_is_least rank' (G *m pseudoinverse (A *m G) *m D)) _.
by rewrite {3}A_is /linear_error !mulmxA.
Qed.

(* The error for (U S V^T, A) is that for (S, A U). *)
Theorem error_rotates m (U V S : 'M[R]_n) (A : 'M_(m, n)) :
  U^T *m U = 1%:M -> V^T *m V = 1%:M -> A *m U *m S *m (A *m U *m S)^T \in unitmx ->
  error (U *m S *m V^T) A = error S (A *m U).
Proof.
move=> U_rotation V_rotation rank.
have covariance : U *m S *m V^T *m (U *m S *m V^T)^T = U *m (S *m S^T) *m U^T.
  by rewrite !trmx_mul trmxK !mulmxA -[_ *m V^T *m V]mulmxA V_rotation mulmx1.
have gram : A *m (U *m (S *m S^T) *m U^T) *m A^T = A *m U *m (S *m S^T) *m (A *m U)^T.
  by rewrite trmx_mul !mulmxA.
have rank' : A *m (U *m S *m V^T) *m (A *m (U *m S *m V^T))^T \in unitmx.
  rewrite trmx_mul !mulmxA -[_ *m (U *m S *m V^T)^T]mulmxA.
  move: rank; rewrite (trmx_mul (A *m U)) -!mulmxA [V^T *m _]mulmxA !trmx_mul trmxK !mulmxA.
  by rewrite -[_ *m V^T *m V]mulmxA V_rotation mulmx1.
rewrite !error_from_covariance // covariance gram.
have back : U *m U^T = 1%:M by apply: mulmx1C.
congr (_ - _).
  by rewrite mxtrace_mulC !mulmxA U_rotation mul1mx.
rewrite !trmx_mul !mulmxA mxtrace_mulC !mulmxA U_rotation mul1mx.
by rewrite -[_ *m U^T *m A^T]mulmxA.
Qed.

Theorem error_of_flat m (s : R) (A : 'M_(m, n)) : A *m s%:M *m (A *m s%:M)^T \in unitmx ->
  error s%:M A = s ^+ 2 * (n%:R - m%:R).
Proof.
move=> rank; rewrite /error mul_scalar_mx sqnormZ; congr (_ * _).
by rewrite /sqnorm complement_symmetric // complement_idempotent // complement_trace.
Qed.

(* A larger singular value never lowers the error. *)
Theorem error_rises_with_spectrum m (s s' : 'rV[R]_n) (A : 'M_(m, n)) :
  (forall i, 0 <= s 0 i) -> (forall i, s 0 i <= s' 0 i) ->
  A *m diag_mx s *m (A *m diag_mx s)^T \in unitmx -> A *m diag_mx s' *m (A *m diag_mx s')^T \in unitmx ->
  error (diag_mx s) A <= error (diag_mx s') A.
Proof.
move=> s_ge0 s_le rank rank'; rewrite -(error_is_attained rank').
apply: le_trans (error_is_least rank (diag_mx s' *m pseudoinverse (A *m diag_mx s'))) _.
have factored (d : 'rV[R]_n) C : linear_error (diag_mx d) A C = sqnorm ((1%:M - C *m A) *m diag_mx d).
  by rewrite mulmxBl mul1mx.
rewrite !factored !sqnorm_is_sum.
apply: ler_sum => i _; apply: ler_sum => j _.
have entry (M : 'M[R]_n) (d : 'rV[R]_n) : (M *m diag_mx d) i j = M i j * d 0 j by rewrite mul_mx_diag mxE.
rewrite !entry !exprMn ler_wpmul2l ?sqr_ge0 // // ler_pexpn2r ?nnegrE ?s_ge0 //.
by rewrite (le_trans (s_ge0 j)).
Qed.

End Error.
