(* The outer link (n-m)/(n-m-1) (m+1) kappa_(m+1) <= E_m of the chain, for laws of finitely many values. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section OuterLink.

Variable R : realFieldType.

Add Field scalars : (scalars_form_a_field R).

(* The integrand of E 1/(b S b^T) is least, at a given trace, if the eigenvalues s_i of S are equal. *)
Theorem determinant_at_most (I : finType) (s : I -> R) (t : R) : (forall i, 0 <= s i) -> 0 <= t ->
  \prod_i (1 + t * s i) <= (1 + t * ((\sum_i s i) / #|I|%:R)) ^+ #|I|.
Proof.
move=> s_ge0 t_ge0; have [I_empty | I_some] := posnP #|I|.
  by rewrite I_empty expr0 big1 // => i; have := fintype0 i I_empty.
have terms_ge0 : {in I, forall i, 0 <= 1 + t * s i} by move=> i _; rewrite addr_ge0 ?ler01 ?mulr_ge0.
have [bound _] := leif_AGM terms_ge0.
suff -> : 1 + t * ((\sum_i s i) / #|I|%:R) = (\sum_(i in I) (1 + t * s i)) / #|I|%:R by [].
rewrite big_split /= sumr_const mulrDl divff ?pnatr_eq0 -?lt0n //.
by rewrite -mulr_sumr mulrA.
Qed.

Variables (K : finType) (p : K -> R).
Hypotheses (p_ge0 : forall k, 0 <= p k) (p_total : \sum_k p k = 1).

Theorem jensen_inverse (y : K -> R) : (forall k, 0 < y k) ->
  1 <= (\sum_k p k * y k) * (\sum_k p k / y k).
Proof.
move=> y_gt0; have y_neq0 k : y k != 0 by rewrite lt0r_neq0.
have -> : 1 = (\sum_k p k) * (\sum_k p k) by rewrite p_total mulr1.
rewrite -subr_ge0 !product_of_sums -sumrB.
rewrite (eq_bigr (fun k => \sum_k' p k * p k' * (y k / y k' - 1))); last first.
  move=> k _; rewrite -sumrB; apply: eq_bigr => k' _.
  by have n1 := y_neq0 k'; name_operations R; field; apply/eqP.
rewrite double_sum_symmetric mulr_ge0 ?invr_ge0 ?ler0n //.
apply: sumr_ge0 => k _; apply: sumr_ge0 => k' _.
have -> : p k * p k' * (y k / y k' - 1) + p k' * p k * (y k' / y k - 1)
  = p k * p k' * ((y k - y k') ^+ 2 / (y k * y k')).
  by have [n1 n2] := (y_neq0 k, y_neq0 k'); name_operations R; field; split; apply/eqP.
apply: mulr_ge0; first by rewrite mulr_ge0.
by rewrite divr_ge0 ?sqr_ge0 // mulr_ge0 ?(ltW (y_gt0 _)).
Qed.

(* trace: that of S for m complex rows; inverse: the mean of 1/(b S b^T) over one more row b, given S. *)
Variables (trace inverse : K -> R) (N : nat) (bound : R).
Hypotheses (trace_gt0 : forall k, 0 < trace k) (N_ge2 : (1 < N)%N) (bound_gt0 : 0 < bound).
Hypothesis equal_eigenvalues_least : forall k, N%:R / (N.-1%:R * trace k) <= inverse k.
Hypothesis inverse_trace : \sum_k p k * inverse k <= 1 / bound.

Theorem outer_link : N%:R / N.-1%:R * bound <= \sum_k p k * trace k.
Proof.
have below_gt0 : 0 < N.-1%:R :> R by rewrite ltr0n -ltnS prednK // ltnW.
have N_gt0 : 0 < N%:R :> R by rewrite ltr0n ltnW.
pose c := N%:R / N.-1%:R : R; have c_gt0 : 0 < c by rewrite divr_gt0.
have small : c * (\sum_k p k / trace k) <= 1 / bound.
  apply: le_trans inverse_trace; rewrite mulr_sumr; apply: ler_sum => k _.
  by rewrite mulrCA ler_wpmul2l // /c -mulrA -invfM.
have positive : 0 <= \sum_k p k * trace k by rewrite sumr_ge0 // => k _; rewrite mulr_ge0 // ltW.
have := jensen_inverse trace_gt0 => jensen.
have : c * 1 <= (\sum_k p k * trace k) * (1 / bound).
  apply: le_trans (_ : c * ((\sum_k p k * trace k) * (\sum_k p k / trace k)) <= _).
    by rewrite ler_pmul2l.
  by rewrite mulrCA ler_wpmul2l.
by rewrite mulr1 div1r ler_pdivl_mulr.
Qed.

End OuterLink.
