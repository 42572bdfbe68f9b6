(* Complex measurements: E_m <= m kappa_m, from two identities between integrals, (A) and (B). *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic chebyshev symmetric newton.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sandwich.

(* The l_i are the squared singular values over kappa_m, and m = k + 1. *)
Variables (R : realFieldType) (I : finType) (l : I -> R) (k : nat).
Hypotheses (l_gt0 : forall i, 0 < l i) (fewer : (k.+1 < #|I|)%N).

Add Field scalars : (scalars_form_a_field R).

Notation everything := [set: I].
Notation e := (elementary l).

Definition a i := l i / (l i + 1).
Definition b i := 1 / (l i + 1).
(* The probability that i is not among the m that are drawn, given that m are drawn. *)
Definition w i := e (everything :\ i) k.+1 / e everything k.+1.
Definition r i := 1 - e (everything :\ i) k / e (everything :\ i) k.+1.

Let l1_neq0 i : l i + 1 != 0. Proof. by rewrite lt0r_neq0 // addr_gt0 ?ltr01. Qed.
Let e_gt0 : 0 < e everything k.+1. Proof. by rewrite elementary_gt0 // cardsT ltnW. Qed.
Let card_without i : #|everything :\ i| = #|I|.-1.
Proof. by have := cardsD1 i everything; rewrite cardsT inE => ->. Qed.
Let e_without_gt0 i : 0 < e (everything :\ i) k.+1.
Proof. by rewrite elementary_gt0 // card_without -ltnS prednK // (leq_ltn_trans _ fewer). Qed.

Lemma a_gt0 i : 0 < a i. Proof. by rewrite divr_gt0 // addr_gt0 ?ltr01. Qed.
Lemma b_gt0 i : 0 < b i. Proof. by rewrite divr_gt0 ?ltr01 // addr_gt0 ?ltr01. Qed.
Lemma w_gt0 i : 0 < w i. Proof. by rewrite divr_gt0. Qed.
Lemma a_plus_b i : a i + b i = 1. Proof. by rewrite /a /b -mulrDl divff. Qed.
Lemma a_over_b i : a i = l i * b i. Proof. by rewrite /a /b mul1r. Qed.

Lemma one_minus_w i : 1 - w i = l i * e (everything :\ i) k / e everything k.+1.
Proof.
have := elementary_recursion l k.+1 (in_setT i) => /= e_is.
apply: (mulIf (lt0r_neq0 e_gt0)); rewrite mulrBl mul1r !mulfVK ?lt0r_neq0 // {1}e_is.
by rewrite addrC addKr.
Qed.

Lemma w_total : \sum_i w i = #|I|%:R - k.+1%:R.
Proof.
have : \sum_i (1 - w i) = k.+1%:R.
  rewrite (eq_bigr _ (fun i _ => one_minus_w i)) -mulr_suml.
  apply: (mulIf (lt0r_neq0 e_gt0)); rewrite mulfVK ?lt0r_neq0 // -elementary_counted.
  by apply: eq_bigl => i; rewrite inE.
by rewrite sumrB sumr_const cardT -cardE => <-; rewrite opprB addrC subrK.
Qed.

Lemma a_w_r i : a i * w i * r i = w i - b i.
Proof.
have b_share : a i * (e (everything :\ i) k / e everything k.+1) = b i * (1 - w i).
  by rewrite one_minus_w a_over_b; name_operations R; ring.
have -> : a i * w i * r i = a i * w i - a i * (e (everything :\ i) k / e everything k.+1).
  rewrite /r mulrBr mulr1 /w; congr (_ - _).
  have [n1 n2] := (lt0r_neq0 e_gt0, lt0r_neq0 (e_without_gt0 i)).
  by name_operations R; field; split; apply/eqP.
rewrite b_share; have -> : a i = 1 - b i by rewrite -(a_plus_b i) addrK.
by name_operations R; ring.
Qed.

Lemma r_difference i j : i != j -> r i - r j
  = - ((l i - l j) * (e (everything :\ i :\ j) k ^+ 2
                      - before l (everything :\ i :\ j) k * e (everything :\ i :\ j) k.+1)
       / (e (everything :\ i) k.+1 * e (everything :\ j) k.+1)).
Proof.
move=> ij; rewrite -elementary_crossed ?inE // /r.
have [n1 n2] := (lt0r_neq0 (e_without_gt0 i), lt0r_neq0 (e_without_gt0 j)).
by name_operations R; field; split; apply/eqP.
Qed.

Lemma r_opposes : opposes l r.
Proof.
move=> i j ij; have [-> // | i_not_j] := eqVneq i j.
rewrite -subr_le0 r_difference // oppr_le0 divr_ge0 ?mulr_ge0 ?(ltW (e_without_gt0 _)) ?subr_ge0 //.
exact: newton.
Qed.

Lemma r_strictly i j : l j < l i -> r i < r j.
Proof.
move=> ij; have i_not_j : i != j by apply: contraTneq ij => ->; rewrite ltxx.
rewrite -subr_lt0 r_difference // oppr_lt0 divr_gt0 ?mulr_gt0 ?subr_gt0 //.
apply: newton_strict => //; have := cardsD1 j (everything :\ i).
rewrite !inE eq_sym i_not_j card_without add1n => card.
by rewrite -2!ltnS -card prednK // (leq_ltn_trans _ fewer).
Qed.

Lemma l_w_follows : follows l (fun i => l i * w i).
Proof.
move=> i j ij; have [-> // | i_not_j] := eqVneq i j.
rewrite -subr_ge0 /w !mulrA -mulrBl divr_ge0 ?(ltW e_gt0) // elementary_weighted ?inE //.
by rewrite mulr_ge0 ?subr_ge0 ?elementary_ge0.
Qed.

Lemma a_follows : follows l a.
Proof.
move=> i j ij; have -> : a i = 1 - b i by rewrite -(a_plus_b i) addrK.
have -> : a j = 1 - b j by rewrite -(a_plus_b j) addrK.
rewrite ler_add2l ler_opp2 /b !div1r lef_pinv ?ler_add2r // posrE addr_gt0 ?ltr01 //.
Qed.

Section Conclusion.

Variables (M : I -> R) (G : R).
Hypothesis kappa_is_1 : \sum_i a i = k.+1%:R.
(* G = E_m / m, and M_i is an integral over the law of a sum of independent Bernoulli(l_i / (l_i + t)). *)
Hypothesis identity_A : G - 1 = \sum_i a i * w i * M i.
Hypothesis identity_B : \sum_i a i * b i * M i = 0.
Hypothesis M_follows : follows l M.

Let W i := a i ^+ 2 * w i.
Let W_gt0 i : 0 < W i. Proof. by rewrite mulr_gt0 ?exprn_gt0 ?a_gt0 ?w_gt0. Qed.

Lemma a_w_r_total : \sum_i a i * w i * r i = 0.
Proof.
rewrite (eq_bigr _ (fun i _ => a_w_r i)) sumrB w_total.
have -> : \sum_i b i = #|I|%:R - k.+1%:R.
  have : \sum_i (a i + b i) = #|I|%:R by rewrite (eq_bigr _ (fun i _ => a_plus_b i)) sumr_const.
  by rewrite big_split /= kappa_is_1 => <-; rewrite addrC addKr.
exact: subrr.
Qed.

Lemma excess_over_one : G - 1 = \sum_i W i * r i * M i.
Proof.
rewrite -[LHS]subr0 -[X in _ - X = _]identity_B identity_A -sumrB; apply: eq_bigr => i _.
have -> : W i * r i * M i = a i * (a i * w i * r i) * M i by rewrite /W; name_operations R; ring.
by rewrite a_w_r; name_operations R; ring.
Qed.

Lemma W_r_le0 : \sum_i W i * r i <= 0.
Proof.
have aw_gt0 i : 0 < a i * w i by rewrite mulr_gt0 ?a_gt0 ?w_gt0.
have := @chebyshev_oppositely _ _ (fun i => a i * w i) r a (fun i => ltW (aw_gt0 i)).
rewrite a_w_r_total mul0r => /(_ (one_opposes r_opposes a_follows)).
rewrite pmulr_rle0 ?sumr_gt0 ?(ltn_trans _ fewer) //.
rewrite (eq_bigr (fun i => W i * r i)) // => i _.
by rewrite /W; name_operations R; ring.
Qed.

Lemma W_M_ge0 : 0 <= \sum_i W i * M i.
Proof.
have ab_gt0 i : 0 < a i * b i by rewrite mulr_gt0 ?a_gt0 ?b_gt0.
have := @chebyshev_similarly _ _ (fun i => a i * b i) (fun i => l i * w i) M (fun i => ltW (ab_gt0 i)).
rewrite identity_B mulr0 => /(_ (both_follow l_w_follows M_follows)).
rewrite pmulr_rge0 ?sumr_gt0 ?(ltn_trans _ fewer) //.
rewrite (eq_bigr (fun i => W i * M i)) // => i _.
by rewrite /W a_over_b; name_operations R; ring.
Qed.

Theorem sandwich : G <= 1.
Proof.
rewrite -subr_le0 -(pmulr_rle0 _ (sumr_gt0 (ltn_trans (ltn0Sn k) fewer) W_gt0)) excess_over_one.
apply: le_trans (chebyshev_oppositely (fun i => ltW (W_gt0 i)) (one_opposes r_opposes M_follows)) _.
by rewrite mulr_le0_ge0 ?W_r_le0 ?W_M_ge0.
Qed.

Theorem sandwich_strict i j : (forall i' j', l j' < l i' -> M j' < M i') -> l j < l i -> G < 1.
Proof.
move=> M_strictly ij.
rewrite -subr_lt0 -(pmulr_rlt0 _ (sumr_gt0 (ltn_trans (ltn0Sn k) fewer) W_gt0)) excess_over_one.
apply: lt_le_trans (mulr_le0_ge0 W_r_le0 W_M_ge0).
apply: (chebyshev_strictly (i := i) (j := j) W_gt0 (one_opposes r_opposes M_follows)).
by rewrite nmulr_rlt0 ?subr_lt0 ?subr_gt0 ?r_strictly ?M_strictly.
Qed.

End Conclusion.

(* M_i = sum_t P(t) (t - 1) / (t (a_i + b_i t)) over finitely many t > 0 with masses P(t) >= 0. *)
Section Mixture.

Variables (T : finType) (t mass : T -> R).
Hypotheses (t_gt0 : forall s, 0 < t s) (mass_ge0 : forall s, 0 <= mass s).

Definition M_of i := \sum_s mass s * ((t s - 1) / (t s * (a i + b i * t s))).

Theorem M_of_follows : follows l M_of.
Proof.
move=> i j ij; rewrite -subr_ge0 /M_of -sumrB; apply: sumr_ge0 => s _.
have lt_gt0 i' : 0 < l i' + t s by rewrite addr_gt0.
have at_node i' : (t s - 1) / (t s * (a i' + b i' * t s)) = (t s - 1) * (l i' + 1) / (t s * (l i' + t s)).
  have [n1 [n2 n3]] := (lt0r_neq0 (t_gt0 s), (lt0r_neq0 (lt_gt0 i'), l1_neq0 i')).
  have -> : a i' + b i' * t s = (l i' + t s) / (l i' + 1).
    by rewrite /a /b; name_operations R; field; apply/eqP.
  by rewrite !invfM invrK; name_operations R; field; split; apply/eqP.
rewrite !at_node -mulrBr mulr_ge0 //.
have [n1 [n2 n3]] := (lt0r_neq0 (t_gt0 s), (lt0r_neq0 (lt_gt0 i), lt0r_neq0 (lt_gt0 j))).
have -> : (t s - 1) * (l i + 1) / (t s * (l i + t s)) - (t s - 1) * (l j + 1) / (t s * (l j + t s))
  = (t s - 1) ^+ 2 * (l i - l j) / (t s * (l i + t s) * (l j + t s)).
  by name_operations R; field; do !split; apply/eqP.
apply: divr_ge0; first by rewrite mulr_ge0 ?sqr_ge0 ?subr_ge0.
by rewrite ltW // !mulr_gt0.
Qed.

End Mixture.

End Sandwich.
