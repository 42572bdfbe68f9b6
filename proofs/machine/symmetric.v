(* Elementary symmetric functions e_k of positive numbers, and what leaving one or two of them out does. *)

From mathcomp Require Import all_ssreflect all_algebra.
From machine Require Import arithmetic.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Symmetric.

Variables (R : realFieldType) (I : finType) (l : I -> R).
Implicit Types (S T : {set I}) (i j : I) (k : nat).

Add Field scalars : (scalars_form_a_field R).

(* e_k of the l_i with i in S: the sum over the k-subsets of S of the products. *)
Definition elementary S k := \sum_(T : {set I} | (T \subset S) && (#|T| == k)) \prod_(i in T) l i.

(* e_{k-1}, which is 0 for k = 0. *)
Definition before S k := if k is p.+1 then elementary S p else 0.

Lemma elementary0 S : elementary S 0 = 1.
Proof.
rewrite /elementary (big_pred1 set0) ?big_set0 // => T /=.
by rewrite cards_eq0 andbC; case: eqP => //= ->; rewrite sub0set.
Qed.

Lemma elementary_beyond S k : (#|S| < k)%N -> elementary S k = 0.
Proof.
move=> small; rewrite /elementary big_pred0 // => T.
case: (boolP (T \subset S)) => //= /subset_leq_card /leq_ltn_trans /(_ small).
by rewrite ltn_neqAle => /andP[/negbTE].
Qed.

Lemma products_without S i k :
  \sum_(T : {set I} | (T \subset S) && (#|T| == k) && (i \notin T)) \prod_(j in T) l j
  = elementary (S :\ i) k.
Proof. by apply: eq_bigl => T; rewrite subsetD1 -!andbA; congr (_ && _); rewrite andbC. Qed.

Lemma products_with S i k : i \in S ->
  \sum_(T : {set I} | (T \subset S) && (#|T| == k.+1) && (i \in T)) \prod_(j in T) l j
  = l i * elementary (S :\ i) k.
Proof.
move=> iS; rewrite (reindex_onto (fun T => i |: T) (fun T => T :\ i)) /=; last first.
  by move=> T /andP[_ iT]; rewrite setD1K.
rewrite mulr_sumr; apply: eq_big => [T | T /andP[_ /eqP T_is]].
  rewrite setU11 andbT subUset sub1set iS /= subsetD1.
  case: (boolP (i \in T)) => [iT | iT]; last by rewrite setU1K // eqxx !andbT cardsU1 iT add1n eqSS.
  by rewrite andbF; case: (_ =P T); rewrite ?andbF // => T_is; move: iT; rewrite -T_is setD11.
by rewrite big_setU1 // -T_is setD11.
Qed.

Theorem elementary_recursion S i k : i \in S ->
  elementary S k = elementary (S :\ i) k + l i * before (S :\ i) k.
Proof.
move=> iS; rewrite /elementary (bigID (fun T : {set I} => i \in T)) /= addrC products_without.
congr (_ + _); case: k => [|k]; last exact: products_with.
rewrite /= mulr0 big_pred0 // => T.
by rewrite cards_eq0 -andbA; case: eqP => [->|_]; rewrite ?inE ?andbF.
Qed.

(* Each product of k + 1 numbers is counted once for each of them. *)
Theorem elementary_counted S k :
  \sum_(i in S) l i * elementary (S :\ i) k = k.+1%:R * elementary S k.+1.
Proof.
rewrite (eq_bigr _ (fun i iS => esym (products_with k iS))).
rewrite (exchange_big_dep (fun T : {set I} => (T \subset S) && (#|T| == k.+1))) /=; last first.
  by move=> i T _ /andP[].
rewrite /elementary mulr_sumr; apply: eq_bigr => T /andP[TS /eqP T_card].
rewrite (eq_bigl (fun i => i \in T)) ?sumr_const ?T_card ?mulr_natl // => i.
by rewrite TS eqxx /=; case: (boolP (i \in T)) => [/(subsetP TS) ->|]; rewrite ?andbF.
Qed.

Section Two.

Variables (S : {set I}) (i j : I).
Hypotheses (i_in_S : i \in S) (j_in_S : j \in S) (i_not_j : i != j).

Let rest := S :\ i :\ j.

Lemma without_i k : elementary (S :\ i) k = elementary rest k + l j * before rest k.
Proof. by apply: elementary_recursion; rewrite !inE eq_sym i_not_j. Qed.

Lemma without_j k : elementary (S :\ j) k = elementary rest k + l i * before rest k.
Proof.
have -> : rest = S :\ j :\ i by rewrite /rest !setDDl setUC.
by apply: elementary_recursion; rewrite !inE i_not_j.
Qed.

(* e' without both: e_k^(i) e_(k+1)^(j) - e_k^(j) e_(k+1)^(i) = (l_i - l_j) (e'_k^2 - e'_(k-1) e'_(k+1)). *)
Theorem elementary_crossed k :
  elementary (S :\ i) k * elementary (S :\ j) k.+1 - elementary (S :\ j) k * elementary (S :\ i) k.+1
  = (l i - l j) * (elementary rest k ^+ 2 - before rest k * elementary rest k.+1).
Proof. by rewrite !without_i !without_j /=; name_operations R; ring. Qed.

(* l_i e_k^(i) - l_j e_k^(j) = (l_i - l_j) e'_k. *)
Theorem elementary_weighted k :
  l i * elementary (S :\ i) k - l j * elementary (S :\ j) k = (l i - l j) * elementary rest k.
Proof. by rewrite without_i without_j; name_operations R; ring. Qed.

End Two.

Section Signs.

Hypothesis l_gt0 : forall i, 0 < l i.

Lemma product_gt0 T : 0 < \prod_(i in T) l i.
Proof. by apply: prodr_gt0. Qed.

Lemma elementary_ge0 S k : 0 <= elementary S k.
Proof. by apply: sumr_ge0 => T _; rewrite ltW ?product_gt0. Qed.

Lemma before_ge0 S k : 0 <= before S k.
Proof. by case: k => [|k] /=; rewrite ?elementary_ge0. Qed.

Lemma elementary_gt0 S k : (k <= #|S|)%N -> 0 < elementary S k.
Proof.
elim: k S => [|k IH] S k_le; first by rewrite elementary0 ltr01.
have /set0Pn[i iS] : S != set0 by rewrite -card_gt0 (leq_trans _ k_le).
rewrite (elementary_recursion _ iS) ltr_paddl ?elementary_ge0 // mulr_gt0 //= IH //.
by move: k_le; rewrite (cardsD1 i) iS.
Qed.

End Signs.

End Symmetric.
