(* For every A the invertible prior is at least as good as each truncated one; the same with noise. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic minimum_norm error.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Dominance.

(* The first k directions and the p others; m measurements. *)
Variables (R : realFieldType) (m k p : nat).
Variables (A_1 : 'M[R]_(m, k)) (A_2 : 'M[R]_(m, p)) (Sigma_1 : 'M[R]_k) (Sigma_2 : 'M[R]_p).

Notation A := (row_mx A_1 A_2).
Notation Sigma := (block_mx Sigma_1 0 0 Sigma_2).

Hypothesis truncation_identifiable : A_1^T *m A_1 \in unitmx.
Hypothesis full_rank : A *m Sigma *m (A *m Sigma)^T \in unitmx.

Definition least_squares := invmx (A_1^T *m A_1) *m A_1^T.
Definition truncated_estimator : 'M[R]_(k + p, m) := col_mx least_squares 0.
Definition truncated_error := sqnorm Sigma_2 + sqnorm (least_squares *m A_2 *m Sigma_2).

Theorem normal_equations (r : 'cV_m) (c : 'cV_k) :
  sqnorm (A_1 *m (least_squares *m r) - r) <= sqnorm (A_1 *m c - r).
Proof.
set best := least_squares *m r.
have -> : A_1 *m c - r = (A_1 *m best - r) + A_1 *m (c - best).
  by rewrite mulmxBr [RHS]addrC addrA subrK.
rewrite [X in _ <= X]sqnorm_pythagoras; first by rewrite ler_addl sqnorm_ge0.
rewrite /inner trmx_mul mulmxA mxtrace_mulC mulmxA.
have -> : A_1^T *m (A_1 *m best - r) = 0.
  by rewrite mulmxBr /best /least_squares !mulmxA mulmxV // mul1mx subrr.
by rewrite mul0mx mxtrace0.
Qed.

Theorem error_of_truncation : linear_error Sigma A truncated_estimator = truncated_error.
Proof.
have identity : least_squares *m A_1 = 1%:M by rewrite -mulmxA mulVmx.
rewrite /linear_error -mulmxA mul_row_block !mulmx0 addr0 add0r mul_col_row !mul0mx.
rewrite mulmxA identity mul1mx opp_block_mx add_block_mx subrr !oppr0 !add0r addr0.
rewrite /sqnorm tr_block_mx !trmx0 mulmx_block !mul0mx !add0r mxtrace_block addrC.
by rewrite linearN /= mulNmx mulmxN opprK mulmxA.
Qed.

Theorem truncation_exceeds : truncated_error
  = error Sigma A + sqnorm ((truncated_estimator - Sigma *m pseudoinverse (A *m Sigma)) *m (A *m Sigma)).
Proof. by rewrite -error_of_truncation error_of_linear. Qed.

Theorem dominance : error Sigma A <= truncated_error.
Proof. by rewrite truncation_exceeds ler_addl sqnorm_ge0. Qed.

Theorem dominance_equality :
  error Sigma A = truncated_error <-> truncated_estimator = Sigma *m pseudoinverse (A *m Sigma).
Proof.
split=> [same|same]; last by rewrite -error_of_truncation same error_is_attained.
by apply: error_only_by_the_most_likely => //; rewrite error_of_truncation.
Qed.

End Dominance.

Section Noise.

(* Measurements with independent noise of variance gamma = s^2, and every linear estimator C. *)
Variables (R : realFieldType) (m n : nat) (G : 'M[R]_n) (B : 'M[R]_(m, n)) (gamma : R).

Add Field scalars : (scalars_form_a_field R).

Hypothesis gamma_gt0 : 0 < gamma.

Notation W := (B *m B^T + gamma%:M).

Let W_invertible : W \in unitmx. Proof. exact: penalised_gram_invertible. Qed.

Definition noisy_error (C : 'M[R]_(n, m)) := sqnorm (G - C *m B) + gamma * sqnorm C.
Definition penalised_estimator := G *m B^T *m invmx W.
Definition excess (C : 'M[R]_(n, m)) :=
  sqnorm ((C - penalised_estimator) *m B) + gamma * sqnorm (C - penalised_estimator).

Lemma W_symmetric : W^T = W.
Proof. by rewrite linearD /= trmx_mul trmxK tr_scalar_mx. Qed.

Lemma penalised_normal : penalised_estimator *m W = G *m B^T.
Proof. by rewrite mulmxKV. Qed.

Lemma quadratic (C : 'M[R]_(n, m)) : sqnorm (C *m B) + gamma * sqnorm C = \tr (C *m W *m C^T).
Proof.
rewrite /sqnorm trmx_mul mulmxDr mulmxDl linearD /= !mulmxA mul_mx_scalar -scalemxAl linearZ /=.
by [].
Qed.

Lemma noisy_error_is C : noisy_error C = sqnorm G - (\tr (C *m B *m G^T)) *+ 2 + \tr (C *m W *m C^T).
Proof.
by rewrite -quadratic /noisy_error sqnormB innerC [RHS]addrA; congr (_ + _); exact: addrAC.
Qed.

Theorem noisy_error_least : noisy_error penalised_estimator
  = \tr (G *m (1%:M - B^T *m invmx W *m B) *m G^T).
Proof.
rewrite noisy_error_is mulmxBr mulmx1 mulmxBl linearB /= !mulmxA penalised_normal.
have -> : \tr (G *m B^T *m penalised_estimator^T) = \tr (penalised_estimator *m B *m G^T).
  by rewrite -mxtrace_tr trmx_mul trmxK trmx_mul trmxK mulmxA.
by rewrite mulr2n opprD addrA -addrA [- _ + _]addrC subrr addr0 /penalised_estimator.
Qed.

Lemma quadratic_expands (C D : 'M[R]_(n, m)) (M : 'M[R]_m) : \tr ((C + D) *m M *m (C + D)^T)
  = \tr (C *m M *m C^T) + \tr (D *m M *m C^T) + (\tr (C *m M *m D^T) + \tr (D *m M *m D^T)).
Proof. by rewrite linearD /= mulmxDl mulmxDr !mulmxDl !linearD /=. Qed.

Theorem dominance_with_noise C : noisy_error C = noisy_error penalised_estimator + excess C.
Proof.
have expands D : noisy_error (penalised_estimator + D)
    = noisy_error penalised_estimator + (sqnorm (D *m B) + gamma * sqnorm D).
  rewrite quadratic !noisy_error_is quadratic_expands penalised_normal 2!mulmxDl linearD /=.
  have -> : \tr (D *m W *m penalised_estimator^T) = \tr (D *m B *m G^T).
    have flip : W *m penalised_estimator^T = B *m G^T.
      by rewrite -{1}W_symmetric -trmx_mul penalised_normal trmx_mul trmxK.
    by rewrite -mulmxA flip mulmxA.
  have -> : \tr (G *m B^T *m D^T) = \tr (D *m B *m G^T).
    by rewrite -mxtrace_tr !trmx_mul !trmxK mulmxA.
  have regroup (a b c d e : R) : a - (b + c) *+ 2 + (d + c + (c + e)) = a - b *+ 2 + d + e.
    by name_operations R; ring.
  exact: regroup.
by rewrite -{1}(subrK penalised_estimator C) [C - _ + _]addrC expands.
Qed.

Theorem excess_ge0 C : 0 <= excess C.
Proof. by rewrite addr_ge0 ?mulr_ge0 ?sqnorm_ge0 ?(ltW gamma_gt0). Qed.

Theorem excess_eq0 C : excess C = 0 -> C = penalised_estimator.
Proof.
move=> /eqP; rewrite paddr_eq0 ?mulr_ge0 ?sqnorm_ge0 ?(ltW gamma_gt0) //.
by rewrite mulf_eq0 (gt_eqF gamma_gt0) !sqnorm_eq0 /= subr_eq0 => /andP[_ /eqP].
Qed.

End Noise.
