/* What the compiled LSTMs share, that of the runtime and that of training: vectors of the processor's registers. */
#ifndef WAKEWORD_VECTORS_H
#define WAKEWORD_VECTORS_H

#include <stdint.h>

#pragma GCC diagnostic ignored "-Wpsabi" /* no vector is passed to a function that is not inlined */

#if defined(__x86_64__)
#define LANES 8 /* a register of AVX2; without AVX2 these vectors live in memory, and numpy is faster */
#else
#define LANES 4 /* a register of NEON */
#endif
#define MOST_ROWS 6

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t whole __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

/* One number in every lane. */
INLINE lanes broadcast(float x) { return (lanes){0} + x; }

/* Where the mask is set a, elsewhere b. */
INLINE lanes choose(whole mask, lanes a, lanes b) { return (lanes)((mask & (whole)a) | (~mask & (whole)b)); }

/* exp(x) to 2e-7 relative for |x| up to 40, and NaN for NaN. */
INLINE lanes exponential_within(lanes x) {
    const float round = 12582912.0f; /* 1.5 * 2^23: what is added to it is rounded to a whole number */
    lanes shifted = x * 1.44269504f + round, n = shifted - round;
    lanes f = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts: f is within ln 2 / 2 of 0 */
    lanes p = f * (1.0f / 720) + 1.0f / 120;
    p = f * (f * (f * (f * (f * p + 1.0f / 24) + 1.0f / 6) + 0.5f) + 1.0f) + 1.0f;
    return p * (lanes)(((whole)shifted << 23) + 0x3f800000); /* times 2^n */
}

/* The same with |x| cut off at 40, where a sigmoid has long been 0 or 1 in float32; NaN gives exp(-40). */
INLINE lanes exponential(lanes x) {
    x = choose(x > -40.0f, x, broadcast(-40.0f));
    return exponential_within(choose(x < 40.0f, x, broadcast(40.0f)));
}

/* sums[r][0] and sums[r][1] += states[r] . weights, for two vectors of columns.
 *
 * The states of row r begin at states + r * stride; a state's weights and a row's sums are the first two of
 * `weight_vectors` and of `sum_vectors`. With six rows the twelve sums, two weights and one state fill the sixteen
 * registers of AVX2; a constant number of rows lets the compiler keep them there.
 */
INLINE void add_products(int rows, int depth, const float *states, int stride, const float *weights,
                         int weight_vectors, lanes *sums, int sum_vectors) {
    lanes first[MOST_ROWS], second[MOST_ROWS];
    for (int r = 0; r < rows; r++) first[r] = sums[r * sum_vectors], second[r] = sums[r * sum_vectors + 1];
    for (int k = 0; k < depth; k++, weights += weight_vectors * LANES) {
        const lanes a = *(const lanes *)weights, b = *(const lanes *)(weights + LANES);
        for (int r = 0; r < rows; r++) {
            const float state = states[r * stride + k];
            first[r] += a * state;
            second[r] += b * state;
        }
    }
    for (int r = 0; r < rows; r++) sums[r * sum_vectors] = first[r], sums[r * sum_vectors + 1] = second[r];
}

/* Does `done` for a number of rows that the compiler knows, 1 to MOST_ROWS. */
#define BY_ROWS(rows, done)                                                               \
    switch (rows) {                                                                       \
        case 1: done(1); break;                                                           \
        case 2: done(2); break;                                                           \
        case 3: done(3); break;                                                           \
        case 4: done(4); break;                                                           \
        case 5: done(5); break;                                                           \
        case 6: done(6); break;                                                           \
    }

/* How many of the rows that are left go together, in even groups of at most MOST_ROWS: thirteen as 5 + 4 + 4. */
INLINE int group_of(int left) {
    int turns = (left + MOST_ROWS - 1) / MOST_ROWS;
    return (left + turns - 1) / turns;
}

/* The instructions to use, each a superset of those before. */
enum { BASELINE, AVX2, AVX512 };
#define FOR_AVX2 __attribute__((target("avx2,fma")))
#define FOR_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))

/* The highest of them that this processor can run. */
INLINE int32_t highest_target(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int fma = __builtin_cpu_supports("fma");
    if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        return AVX512;
    if (fma && __builtin_cpu_supports("avx2")) return AVX2;
#endif
    return BASELINE;
}

#endif
