(* The polynomial identity behind (A): the derivative of P(N_t > m), N_t a sum of independent Bernoullis. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic symmetric.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Bernoulli.

Variables (R : realFieldType) (I : finType) (l : I -> R).
Implicit Types (S : {set I}) (m : nat).

Notation e := (elementary l).
Notation everything := [set: I].

(* P(N_t <= m) = at_most m / denominator everything, as polynomials in t. *)
Definition denominator S : {poly R} := \prod_(i in S) ('X + (l i)%:P).
Definition at_most m : {poly R} := \sum_(k < m.+1) e everything k *: 'X^(#|I| - k).

Lemma derivative_of_denominator S :
  (denominator S)^`() = \sum_(i in S) denominator (S :\ i).
Proof.
move: {2}#|S| (leqnn #|S|) => n; elim: n S => [|n IH] S.
  by rewrite leqn0 cards_eq0 => /eqP ->; rewrite /denominator !big_set0 derivC.
case: (set_0Vmem S) => [-> _ | [i iS] S_card]; first by rewrite /denominator !big_set0 derivC.
rewrite {1}/denominator (big_setD1 i) //= derivM derivD derivX derivC addr0 mul1r -/(denominator _).
rewrite [RHS](big_setD1 i) //=; congr (_ + _).
rewrite IH; last by move: S_card; rewrite (cardsD1 i) iS.
rewrite mulr_sumr; apply: eq_bigr => j; rewrite !inE => /andP[j_not jS].
by rewrite /denominator (big_setD1 i (A := S :\ j)) ?inE ?iS ?andbT 1?eq_sym //= setDDl setUC -setDDl.
Qed.

Lemma counted_without k : \sum_i e (everything :\ i) k = (#|I|%:R - k%:R) * e everything k.
Proof.
have without i : e (everything :\ i) k = e everything k - l i * before l (everything :\ i) k.
  by rewrite (elementary_recursion l k (in_setT i)) addrK.
rewrite (eq_bigr _ (fun i _ => without i)) sumrB sumr_const mulrBl mulr_natl; congr (_ - _).
case: k {without} => [|k] /=; first by rewrite mul0r big1 // => i _; rewrite mulr0.
by rewrite -elementary_counted; apply: eq_bigl => i; rewrite inE.
Qed.

(* With at_most = U and denominator = D: t (U' D - U D') = t^(n-m) sum_i l_i e_m^(i) D / (t + l_i). *)
Theorem survival_derivative m : (m < #|I|)%N ->
  'X * ((at_most m)^`() * denominator everything - at_most m * (denominator everything)^`())
  = 'X^(#|I| - m) * \sum_i (l i * e (everything :\ i) m) *: denominator (everything :\ i).
Proof.
move=> m_lt.
pose A i : {poly R} := \sum_(k < m.+1) e (everything :\ i) k *: 'X^(#|I| - k).
pose B i : {poly R} := \sum_(k < m.+1) before l (everything :\ i) k *: 'X^(#|I| - k).
have lower (k : nat) : (k < m.+1)%N -> (k < #|I|)%N by rewrite ltnS => /leq_ltn_trans; apply.
have split_off i : at_most m = A i + (l i)%:P * B i.
  rewrite mulr_sumr -big_split; apply: eq_bigr => k _.
  by rewrite /= mul_polyC scalerA -scalerDl -elementary_recursion ?inE.
have shifted i : 'X * B i = A i - e (everything :\ i) m *: 'X^(#|I| - m).
  rewrite /A big_ord_recr /= addrK /B big_ord_recl /= scale0r add0r mulr_sumr; apply: eq_bigr => k _.
  by rewrite -scalerAr -exprS /= subnSK // lower // ltnS ltnW.
have derivative : 'X * (at_most m)^`() = \sum_i A i.
  rewrite exchange_big /= raddf_sum mulr_sumr; apply: eq_bigr => k _.
  rewrite -scaler_suml counted_without /= derivZ derivXn -scalerAr mulrnAr -exprS prednK; last first.
    by rewrite subn_gt0 lower.
  by rewrite -natrB ?(ltnW (lower _ (ltn_ord k))) // mulr_natl -scalerMnr scalerMnl.
rewrite mulrBr !mulrA derivative mulr_suml derivative_of_denominator mulr_sumr.
rewrite [X in _ - X = _](eq_bigl xpredT) => [|i]; last by rewrite inE.
rewrite -sumrB [RHS]mulr_sumr; apply: eq_bigr => i _; rewrite {1}/denominator (big_setD1 i) ?inE //=.
rewrite -/(denominator _) mulrA -mulrBl -scalerAr scalerAl; congr (_ * _).
have -> : (l i * e (everything :\ i) m) *: 'X^(#|I| - m) = (l i)%:P * (A i - 'X * B i).
  by rewrite shifted opprB addrCA subrr addr0 mul_polyC scalerA.
rewrite (split_off i) !mulrDr mulrN opprD addrA [A i * 'X]mulrC (addrAC ('X * A i)) subrr add0r.
by rewrite [A i * _]mulrC [X in _ - X = _]mulrCA.
Qed.

End Bernoulli.
