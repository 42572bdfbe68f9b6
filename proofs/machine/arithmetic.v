(* Identities between scalars of a real field: after [name_operations], Coq's own [ring] and [field] apply. *)

From Coq Require Import setoid_ring.Ring_theory setoid_ring.Field_theory.
From Coq Require Export setoid_ring.Ring setoid_ring.Field.
From mathcomp Require Import all_ssreflect all_algebra.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Scalars.

Variable R : realFieldType.

Definition zero_of : R := 0.
Definition one_of : R := 1.
Definition sum_of (x y : R) : R := x + y.
Definition product_of (x y : R) : R := x * y.
Definition difference_of (x y : R) : R := x - y.
Definition opposite_of (x : R) : R := - x.
Definition quotient_of (x y : R) : R := x / y.
Definition inverse_of (x : R) : R := x^-1.

Lemma scalars_form_a_ring :
  ring_theory zero_of one_of sum_of product_of difference_of opposite_of eq.
Proof.
split=> //.
- exact: add0r.
- exact: addrC.
- exact: addrA.
- exact: mul1r.
- exact: mulrC.
- exact: mulrA.
- exact: mulrDl.
- exact: subrr.
Qed.

Lemma scalars_form_a_field :
  field_theory zero_of one_of sum_of product_of difference_of opposite_of quotient_of inverse_of eq.
Proof.
split=> //; first exact: scalars_form_a_ring.
  by apply/eqP; rewrite oner_eq0.
by move=> x /eqP x_neq0; rewrite /product_of /inverse_of mulVf.
Qed.

Lemma two_neq0 : (2%:R : R) != 0.
Proof. by rewrite pnatr_eq0. Qed.

Lemma two_gt0 : (0 : R) < 2%:R.
Proof. by rewrite ltr0n. Qed.

Lemma addr_le0 (x y : R) : x <= 0 -> y <= 0 -> x + y <= 0.
Proof. exact: ler_naddl. Qed.

Lemma sumr_le0 (I : Type) (r : seq I) (P : pred I) (F : I -> R) :
  (forall i, P i -> F i <= 0) -> \sum_(i <- r | P i) F i <= 0.
Proof. by move=> F_le0; elim/big_ind: _ => // x y; exact: addr_le0. Qed.

Lemma sumr_gt0 (I : finType) (F : I -> R) : (0 < #|I|)%N -> (forall i, 0 < F i) -> 0 < \sum_i F i.
Proof.
move=> /card_gt0P[i _] F_gt0; rewrite (bigD1 i) //= ltr_paddr // sumr_ge0 // => j _.
exact: ltW.
Qed.

Lemma double_sum_symmetric (I : finType) (F : I -> I -> R) :
  \sum_i \sum_j F i j = 2%:R^-1 * \sum_i \sum_j (F i j + F j i).
Proof.
apply: (mulfI two_neq0); rewrite mulrA divff ?two_neq0 // mul1r mulr2n mulrDl mul1r.
rewrite [X in _ + X = _](exchange_big_dep predT) //= -big_split; apply: eq_bigr => i _.
by rewrite -big_split.
Qed.

End Scalars.

(* The same operation is reached through several structures; each is brought to the one name above. *)
Ltac name_operations R :=
  rewrite ?mulrS ?mulr0n ?exprS ?expr0;
  lazymatch goal with |- @eq _ ?x ?y => change (@eq (Num.RealField.sort R) x y) | _ => idtac end;
  repeat match goal with
  | |- context [@GRing.add ?Z ?x ?y] => change (@GRing.add Z x y) with (@sum_of R x y)
  | |- context [@GRing.opp ?Z ?x] => change (@GRing.opp Z x) with (@opposite_of R x)
  | |- context [@GRing.mul ?Z ?x ?y] => change (@GRing.mul Z x y) with (@product_of R x y)
  | |- context [@GRing.inv ?Z ?x] => change (@GRing.inv Z x) with (@inverse_of R x)
  | |- context [@GRing.zero ?Z] => change (@GRing.zero Z) with (@zero_of R)
  | |- context [@GRing.one ?Z] => change (@GRing.one Z) with (@one_of R)
  end.
