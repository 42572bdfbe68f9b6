(* Chebyshev's sum inequality with weights, from its identity. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Chebyshev.

Variables (R : realFieldType) (I : finType).
Implicit Types w x y : I -> R.

Add Field scalars : (scalars_form_a_field R).

Definition similarly_ordered x y := forall i j, 0 <= (x i - x j) * (y i - y j).
Definition oppositely_ordered x y := forall i j, (x i - x j) * (y i - y j) <= 0.
Definition follows x y := forall i j, x j <= x i -> y j <= y i.
Definition opposes x y := forall i j, x j <= x i -> y i <= y j.

Lemma follows_similarly x y : follows x y -> similarly_ordered x y.
Proof.
move=> xy i j; case: (lerP (x j) (x i)) => [h | /ltW h].
  by rewrite mulr_ge0 // subr_ge0 // xy.
by rewrite mulr_le0 // subr_le0 // xy.
Qed.

Lemma opposes_oppositely x y : opposes x y -> oppositely_ordered x y.
Proof.
move=> xy i j; case: (lerP (x j) (x i)) => [h | /ltW h].
  by rewrite mulr_ge0_le0 // ?subr_ge0 // subr_le0 xy.
by rewrite mulr_le0_ge0 // ?subr_le0 // subr_ge0 xy.
Qed.

Lemma both_follow u x y : follows u x -> follows u y -> similarly_ordered x y.
Proof.
move=> ux uy i j; case: (lerP (u j) (u i)) => [h | /ltW h].
  by rewrite mulr_ge0 // subr_ge0 ?ux ?uy.
by rewrite mulr_le0 // subr_le0 ?ux ?uy.
Qed.

Lemma one_opposes u x y : opposes u x -> follows u y -> oppositely_ordered x y.
Proof.
move=> ux uy i j; case: (lerP (u j) (u i)) => [h | /ltW h].
  by rewrite mulr_le0_ge0 // ?subr_le0 ?subr_ge0 ?ux ?uy.
by rewrite mulr_ge0_le0 // ?subr_le0 ?subr_ge0 ?ux ?uy.
Qed.

Lemma product_of_sums x y : (\sum_i x i) * (\sum_i y i) = \sum_i \sum_j x i * y j.
Proof. by rewrite mulr_suml; apply: eq_bigr => i _; rewrite mulr_sumr. Qed.

Theorem chebyshev_identity w x y :
  (\sum_i w i) * (\sum_i w i * x i * y i) - (\sum_i w i * x i) * (\sum_i w i * y i)
  = 2%:R^-1 * \sum_i \sum_j w i * w j * ((x i - x j) * (y i - y j)).
Proof.
apply: (mulfI (two_neq0 R)); rewrite mulrA divff ?two_neq0 // mul1r mulrBr.
have twice (a b : I -> R) : 2%:R * ((\sum_i a i) * (\sum_i b i)) = \sum_i \sum_j (a i * b j + a j * b i).
  rewrite mulr2n mulrDl mul1r product_of_sums.
  rewrite [X in _ + X = _](exchange_big_dep predT) //= -big_split; apply: eq_bigr => i _.
  by rewrite -big_split.
rewrite !twice -sumrB; apply: eq_bigr => i _; rewrite -sumrB; apply: eq_bigr => j _.
by name_operations R; ring.
Qed.

Theorem chebyshev_similarly w x y : (forall i, 0 <= w i) -> similarly_ordered x y ->
  (\sum_i w i * x i) * (\sum_i w i * y i) <= (\sum_i w i) * (\sum_i w i * x i * y i).
Proof.
move=> w_ge0 xy; rewrite -subr_ge0 chebyshev_identity mulr_ge0 ?invr_ge0 ?ler0n //.
by apply: sumr_ge0 => i _; apply: sumr_ge0 => j _; rewrite mulr_ge0 ?xy // mulr_ge0.
Qed.

Theorem chebyshev_oppositely w x y : (forall i, 0 <= w i) -> oppositely_ordered x y ->
  (\sum_i w i) * (\sum_i w i * x i * y i) <= (\sum_i w i * x i) * (\sum_i w i * y i).
Proof.
move=> w_ge0 xy; rewrite -subr_le0 chebyshev_identity mulr_ge0_le0 ?invr_ge0 ?ler0n //.
by apply: sumr_le0 => i _; apply: sumr_le0 => j _; rewrite mulr_ge0_le0 ?xy // mulr_ge0.
Qed.

Theorem chebyshev_strictly w x y i j :
  (forall k, 0 < w k) -> oppositely_ordered x y -> (x i - x j) * (y i - y j) < 0 ->
  (\sum_i w i) * (\sum_i w i * x i * y i) < (\sum_i w i * x i) * (\sum_i w i * y i).
Proof.
move=> w_gt0 xy strict; rewrite -subr_lt0 chebyshev_identity pmulr_rlt0 ?invr_gt0 ?two_gt0 //.
have le0 k l : w k * w l * ((x k - x l) * (y k - y l)) <= 0.
  by rewrite mulr_ge0_le0 ?xy // mulr_ge0 ?ltW.
rewrite (bigD1 i) //= (bigD1 j) //= -addrA ltr_naddr //; last first.
  by rewrite pmulr_rlt0 ?mulr_gt0.
rewrite addr_le0 ?sumr_le0 // => k _; exact: sumr_le0.
Qed.

End Chebyshev.
