(* Gradient descent on |B z - r|^2 / 2: its limit, and its rate. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic minimum_norm error.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Descent.

Variables (R : realFieldType) (m n : nat) (B : 'M[R]_(m, n)) (r : 'cV[R]_m) (start : 'cV[R]_n) (step : R).
Hypothesis full_rank : B *m B^T \in unitmx.

Add Field scalars : (scalars_form_a_field R).

Definition descend_once (z : 'cV[R]_n) : 'cV[R]_n := z - step *: (B^T *m (B *m z - r)).
Definition descend t : 'cV[R]_n := iter t descend_once start.
Definition limit : 'cV[R]_n := start + pseudoinverse B *m (r - B *m start).

Theorem limit_explains : B *m limit = r.
Proof. by rewrite mulmxDr mulmxA pseudoinverse_feasible // mul1mx addrC subrK. Qed.

Theorem limit_is_nearest z : B *m z = r -> sqnorm (limit - start) <= sqnorm (z - start).
Proof.
move=> explains; rewrite /limit [start + _]addrC addrK.
by apply: minimum_norm => //; rewrite mulmxBr explains.
Qed.

Theorem limit_by_parts : limit = pseudoinverse B *m r + complement B *m start.
Proof.
by rewrite /limit /complement mulmxBr mulmxBl mul1mx mulmxA addrCA.
Qed.

Lemma deviation t : descend t.+1 - limit
  = (descend t - limit) - step *: (B^T *m (B *m (descend t - limit))).
Proof. by rewrite /= {1}/descend_once [B *m (_ - limit)]mulmxBr limit_explains addrAC. Qed.

Lemma deviation_in_rows t : exists u, descend t - limit = B^T *m u.
Proof.
elim: t => [|t [u in_rows]].
  exists (- (invmx (B *m B^T) *m (r - B *m start))).
  by rewrite /= /limit opprD addrA subrr add0r mulmxN mulmxA.
exists (u - step *: (B *m (descend t - limit))).
by rewrite deviation {1}in_rows [RHS]mulmxBr -scalemxAr.
Qed.

(* beta is at least the largest eigenvalue of B B^T, and alpha at most the smallest. *)
Variables alpha beta : R.
Hypothesis largest : forall u : 'cV_m, sqnorm (B^T *m u) <= beta * sqnorm u.
Hypothesis smallest : forall u : 'cV_m, alpha * sqnorm (B^T *m u) <= sqnorm (B *m (B^T *m u)).
Hypotheses (step_ge0 : 0 <= step) (step_beta : step * beta <= 1) (step_alpha : step * alpha <= 1).

Lemma one_step t : sqnorm (descend t.+1 - limit) <= (1 - step * alpha) * sqnorm (descend t - limit).
Proof.
rewrite deviation; have [u in_rows] := deviation_in_rows t; move: in_rows.
set e := descend t - limit => e_is; rewrite sqnormB sqnormZ.
have -> : inner e (step *: (B^T *m (B *m e))) = step * sqnorm (B *m e).
  rewrite /inner linearZ /= -scalemxAr linearZ /= trmx_mul trmxK mulmxA mxtrace_mulC mulmxA.
  by congr (_ * _).
have gradient := largest (B *m e).
have curvature : alpha * sqnorm e <= sqnorm (B *m e) by rewrite e_is smallest.
move: gradient curvature (sqnorm_ge0 (B *m e)); move: (sqnorm e) (sqnorm (B *m e)) (sqnorm _) => ee be ge.
move=> gradient curvature be_ge0; rewrite -subr_ge0.
have -> : (1 - step * alpha) * ee - (ee + step ^+ 2 * ge - step * be *+ 2)
  = step ^+ 2 * (beta * be - ge) + step * (be * (1 - step * beta)) + step * (be - alpha * ee).
  by name_operations R; ring.
by apply: addr_ge0; [apply: addr_ge0 |]; rewrite ?mulr_ge0 ?subr_ge0 ?sqr_ge0.
Qed.

Theorem descent_rate t : sqnorm (descend t - limit) <= (1 - step * alpha) ^+ t * sqnorm (start - limit).
Proof.
elim: t => [|t IH]; first by rewrite expr0 mul1r.
by apply: le_trans (one_step t) _; rewrite exprS -mulrA ler_wpmul2l ?subr_ge0.
Qed.

End Descent.
