"""What each Coq file shows, what it leaves as a hypothesis, and which statements of the ledger treat the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """One file.

    Attributes
    ----------
    file : without ``.v``.
    says : what its theorems say, for all sizes.
    assumes : what stands in them as a hypothesis although the theory proves or cites it; "" if nothing.
    ledger : statements of the ledger that check the same or discharge those hypotheses.
    """

    file: str
    says: str
    assumes: str = ""
    ledger: tuple[str, ...] = ()


_COMPLEX = "the identities (A) and (B), integrals of the one in bernoulli; that M_i follows l_i, shown for finite sums"
_ROTATION = "the arcsine law's mean of 1/D over a rotation; that the mean is linear; theta of finitely many values"
_BASE = "the identities (A) and (B) of the base inequality, by parts and Tonelli; T as a finite sum with one change of sign"

CHAPTERS: tuple[Chapter, ...] = (
    Chapter("arithmetic", "scalars of an ordered field form a field for Coq's own tactics; nothing of the theory"),
    Chapter(
        "minimum_norm",
        "the most likely signal is the one of minimum latent norm, and the only one; Pythagoras; the penalised one, its "
        "two forms, and that it is the only minimiser",
        "the density of N(mu, G G^T) falls with (x - mu)^T (G G^T)^{-1} (x - mu); conditioning of Gaussian vectors",
        ("MLE", "penalised"),
    ),
    Chapter(
        "error",
        "X_A = |G(I - P)|_F^2 is the least error of all linear estimators, of the most likely signal only; the trace of "
        "the posterior covariance; it depends on sigma and A U; it falls with measurements and rises with sigma",
        "a mean over a standard normal z turns z z^T into I",
        ("error",),
    ),
    Chapter(
        "dominance",
        "T4 for every A: X_A <= Y_k(A), equal only if the two estimators are; with noise, by how much every linear "
        "estimator exceeds the penalised one",
        "means over standard normal z and noise, as in error",
        ("T4",),
    ),
    Chapter(
        "ky_fan",
        "T1-lower and T8 for every G and A: sum_{i>m} l_i <= X_A <= sum_{i<=n-m} l_i; both are attained",
        "",
        ("T1-lower", "T8"),
    ),
    Chapter(
        "descent",
        "gradient descent approaches z_0 + B^+(r - B z_0), the solution nearest to z_0, at the rate (1 - step alpha)^t for "
        "alpha and beta below and above the eigenvalues of B B^T and step beta <= 1",
        "gradient flow, its limit in continuous time, is not treated",
        ("T9",),
    ),
    Chapter(
        "start",
        "T9's factor 1 + tau^2 for every law of finitely many values with the second moments of N(0, tau^2 I), and for any "
        "second moments; with a penalty the start is forgotten: |z_gamma - z*| <= gamma/(alpha + gamma) |z*|",
        "",
        ("T9", "T9-penalty"),
    ),
    Chapter(
        "best_rank",
        "from the bounds of every rank k: T1-upper with m - 1 for m; the best rank is the first k with k + r_k > m - 1",
        "T2 itself, E_m <= (m-1) tail(k)/(m-1-k): T4 with the mean of an inverse Wishart matrix",
        ("T2", "T2-best-rank", "T1-upper"),
    ),
    Chapter("chebyshev", "Chebyshev's sum inequality with weights, from its identity", "", ("Chebyshev",)),
    Chapter(
        "symmetric",
        "elementary symmetric functions: recursion, counting, and what leaving out i or j changes",
        "",
        ("symmetric-functions",),
    ),
    Chapter("newton", "Newton's inequality e_{k-1} e_{k+1} <= e_k^2, strict for k <= n", "", ("symmetric-functions",)),
    Chapter(
        "weights",
        "the weights lemma: how sum W_i q_i changes with the weights; the ratio of the weights of two Gamma laws is "
        "monotone",
        "integrals over u as sums over finitely many nodes",
        ("weights",),
    ),
    Chapter("swap", "the swap lemma's differences q_i - q_j and their signs", "", ("swap",)),
    Chapter(
        "bernoulli",
        "the polynomial identity behind (A): t (U' D - U D') = t^{n-m} sum_i l_i e_m^{(i)} D/(t + l_i), P(N_t <= m) = U/D",
        "",
        ("complex-exact", "complex-equivalent"),
    ),
    Chapter(
        "sandwich",
        "complex A: E_m <= m kappa_m, and < if two l_i differ",
        _COMPLEX,
        ("complex-exact", "complex-equivalent"),
    ),
    Chapter(
        "pair_determinant",
        "Sylvester's determinant identity; 1 - P_i = det(S - l_i a_i a_i^T)/det S; det S = A_0 + tr H K + A_2 det K for a "
        "pair of columns",
        "",
        ("pair-rotation",),
    ),
    Chapter(
        "pair_rotation",
        "real A: rotating a pair of columns gives E P_i = x/(x + theta) and E P_j = y/(y + theta) with the same theta; "
        "tau_i >= tau_j if l_i >= l_j",
        _ROTATION,
        ("pair-rotation",),
    ),
    Chapter(
        "real_lower",
        "real A: E_m >= m kappa_m if tau_i follows l_i, and so if each pair of columns has means with the same theta",
        "that the means are those of theta with finitely many values (for others: the order of the tau_i)",
        ("real-equivalent",),
    ),
    Chapter("base_inequality", "V_1 (real) <= V_2 (complex)", _BASE, ("base-inequality",)),
    Chapter(
        "chain",
        "the inductions: e_m^C <= e_m^R and V_r^R <= V_{r+1}^C, one row at a time; E_m^R/(n-m) <= E_{m-1}^C/(n-m+1); the "
        "chain of five links",
        "one row of a Gaussian matrix at a time, the swap lemma's and the base inequality's integrals, duality, the outer "
        "links",
        ("one-measurement", "complex-below-real", "real-below-complex", "inverse-trace", "complex-lower", "interlacing"),
    ),
    Chapter(
        "outer_link",
        "prod(1 + t s_i) is largest for equal s_i; E Y >= 1/E(1/Y); hence complex E_m >= (n-m)/(n-m-1) (m+1) kappa_{m+1}",
        "laws of finitely many values; the integral of the first inequality; the bound on E 1/(b S b*) that sandwich gives",
        ("complex-lower",),
    ),
    Chapter(
        "interlacing",
        "kappa_s is unique, A_m falls with m, and from the chain: E_m <= f (m-1) kappa_{m-1} <= f (m-1)/(m-1-k) tail(k) "
        "for every k, f = (n-m)/(n-m+1) < 1; T1-upper",
        "the link e_m^R <= A_{m-1}",
        ("equivalents", "every-rank"),
    ),
)
