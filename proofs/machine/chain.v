(* The inductions of the interlacing theorem, one row of measurements at a time; duality. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Chain.

(* Spectra and the number of their positive values; the mean over one real Gaussian row a of a function of the
   spectrum that a leaves, which has one positive value less. *)
Variables (R : realFieldType) (spectrum : Type) (rank : spectrum -> nat).
Variable mean_real : spectrum -> (spectrum -> R) -> R.
Hypothesis mean_monotone : forall L f g,
  (forall L', rank L' = (rank L).-1 -> f L' <= g L') -> mean_real L f <= mean_real L g.

Add Field scalars : (scalars_form_a_field R).

Section Error.

(* E_m for real and for complex measurements. *)
Variables error_real error_complex : nat -> spectrum -> R.
Hypothesis same_start : forall L, error_real 0 L = error_complex 0 L.
Hypothesis one_row : forall m L, (m.+1 < rank L)%N -> error_real m.+1 L = mean_real L (error_real m).
Hypothesis swap : forall m L, (m.+1 < rank L)%N -> error_complex m.+1 L <= mean_real L (error_complex m).

Theorem complex_below_real m L : (m < rank L)%N -> error_complex m L <= error_real m L.
Proof.
elim: m L => [|m IH] L m_lt; first by rewrite same_start.
rewrite one_row //; apply: (le_trans (swap m_lt)); apply: mean_monotone => L' rank_is.
by apply: IH; rewrite rank_is -ltnS prednK // (leq_ltn_trans _ m_lt).
Qed.

End Error.

Section Inverse.

(* V_r = E [(A M A^T)^{-1}]_11, A with r rows. *)
Variables V_real V_complex : nat -> spectrum -> R.
Hypothesis base : forall M, (3 <= rank M)%N -> V_real 1 M <= V_complex 2 M.
Hypothesis one_row : forall r M, (0 < r)%N -> (r.+2 < rank M)%N -> V_real r.+1 M = mean_real M (V_real r).
Hypothesis swap : forall r M, (0 < r)%N -> (r.+1 < rank M)%N -> mean_real M (V_complex r) <= V_complex r.+1 M.

Theorem inverse_real_below_complex r M : (0 < r)%N -> (r.+1 < rank M)%N -> V_real r M <= V_complex r.+1 M.
Proof.
case: r => // r _; elim: r M => [|r IH] M r_lt; first exact: base.
rewrite one_row //; apply: le_trans (swap _ r_lt) => //; apply: mean_monotone => M' rank_is.
by apply: IH; rewrite rank_is -ltnS prednK // (leq_ltn_trans _ r_lt).
Qed.

(* Duality, M = 1/l: real E_m = (m-1) (n-m) V_(n-m), and complex E_(m-1) = (m-1) (n-m+1) V_(n-m+1). *)
Variables (M : spectrum) (m n : nat) (real_m complex_below : R).
Hypotheses (rank_is : rank M = n) (m_ge2 : (1 < m)%N) (m_lt_n : (m < n)%N).
Hypothesis dual_real : real_m = m.-1%:R * (n - m)%:R * V_real (n - m) M.
Hypothesis dual_complex : complex_below = m.-1%:R * (n - m).+1%:R * V_complex (n - m).+1 M.

Theorem real_below_previous_complex : real_m / (n - m)%:R <= complex_below / (n - m).+1%:R.
Proof.
have rest_neq0 : (n - m)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n subn_gt0.
have next_neq0 : (n - m).+1%:R != 0 :> R by rewrite pnatr_eq0.
rewrite dual_real dual_complex (mulrAC _ (n - m)%:R) (mulrAC _ (n - m).+1%:R) !mulfK //.
rewrite ler_wpmul2l ?ler0n // inverse_real_below_complex ?subn_gt0 // rank_is.
have -> : (n - m).+1 = (n - m.-1)%N by rewrite -(subSS m.-1) prednK ?subSn ?(ltnW m_ge2) // ltnW.
by rewrite ltn_subrL (leq_ltn_trans (leq0n m) m_lt_n) andbT -ltnS prednK // ltnW.
Qed.

End Inverse.

End Chain.

Section Links.

(* Per unmeasured dimension: A_m (equivalent), complex_m and real_m. *)
Variables (R : realFieldType) (n : nat) (A complex real : nat -> R).
Hypothesis complex_equivalent : forall m, (0 < m < n)%N -> complex m <= A m.
Hypothesis complex_next : forall m, (0 < m < n)%N -> A m.+1 <= complex m.
Hypothesis real_equivalent : forall m, (0 < m < n)%N -> A m <= real m.
Hypothesis real_complex : forall m, (0 < m < n)%N -> real m <= complex m.-1.
Hypothesis mean_start : complex 0 = A 0.

Theorem interlacing m : (0 < m < n)%N ->
  [/\ A m.+1 <= complex m, complex m <= A m, A m <= real m, real m <= complex m.-1 & complex m.-1 <= A m.-1].
Proof.
move=> m_in; split; [exact: complex_next | exact: complex_equivalent | exact: real_equivalent | |].
  exact: real_complex.
case: m m_in => // -[|m] /andP[_ m_lt]; first by rewrite mean_start.
by apply: complex_equivalent; rewrite /= ltnW.
Qed.

End Links.
