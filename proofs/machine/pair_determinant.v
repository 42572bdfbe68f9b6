(* How det S and the leverages of a pair of columns depend on the pair; S = S_0 + x a a^T + y b b^T. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Determinants.

Variable R : realFieldType.

Add Field scalars : (scalars_form_a_field R).

Theorem sylvester p q (M : 'M[R]_(p, q)) (N : 'M[R]_(q, p)) :
  \det (1%:M + M *m N) = \det (1%:M + N *m M).
Proof.
have one_way : block_mx 1%:M 0 (- N) 1%:M *m block_mx 1%:M M 0 (1%:M + N *m M) = block_mx 1%:M M (- N) 1%:M.
  by rewrite mulmx_block !mul1mx !mul0mx mulmx1 !addr0 mulNmx addrCA addNr addr0.
have other_way : block_mx 1%:M M 0 1%:M *m block_mx (1%:M + M *m N) 0 (- N) 1%:M = block_mx 1%:M M (- N) 1%:M.
  by rewrite mulmx_block !mul1mx !mul0mx mulmx1 !add0r mulmxN addrK.
have := congr1 determinant other_way; rewrite -one_way !det_mulmx !det_lblock !det_ublock !det1.
by rewrite !mul1r mulr1.
Qed.

Variable m : nat.
Implicit Types S : 'M[R]_m.

Theorem determinant_of_update S p (Z : 'M[R]_(m, p)) (K : 'M[R]_p) : S \in unitmx ->
  \det (S + Z *m K *m Z^T) = \det S * \det (1%:M + K *m (Z^T *m invmx S *m Z)).
Proof.
move=> S_unit; have -> : S + Z *m K *m Z^T = S *m (1%:M + (invmx S *m Z) *m (K *m Z^T)).
  by rewrite mulmxDr mulmx1 !mulmxA mulmxV // mul1mx.
by rewrite det_mulmx [X in _ * X = _]sylvester !mulmxA.
Qed.

(* 1 - P_i = det(S - l_i a_i a_i^T) / det S, with the leverage P_i = l_i a_i^T S^{-1} a_i. *)
Theorem leverage S (a : 'cV[R]_m) (l : R) : S \in unitmx ->
  \det (S - l *: (a *m a^T)) = \det S * (1 - l * (a^T *m invmx S *m a) 0 0).
Proof.
move=> S_unit; have -> : S - l *: (a *m a^T) = S + a *m (- l)%:M *m a^T.
  by rewrite mul_mx_scalar -scalemxAl scaleNr.
by rewrite determinant_of_update // mul_scalar_mx det_mx11 3!mxE eqxx mulNr.
Qed.

Let first : 'I_2 := ord0.
Let second : 'I_2 := lift ord0 ord0.

Lemma determinant_2 (M : 'M[R]_2) :
  \det M = M first first * M second second - M first second * M second first.
Proof.
rewrite (expand_det_row _ first) !big_ord_recl big_ord0 addr0 /cofactor !det_mx11 !mxE /=.
have -> : lift first ord0 = second by [].
have -> : lift (lift ord0 ord0) ord0 = first :> 'I_2 by apply: val_inj.
by rewrite expr0 mul1r expr1 mulN1r mulrN.
Qed.

(* With G = Z^T S_0^{-1} Z for the two columns Z = (a, b): A_0 = det S_0, H = A_0 G and A_2 = A_0 det G. *)
Theorem pair_determinant S (Z : 'M[R]_(m, 2)) (K : 'M[R]_2) : S \in unitmx -> K^T = K ->
  let G := Z^T *m invmx S *m Z in
  \det (S + Z *m K *m Z^T) = \det S + \tr (\det S *: G *m K) + \det S * \det G * \det K.
Proof.
move=> S_unit K_symmetric G; rewrite determinant_of_update // -/G; clearbody G.
have crossed : K second first = K first second by rewrite -{1}K_symmetric mxE.
rewrite -scalemxAl linearZ /= !determinant_2 /mxtrace !big_ord_recl big_ord0 !mxE !big_ord_recl !big_ord0 /=.
rewrite -/first -/second crossed.
move: (G first first) (G first second) (G second first) (G second second) => g g' g'' g'''.
move: (K first first) (K first second) (K second second) (\det S) => k k' k'' d.
by name_operations R; ring.
Qed.

End Determinants.
