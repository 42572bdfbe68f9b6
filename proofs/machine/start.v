(* Where the descent starts adds to the error by its second moments; a penalty forgets the start. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic minimum_norm error descent.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Start.

Variables (R : realFieldType) (m n : nat) (G : 'M[R]_n) (A : 'M[R]_(m, n)).
Hypothesis full_rank : A *m G *m (A *m G)^T \in unitmx.

Notation B := (A *m G).

Theorem limit_misses (z start : 'cV[R]_n) :
  limit B (B *m z) start - z = complement B *m (start - z).
Proof.
rewrite /limit -mulmxBr mulmxA -/(projector B) /complement mulmxBl mul1mx.
by rewrite addrAC -[z - start]opprB mulmxN.
Qed.

(* Latents z_k and starts with probabilities p_k, of any law with these second moments of start - z. *)
Variables (K : finType) (p : K -> R) (z start : K -> 'cV[R]_n).

Definition mean_square_error := \sum_k p k * sqnorm (G *m (limit B (B *m z k) (start k) - z k)).

Theorem error_of_start :
  mean_square_error = \tr (G *m complement B *m (\sum_k p k *: ((start k - z k) *m (start k - z k)^T))
                           *m (G *m complement B)^T).
Proof.
rewrite mulmx_sumr mulmx_suml linear_sum; apply: eq_bigr => k _.
by rewrite limit_misses /sqnorm -scalemxAr -scalemxAl linearZ /= mulmxA trmx_mul !mulmxA.
Qed.

Theorem factor_of_start tau :
  \sum_k p k *: (z k *m (z k)^T) = 1%:M -> \sum_k p k *: (start k *m (start k)^T) = (tau ^+ 2)%:M ->
  \sum_k p k *: (start k *m (z k)^T) = 0 -> mean_square_error = (1 + tau ^+ 2) * error G A.
Proof.
move=> of_z of_start crossed; rewrite error_of_start.
have -> : \sum_k p k *: ((start k - z k) *m (start k - z k)^T) = (1 + tau ^+ 2)%:M.
  have crossed' : \sum_k p k *: (z k *m (start k)^T) = 0.
    apply: trmx_inj; rewrite trmx0 -[RHS]crossed raddf_sum; apply: eq_bigr => k _.
    by rewrite /= linearZ /= trmx_mul trmxK.
  have term k : p k *: ((start k - z k) *m (start k - z k)^T)
      = p k *: (start k *m (start k)^T) - p k *: (start k *m (z k)^T)
        - (p k *: (z k *m (start k)^T) - p k *: (z k *m (z k)^T)).
    by rewrite linearB /= mulmxBl !mulmxBr !scalerBr.
  rewrite (eq_bigr _ (fun k _ => term k)) !sumrB of_z of_start crossed crossed'.
  by rewrite subr0 sub0r opprK addrC -raddfD.
by rewrite mul_mx_scalar -scalemxAl linearZ.
Qed.

End Start.

Section Penalty.

Variables (R : realFieldType) (m n : nat) (B : 'M[R]_(m, n)) (r : 'cV[R]_m) (gamma alpha : R).
Hypothesis full_rank : B *m B^T \in unitmx.
Hypotheses (gamma_gt0 : 0 < gamma) (alpha_ge0 : 0 <= alpha).
Hypothesis smallest : forall u : 'cV_m, alpha * sqnorm (B^T *m u) <= sqnorm (B *m (B^T *m u)).

Let inner_invertible := penalised_inner_invertible B gamma_gt0.
Let outer_invertible := penalised_gram_invertible B gamma_gt0.

Add Field scalars : (scalars_form_a_field R).

(* In lengths: |z_gamma - z_star| <= gamma / (alpha + gamma) |z_star|. *)
Theorem penalty_close : (alpha + gamma) ^+ 2 * sqnorm (penalised B gamma r - pseudoinverse B *m r)
  <= gamma ^+ 2 * sqnorm (pseudoinverse B *m r).
Proof.
pose N := B^T *m B + gamma%:M; pose v := invmx (B *m B^T + gamma%:M) *m (invmx (B *m B^T) *m r).
pose w := B^T *m v; set least := pseudoinverse B *m r.
have explains : B *m least = r by rewrite mulmxA pseudoinverse_feasible // mul1mx.
have shifted : N *m w = least.
  rewrite /w mulmxA; have -> : N *m B^T = B^T *m (B *m B^T + gamma%:M).
    by rewrite mulmxDl mulmxDr mul_scalar_mx mul_mx_scalar mulmxA.
  by rewrite -mulmxA mulKVmx // mulmxA.
have -> : penalised B gamma r - least = - gamma *: w.
  apply: (can_inj (mulKmx inner_invertible)).
  rewrite mulmxBr mulKVmx // -scalemxAr shifted mulmxDl -mulmxA explains mul_scalar_mx.
  by rewrite opprD addrA subrr add0r scaleNr.
rewrite sqnormZ sqrrN mulrCA ler_wpmul2l ?sqr_ge0 //.
have along c : inner (B^T *m (B *m w)) (c *: w) = c * sqnorm (B *m w).
  rewrite /inner linearZ /= -scalemxAr linearZ /=; congr (_ * _).
  by rewrite -(mulmxA B^T) mxtrace_mulC -(mulmxA (B *m w)) -trmx_mul.
have -> : sqnorm least = sqnorm (B^T *m (B *m w)) + gamma ^+ 2 * sqnorm w + (gamma * sqnorm (B *m w)) *+ 2.
  by rewrite -shifted mulmxDl mul_scalar_mx -mulmxA sqnormD sqnormZ along.
have bent : 0 <= sqnorm (B^T *m (B *m w) - alpha *: w) by exact: sqnorm_ge0.
move: bent (smallest v); rewrite -/w sqnormB sqnormZ along.
move: (sqnorm (B^T *m _)) (sqnorm (B *m w)) (sqnorm w) => far once here bent curved.
rewrite -subr_ge0.
have -> : far + gamma ^+ 2 * here + (gamma * once) *+ 2 - (alpha + gamma) ^+ 2 * here
  = (far + alpha ^+ 2 * here - (alpha * once) *+ 2) + (2%:R * (alpha + gamma)) * (once - alpha * here).
  by name_operations R; ring.
by rewrite addr_ge0 // mulr_ge0 ?subr_ge0 // mulr_ge0 ?ler0n // addr_ge0 // ltW.
Qed.

End Penalty.
