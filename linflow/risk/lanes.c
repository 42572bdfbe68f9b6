/* Sums of |Sigma q_j|^2 over the last columns of the orthogonal factors of many small matrices. The text of linflow/risk/lanes.py is the twin of
 * this file: the same operations in the same order on the same numbers, so that both return the same bits.
 *
 * Matrices lie row by row, and the vector lanes are columns: each entry of a row undergoes the same sequence of scalar
 * operations whatever the width of the vectors. That needs IEEE arithmetic as written: no contraction to fused
 * multiply-adds, no reordering, no excess precision (see the flags in linflow/risk/native.py).
 */

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "double precision is not evaluated as such here"
#endif
#if defined(__FAST_MATH__)
#error "this needs IEEE arithmetic"
#endif

#ifdef LINFLOW_CLONES
#define ANY_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define ANY_PROCESSOR
#endif
#define INLINE static inline __attribute__((always_inline))

/* Four columns at a time; rows are padded to whole steps. */
typedef double four __attribute__((vector_size(32), aligned(8), may_alias));
enum { STEP = 8 };

/* The digest of this text and of how it was compiled, by which a stale binary is told. */
const char linflow_lanes_digest[] = LINFLOW_DIGEST;

INLINE size_t padded(size_t columns) { return (columns + STEP - 1) / STEP * STEP; }

/* From row to row: an odd number of cache lines, so that a column does not fall on a few sets of the cache. */
INLINE size_t pitch(size_t columns) { return (padded(columns) / STEP | 1) * STEP; }

/* rows x 4 width entries: W -= v w^T, and then sums = y^T W; one reflector is applied while the products with the next are
 * summed, so that the matrix passes through the registers once for each. */
INLINE void reflect_columns(size_t rows, size_t step, int width, double *W, const double *v, const double *y, double *w,
                            double *sums) {
    four w0 = *(four *)w, w1 = *(four *)(w + 4), s0 = {0.0}, s1 = {0.0};
    four w2 = s0, w3 = s0, s2 = s0, s3 = s0;
    if (width == 4) {
        w2 = *(four *)(w + 8);
        w3 = *(four *)(w + 12);
    }
    for (size_t i = 0; i < rows; i++, W += step) {
        const four vi = {v[i], v[i], v[i], v[i]}, yi = {y[i], y[i], y[i], y[i]};
        four x = *(four *)W - vi * w0;
        *(four *)W = x;
        s0 += yi * x;
        x = *(four *)(W + 4) - vi * w1;
        *(four *)(W + 4) = x;
        s1 += yi * x;
        if (width == 4) {
            x = *(four *)(W + 8) - vi * w2;
            *(four *)(W + 8) = x;
            s2 += yi * x;
            x = *(four *)(W + 12) - vi * w3;
            *(four *)(W + 12) = x;
            s3 += yi * x;
        }
    }
    *(four *)sums = s0;
    *(four *)(sums + 4) = s1;
    if (width == 4) {
        *(four *)(sums + 8) = s2;
        *(four *)(sums + 12) = s3;
    }
}

INLINE void reflect(size_t rows, size_t columns, size_t step, double *W, const double *v, const double *y, double *w,
                    double *sums) {
    size_t j = 0;
    for (; j + 2 * STEP <= columns; j += 2 * STEP) reflect_columns(rows, step, 4, W + j, v, y, w + j, sums + j);
    if (j < columns) reflect_columns(rows, step, 2, W + j, v, y, w + j, sums + j);
}

/* The m columns of W (n x m), one after the other, by reflections I - v v^T / divisor. Row k of V (m x n) is the k-th v, 0
 * before its k-th entry. */
INLINE void factor(size_t n, size_t m, double *W, double *V, double *pivots, double *divisors, double *w, double *sums) {
    const size_t rows = pitch(m), end = padded(m);
    memset(w, 0, end * sizeof *w);
    for (size_t i = 0; i < n; i++) V[i] = W[i * rows];
    /* Nothing is taken away: this only sums. */
    reflect(n - 1, end, rows, W + rows, V + 1, V + 1, w, sums);
    for (size_t k = 0; k < m; k++) {
        double *v = V + k * n, *row = W + k * rows;
        const double alpha = v[k], squares = sums[k] + alpha * alpha, norm = __builtin_sqrt(squares);
        const double size = alpha < 0.0 ? -alpha : alpha;
        memset(v, 0, k * sizeof *v);
        pivots[k] = norm;
        divisors[k] = squares + size * norm;
        v[k] = alpha < 0.0 ? alpha - norm : alpha + norm;
        if (k + 1 == m) break;
        const size_t first = (k + 1) / STEP * STEP;
        for (size_t j = first; j < end; j++)
            w[j] = j > k && divisors[k] > 0.0 ? (sums[j] + v[k] * row[j]) / divisors[k] : 0.0;
        double *next = v + n;
        for (size_t i = k + 1; i < n; i++) next[i] = W[i * rows + k + 1] - v[i] * w[k + 1];
        /* The row of the next pivot first: it stays out of the sums. */
        reflect(1, end - first, rows, row + rows + first, v + k + 1, next + k + 1, w + first, sums + first);
        reflect(n - k - 2, end - first, rows, row + 2 * rows + first, v + k + 2, next + k + 2, w + first, sums + first);
    }
}

