/* One LSTM over staggered rows of several streams: what lstm.py does in numpy, in one pass over registers.
 *
 * A tile is a register's LANES (8 with AVX2) units of all four gates (order i, f, o, g). Its weights stay in the
 * first-level cache while every row of every stream passes over them: input gates once per stream and frame, then up
 * to six rows at a time, two gates at a time, so that twelve sums, two weights and one state fill the sixteen registers
 * of AVX2. The equations of the cell follow at once, so gates never reach memory. No allocation, no global state,
 * nothing of Python.
 */
#include <string.h>

#include "vectors.h"

#define GATES 4

typedef struct {
    int32_t units;  /* H, padded to a multiple of LANES with units of zero weights */
    int32_t width;  /* D, of a frame */
    int32_t streams, rows, hop, window;
    int32_t pooled; /* 1: attention over the window; 0: the last hidden state */
    const float *w_in;  /* (H / LANES, D, 4, LANES) */
    const float *w_hh;  /* (H / LANES, H, 4, LANES) */
    const float *bias;  /* (H / LANES, 4, LANES) */
    const float *w_out, *attention; /* (H) */
    float *hidden;  /* (2, S * R, H): before and after a step, by turns */
    float *cell;    /* (S * R, H) */
    float *sums;    /* (2, S * R): of exp(a) v and of exp(a) */
} lstm;

/* sums[r] += states[r] . weights for all gates, two at a time. */
INLINE void all_gates(int rows, int depth, const float *states, int stride, const float *weights, lanes *sums) {
#define TWICE(n)                                                         \
    add_products(n, depth, states, stride, weights, GATES, sums, GATES); \
    add_products(n, depth, states, stride, weights + 2 * LANES, GATES, sums + 2, GATES)
    BY_ROWS(rows, TWICE)
#undef TWICE
}

/* c' = sigmoid(f) c + sigmoid(i) tanh(g) and h' = sigmoid(o) tanh(c'), a product of two of them by one division. */
INLINE void cell_of(const lanes *z, lanes *c, lanes *h) {
    lanes at_i = exponential(-z[0]), at_f = exponential(-z[1]), at_o = exponential(-z[2]);
    lanes at_g = exponential(-2.0f * z[3]);
    *c = *c / (1.0f + at_f) + (1.0f - at_g) / ((1.0f + at_i) * (1.0f + at_g));
    lanes at_c = exponential(-2.0f * *c);
    *h = (1.0f - at_c) / ((1.0f + at_o) * (1.0f + at_c));
}

INLINE void step(const lstm *net, const float *frames, size_t stride, const float *before, float *after) {
    const int units = net->units;
    for (int tile = 0; tile < units / LANES; tile++) {
        const float *w_hh = net->w_hh + (size_t)tile * units * GATES * LANES;
        const float *w_in = net->w_in + (size_t)tile * net->width * GATES * LANES;
        for (int stream = 0; stream < net->streams; stream++) {
            lanes input[GATES], sums[MOST_ROWS * GATES];
            memcpy(input, net->bias + (size_t)tile * GATES * LANES, sizeof input);
            all_gates(1, net->width, frames + stride * stream, 0, w_in, input);
            for (int done = 0, n; done < net->rows; done += n) {
                n = group_of(net->rows - done);
                size_t row = (size_t)stream * net->rows + done;
                for (int r = 0; r < n; r++) memcpy(sums + r * GATES, input, sizeof input);
                all_gates(n, units, before + row * units, units, w_hh, sums);
                for (int r = 0; r < n; r++) {
                    size_t at = (row + r) * units + (size_t)tile * LANES;
                    cell_of(sums + r * GATES, (lanes *)(net->cell + at), (lanes *)(after + at));
                }
            }
        }
    }
}

INLINE float dot(const float *a, const float *b, int n) {
    lanes sum = {0};
    for (int k = 0; k < n; k += LANES) sum += *(const lanes *)(a + k) * *(const lanes *)(b + k);
    float total = 0.0f;
    for (int j = 0; j < LANES; j++) total += sum[j];
    return total;
}

INLINE void pool(const lstm *net, const float *hidden) {
    size_t all = (size_t)net->streams * net->rows;
    for (size_t row = 0; row < all; row++) {
        const float *h = hidden + row * net->units;
        float weight = exponential(broadcast(dot(net->attention, h, net->units)))[0];
        net->sums[row] += weight * dot(net->w_out, h, net->units);
        net->sums[all + row] += weight;
    }
}

/* Steps through frames (S, F, D), the first of which is frame `first`; returns how many windows they completed. */
INLINE int32_t run(const lstm *net, const float *frames, int32_t n_frames, int64_t first, float *logits) {
    const size_t all = (size_t)net->streams * net->rows, states = all * net->units;
    int32_t completed = 0;
    for (int32_t k = 0; k < n_frames; k++) {
        const int64_t frame = first + k, start = frame + 1 - net->window;
        float *before = net->hidden + (frame & 1) * states, *after = net->hidden + (~frame & 1) * states;
        if (frame % net->hop == 0)
            for (size_t row = frame / net->hop % net->rows; row < all; row += net->rows) {
                memset(before + row * net->units, 0, net->units * sizeof(float));
                memset(net->cell + row * net->units, 0, net->units * sizeof(float));
                if (net->pooled) net->sums[row] = net->sums[all + row] = 0.0f;
            }
        step(net, frames + (size_t)k * net->width, (size_t)n_frames * net->width, before, after);
        if (net->pooled) pool(net, after);
        if (start < 0 || start % net->hop) continue;
        for (size_t row = start / net->hop % net->rows; row < all; row += net->rows) {
            const float *h = after + row * net->units;
            *logits++ = net->pooled ? net->sums[row] / net->sums[all + row] : dot(net->w_out, h, net->units);
        }
        completed++;
    }
    return completed;
}

#define RUN(name, attributes)                                                                                     \
    attributes static int32_t name(const lstm *net, const float *frames, int32_t n, int64_t first, float *logits) { \
        return run(net, frames, n, first, logits);                                                                \
    }
RUN(run_baseline, )
#if defined(__x86_64__)
RUN(run_avx2, FOR_AVX2)
RUN(run_avx512, FOR_AVX512)
#endif

/* Raised with every change, of vectors.h too, that changes what it computes or how it is called: kernel.py asks first. */
int32_t wakeword_version(void) { return 2; }

int32_t wakeword_lanes(void) { return LANES; }

/* The highest target that this processor can run. */
int32_t wakeword_target(void) { return highest_target(); }

int32_t wakeword_run(const lstm *net, int32_t target, const float *frames, int32_t n, int64_t first, float *logits) {
#if defined(__x86_64__)
    if (target == AVX512) return run_avx512(net, frames, n, first, logits);
    if (target == AVX2) return run_avx2(net, frames, n, first, logits);
#endif
    (void)target;
    return run_baseline(net, frames, n, first, logits);
}
