(* The most likely signal is the one of minimum norm in the latent space; the penalised one. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Frobenius.

Variable R : realFieldType.

Add Field frobenius_scalars : (scalars_form_a_field R).

(* |M|_F^2; the squared length of a column. *)
Definition sqnorm p q (M : 'M[R]_(p, q)) := \tr (M *m M^T).
Definition inner p q (M N : 'M[R]_(p, q)) := \tr (M *m N^T).

Lemma sqnorm_is_sum p q (M : 'M[R]_(p, q)) : sqnorm M = \sum_i \sum_j M i j ^+ 2.
Proof. by apply: eq_bigr => i _; rewrite mxE; apply: eq_bigr => j _; rewrite mxE expr2. Qed.

Lemma sqnorm_ge0 p q (M : 'M[R]_(p, q)) : 0 <= sqnorm M.
Proof. by rewrite sqnorm_is_sum; apply: sumr_ge0 => i _; apply: sumr_ge0 => j _; rewrite sqr_ge0. Qed.

Lemma sqnorm_eq0 p q (M : 'M[R]_(p, q)) : (sqnorm M == 0) = (M == 0).
Proof.
apply/eqP/eqP => [|->]; last by rewrite /sqnorm mul0mx mxtrace0.
rewrite sqnorm_is_sum => all0; apply/matrixP => i j; rewrite mxE.
have row_ge0 i' : predT i' -> 0 <= \sum_j' M i' j' ^+ 2 by move=> _; apply: sumr_ge0 => j' _; exact: sqr_ge0.
have row0 := psumr_eq0P row_ge0 all0 (i := i) isT.
have entry_ge0 j' : predT j' -> 0 <= M i j' ^+ 2 by move=> _; exact: sqr_ge0.
by have /eqP := psumr_eq0P entry_ge0 row0 (i := j) isT; rewrite sqrf_eq0 => /eqP.
Qed.

Lemma sqnorm0 p q : sqnorm (0 : 'M_(p, q)) = 0.
Proof. by apply/eqP; rewrite sqnorm_eq0. Qed.

Lemma innerC p q (M N : 'M[R]_(p, q)) : inner M N = inner N M.
Proof. by rewrite /inner -mxtrace_tr trmx_mul trmxK. Qed.

Lemma sqnormD p q (M N : 'M[R]_(p, q)) : sqnorm (M + N) = sqnorm M + sqnorm N + inner M N *+ 2.
Proof.
have regroup (a b c : R) : a + c + (c + b) = a + b + c *+ 2 by name_operations R; ring.
by rewrite /sqnorm linearD /= mulmxDl !mulmxDr !linearD /= -/(inner N M) (innerC N) regroup.
Qed.

Lemma sqnormB p q (M N : 'M[R]_(p, q)) : sqnorm (M - N) = sqnorm M + sqnorm N - inner M N *+ 2.
Proof.
rewrite sqnormD; congr (_ + _ + _); first by rewrite /sqnorm linearN /= mulNmx mulmxN opprK.
by rewrite /inner linearN /= mulmxN linearN /= mulNrn.
Qed.

Lemma sqnormZ p q a (M : 'M[R]_(p, q)) : sqnorm (a *: M) = a ^+ 2 * sqnorm M.
Proof. by rewrite /sqnorm linearZ /= -scalemxAl -scalemxAr !linearZ /= mulrA expr2. Qed.

Lemma sqnorm_pythagoras p q (M N : 'M[R]_(p, q)) : inner M N = 0 -> sqnorm (M + N) = sqnorm M + sqnorm N.
Proof. by move=> orthogonal; rewrite sqnormD orthogonal mul0rn addr0. Qed.

(* A penalty makes every Gram matrix invertible. *)
Lemma penalised_gram_invertible p q (M : 'M[R]_(p, q)) gamma : 0 < gamma ->
  M *m M^T + gamma%:M \in unitmx.
Proof.
move=> gamma_gt0; rewrite -row_free_unit -kermx_eq0 -sqnorm_eq0.
set K := kermx _; have kernel : K *m (M *m M^T + gamma%:M) = 0 by exact: mulmx_ker.
have : sqnorm (K *m M) + gamma * sqnorm K = 0.
  transitivity (\tr (K *m (M *m M^T + gamma%:M) *m K^T)); last by rewrite kernel mul0mx mxtrace0.
  rewrite /sqnorm trmx_mul mulmxDr mulmxDl linearD /= !mulmxA; congr (_ + _).
  by rewrite mul_mx_scalar -scalemxAl linearZ.
move/eqP; rewrite paddr_eq0 ?mulr_ge0 ?sqnorm_ge0 ?(ltW gamma_gt0) // => /andP[_].
by rewrite mulf_eq0 (gt_eqF gamma_gt0).
Qed.

Lemma penalised_inner_invertible p q (M : 'M[R]_(p, q)) gamma : 0 < gamma ->
  M^T *m M + gamma%:M \in unitmx.
Proof. by move=> gamma_gt0; have := penalised_gram_invertible M^T gamma_gt0; rewrite trmxK. Qed.

End Frobenius.

Section MinimumNorm.

Variables (R : realFieldType) (m n : nat) (B : 'M[R]_(m, n)).
(* The measurements of the latent are linearly independent. *)
Hypothesis full_rank : B *m B^T \in unitmx.

Definition pseudoinverse : 'M[R]_(n, m) := B^T *m invmx (B *m B^T).

Lemma gram_symmetric : (invmx (B *m B^T))^T = invmx (B *m B^T).
Proof. by rewrite trmx_inv trmx_mul trmxK. Qed.

Theorem pseudoinverse_feasible : B *m pseudoinverse = 1%:M.
Proof. by rewrite mulmxA mulmxV. Qed.

Section OneMeasurement.

Variables (r : 'cV[R]_m) (z : 'cV[R]_n).
Hypothesis feasible : B *m z = r.

Theorem minimum_norm_pythagoras :
  sqnorm z = sqnorm (pseudoinverse *m r) + sqnorm (z - pseudoinverse *m r).
Proof.
rewrite -sqnorm_pythagoras ?[_ + (z - _)]addrC ?subrK // innerC /inner /pseudoinverse.
rewrite !trmx_mul trmxK gram_symmetric mxtrace_mulC -!mulmxA mulmxBr feasible.
by rewrite [B *m (B^T *m _)]mulmxA [B *m B^T *m _]mulmxA mulmxV // mul1mx subrr !mulmx0 mxtrace0.
Qed.

Theorem minimum_norm : sqnorm (pseudoinverse *m r) <= sqnorm z.
Proof. by rewrite minimum_norm_pythagoras ler_addl sqnorm_ge0. Qed.

Theorem minimum_norm_unique : sqnorm z <= sqnorm (pseudoinverse *m r) -> z = pseudoinverse *m r.
Proof.
rewrite minimum_norm_pythagoras ger_addl => le0; apply/eqP; rewrite -subr_eq0 -sqnorm_eq0.
by rewrite eq_le le0 sqnorm_ge0.
Qed.

End OneMeasurement.

End MinimumNorm.

Section MostLikely.

(* x = mu + G z with a standard normal z; the density of x falls with (x - mu)^T (G G^T)^{-1} (x - mu). *)
Variables (R : realFieldType) (m n : nat) (G : 'M[R]_n) (A : 'M[R]_(m, n)) (mu : 'cV[R]_n) (y : 'cV[R]_m).
Hypotheses (G_invertible : G \in unitmx) (full_rank : A *m G *m (A *m G)^T \in unitmx).

Definition exponent (x : 'cV[R]_n) := \tr ((x - mu)^T *m invmx (G *m G^T) *m (x - mu)).
Definition most_likely : 'cV[R]_n := mu + G *m (pseudoinverse (A *m G) *m (y - A *m mu)).

Lemma exponent_is_latent_norm x : exponent x = sqnorm (invmx G *m (x - mu)).
Proof.
have G_transposed : G^T \in unitmx by rewrite unitmx_tr.
rewrite /exponent; have -> : invmx (G *m G^T) = (invmx G)^T *m invmx G.
  have product_invertible : G *m G^T \in unitmx by rewrite unitmx_mul G_invertible G_transposed.
  rewrite trmx_inv -[LHS]mulmx1 -(mulmxV G_invertible) -[X in _ *m (X *m _)]mulmx1 -(mulmxV G_transposed).
  by rewrite !mulmxA -[invmx (G *m G^T) *m G *m G^T]mulmxA mulVmx // mul1mx.
by rewrite /sqnorm trmx_mul [RHS]mxtrace_mulC !mulmxA.
Qed.

Theorem most_likely_feasible : A *m most_likely = y.
Proof. by rewrite mulmxDr mulmxA mulmxA pseudoinverse_feasible // mul1mx addrC subrK. Qed.

Theorem most_likely_least x : A *m x = y ->
  exponent most_likely <= exponent x /\ (exponent x <= exponent most_likely -> x = most_likely).
Proof.
move=> x_feasible; rewrite !exponent_is_latent_norm /most_likely [mu + _]addrC addrK mulKmx //.
pose z := invmx G *m (x - mu); rewrite -/z.
have z_feasible : A *m G *m z = y - A *m mu by rewrite -mulmxA mulKVmx // mulmxBr x_feasible.
split=> [|le]; first exact: minimum_norm.
rewrite -(minimum_norm_unique full_rank z_feasible le) mulKVmx //.
by rewrite subrK.
Qed.

End MostLikely.

Section Penalised.

(* Noise of variance gamma; the rank of B is any. *)
Variables (R : realFieldType) (m n : nat) (B : 'M[R]_(m, n)) (gamma : R) (r : 'cV[R]_m).
Hypothesis gamma_gt0 : 0 < gamma.

Let inner_invertible := penalised_inner_invertible B gamma_gt0.
Let outer_invertible := penalised_gram_invertible B gamma_gt0.

Add Field scalars : (scalars_form_a_field R).

Definition objective (z : 'cV[R]_n) := sqnorm (B *m z - r) + gamma * sqnorm z.
Definition penalised := invmx (B^T *m B + gamma%:M) *m (B^T *m r).

Theorem push_through : penalised = B^T *m (invmx (B *m B^T + gamma%:M) *m r).
Proof.
apply: (can_inj (mulKmx inner_invertible)); rewrite mulKVmx // mulmxA.
have -> : (B^T *m B + gamma%:M) *m B^T = B^T *m (B *m B^T + gamma%:M).
  by rewrite mulmxDl mulmxDr mul_scalar_mx mul_mx_scalar mulmxA.
by rewrite -!mulmxA mulKVmx.
Qed.

Theorem completed_square z :
  objective z = objective penalised + (sqnorm (B *m (z - penalised)) + gamma * sqnorm (z - penalised)).
Proof.
pose d := z - penalised; have z_is : z = penalised + d by rewrite addrC subrK.
rewrite -/d z_is /objective mulmxDr [B *m penalised + _ - r]addrAC !sqnormD.
have crossed : inner (B *m penalised - r) (B *m d) + gamma * inner penalised d = 0.
  rewrite /inner trmx_mul mulmxA mxtrace_mulC mulmxA -mxtraceZ -linearD /= scalemxAl -mulmxDl.
  rewrite mulmxBr mulmxA addrAC -mul_scalar_mx -mulmxDl mulKVmx //.
  by rewrite subrr mul0mx mxtrace0.
have regroup (a b c a' b' c' : R) : c + gamma * c' = 0 ->
    a + b + c *+ 2 + gamma * (a' + b' + c' *+ 2) = a + gamma * a' + (b + gamma * b').
  move=> c_0; have -> : a + b + c *+ 2 + gamma * (a' + b' + c' *+ 2)
    = a + gamma * a' + (b + gamma * b') + 2%:R * (c + gamma * c') by name_operations R; ring.
  by rewrite c_0 mulr0 addr0.
exact: regroup.
Qed.

Theorem penalised_least z :
  objective penalised <= objective z /\ (objective z <= objective penalised -> z = penalised).
Proof.
rewrite (completed_square z); split=> [|le].
  by rewrite ler_addl addr_ge0 ?sqnorm_ge0 // mulr_ge0 ?sqnorm_ge0 // ltW.
move: le; rewrite ger_addl => le0; apply/eqP; rewrite -subr_eq0 -sqnorm_eq0 eq_le sqnorm_ge0 andbT.
by rewrite -(pmulr_rle0 _ gamma_gt0) (le_trans _ le0) // ler_addr sqnorm_ge0.
Qed.

End Penalised.