/* Q = H_0 ... H_{m-1}, all n columns (n x n). */
INLINE void accumulate(size_t n, size_t m, double *Q, const double *V, const double *divisors, double *w, double *sums) {
    const size_t rows = pitch(n), end = padded(n);
    memset(Q, 0, n * rows * sizeof *Q);
    for (size_t i = 0; i < n; i++) Q[i * rows + i] = 1.0;
    memset(sums, 0, end * sizeof *sums);
    for (size_t j = m; j < n; j++) sums[j] = V[(m - 1) * n + j];
    for (size_t k = m; k-- > 0;) {
        const double *v = V + k * n, *next = k > 0 ? v - n : v;
        const size_t first = k / STEP * STEP;
        sums[k] = v[k];
        for (size_t j = first; j < end; j++) w[j] = j >= k && divisors[k] > 0.0 ? sums[j] / divisors[k] : 0.0;
        reflect(n - k, end - first, rows, Q + k * rows + first, v + k, next + k, w + first, sums + first);
    }
}

/* A row of A times the power of two that brings its largest entry into 1/2..1, column j of W (pitch between rows). */
INLINE void unit_row(size_t n, size_t pitch, const double *row, double *W) {
    double largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double size = row[i] < 0.0 ? -row[i] : row[i];
        largest = size > largest ? size : largest;
    }
    int exponent;
    frexp(largest, &exponent);
    /* Of subnormal rows in two steps, each exact: no double is as large as their power. */
    const double first = ldexp(1.0, exponent < -1000 ? 1000 : -exponent);
    const double second = ldexp(1.0, exponent < -1000 ? -exponent - 1000 : 0);
    for (size_t i = 0; i < n; i++) W[i * pitch] = row[i] * first * second;
}

/* Of `draws` measurements A (m x n, m >= 1) under n singular values: the lengths of the rows of A once these have units
 * of their own, the lengths of the rows of A Sigma, the pivots (m each), and the sums of the gains of Q from each of its n columns on (n + 1). The
 * reflectors (m x n) of draw t come to lie at t * step. `work` holds n * pitch(n) + 4 * pitch(n) numbers. */
ANY_PROCESSOR
void linflow_tails(size_t draws, size_t m, size_t n, const double *sigma, const double *A, double *lengths, double *sizes,
                   double *pivots, double *tails, double *reflectors, size_t step, double *work) {
    const size_t rows = pitch(m), wide = pitch(n);
    double *W = work, *w = W + n * wide, *sums = w + wide, *squares = sums + wide, *divisors = squares + wide;
    for (size_t t = 0; t < draws; t++) {
        double *V = reflectors + t * step;
        memset(W, 0, n * rows * sizeof *W);
        for (size_t j = 0; j < m; j++) unit_row(n, rows, A + (t * m + j) * n, W + j);
        memset(sums, 0, rows * sizeof *sums);
        memset(squares, 0, rows * sizeof *squares);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < padded(m); j++) {
                double *entry = W + i * rows + j;
                squares[j] += *entry * *entry;
                *entry *= sigma[i];
                sums[j] += *entry * *entry;
            }
        for (size_t j = 0; j < m; j++) {
            lengths[t * m + j] = __builtin_sqrt(squares[j]);
            sizes[t * m + j] = __builtin_sqrt(sums[j]);
        }
        factor(n, m, W, V, pivots + t * m, divisors, w, sums);
        accumulate(n, m, W, V, divisors, w, sums);
        memset(sums, 0, wide * sizeof *sums);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < padded(n); j++) {
                const double weighted = sigma[i] * W[i * wide + j];
                sums[j] += weighted * weighted;
            }
        double *tail = tails + t * (n + 1);
        tail[n] = 0.0;
        for (size_t j = n; j-- > 0;) tail[j] = sums[j] + tail[j + 1];
    }
}
