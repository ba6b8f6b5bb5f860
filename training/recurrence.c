/* An LSTM layer over whole sequences, and its way back: the two loops over time of recurrence.py.
 *
 * Sequences are time-major, (T, B, ...). Units go in tiles of LANES; the gates of a tile, in torch's order i, f, g, o,
 * stand beside each other. As in the runtime's kernel up to six rows pass over a tile's weights at a time, and the
 * cell's equations follow while the sums are in registers. Rows do not know of each other, so that callers may share
 * them among threads and no bit changes. No allocation, no global state, nothing of Python.
 */
#include <stddef.h>
#include <string.h>

#include "vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GATES 4
enum { I, F, G, O };

typedef struct {
    int32_t units;  /* H, a multiple of 2 LANES */
    int32_t width;  /* D */
    int32_t steps;  /* T */
    int32_t batch;  /* B */
    int32_t first, last; /* the rows to work on: from `first`, before `last` */
    int32_t keeps;  /* 1: cell and gates of every step are kept for the way back; 0: of none */
    const float *w_in;   /* (H / LANES, D, 4, LANES) */
    const float *w_hh;   /* (H / LANES, H, 4, LANES) */
    const float *bias;   /* (H / LANES, 4, LANES) */
    const float *w_back; /* (H / 2 LANES, 4 H, 2 LANES): w_hh by the units that it comes from */
    const float *x;      /* (T, B, D) */
    float *hidden;       /* (T + 1, B, H), the first 0 */
    float *cell;         /* (T + 1, B, H), the first 0; (1, B, H) where nothing is kept */
    float *gates;        /* (T, B, H / LANES, 4, LANES), after their sigmoid or tanh; unused where nothing is kept */
    const float *above;  /* (T, B, H): the gradient that comes from the outputs */
    float *slope;        /* like gates: the gradient before sigmoid and tanh */
    float *carried;      /* (B, H), 0 at first: the gradient of the cell of the step before */
} layer;

/* NaN goes through, so that a training that has failed is seen. */
INLINE lanes exponential_or_nan(lanes x) {
    x = choose(x < -40.0f, broadcast(-40.0f), x);
    return exponential_within(choose(x > 40.0f, broadcast(40.0f), x));
}

INLINE lanes sigmoid(lanes x) { return 1.0f / (1.0f + exponential_or_nan(-x)); }
INLINE lanes tangent(lanes x) { return 2.0f / (1.0f + exponential_or_nan(-2.0f * x)) - 1.0f; }

/* One tile of one step for `rows` rows, of which `row` is the first. */
INLINE void tile_forward(const layer *net, int rows, int step, int tile, size_t row) {
    const size_t units = net->units, all = net->batch * units, at = step * all + row * units;
    const float *w_in = net->w_in + (size_t)tile * net->width * GATES * LANES;
    const float *w_hh = net->w_hh + tile * units * GATES * LANES;
    const float *x = net->x + ((size_t)step * net->batch + row) * net->width;
    lanes z[MOST_ROWS][GATES];
    for (int r = 0; r < rows; r++) memcpy(z[r], net->bias + (size_t)tile * GATES * LANES, sizeof z[r]);
    for (int pair = 0; pair < 2; pair++) {
        add_products(rows, net->width, x, net->width, w_in + 2 * pair * LANES, GATES, &z[0][2 * pair], GATES);
        add_products(rows, units, net->hidden + at, units, w_hh + 2 * pair * LANES, GATES, &z[0][2 * pair], GATES);
    }
    /* Each of the loops is over chains of operations that do not wait for each other. */
    for (int r = 0; r < rows; r++) {
        z[r][I] = sigmoid(z[r][I]), z[r][F] = sigmoid(z[r][F]), z[r][G] = tangent(z[r][G]), z[r][O] = sigmoid(z[r][O]);
        if (net->keeps) memcpy(net->gates + (at + r * units + (size_t)tile * LANES) * GATES, z[r], sizeof z[r]);
    }
    lanes c[MOST_ROWS];
    float *cell = net->cell + (net->keeps ? at : row * units) + (size_t)tile * LANES;
    for (int r = 0; r < rows; r++) {
        c[r] = z[r][F] * *(const lanes *)(cell + r * units) + z[r][I] * z[r][G];
        *(lanes *)(cell + r * units + (net->keeps ? all : 0)) = c[r];
    }
    float *hidden = net->hidden + at + all + (size_t)tile * LANES;
    for (int r = 0; r < rows; r++) *(lanes *)(hidden + r * units) = z[r][O] * tangent(c[r]);
}

INLINE void run_forward(const layer *net) {
    for (int step = 0; step < net->steps; step++)
        for (int tile = 0; tile < net->units / LANES; tile++)
            for (int row = net->first, n; row < net->last; row += n) {
                n = group_of(net->last - row);
#define FORWARD(rows) tile_forward(net, rows, step, tile, row)
                BY_ROWS(n, FORWARD)
            }
}

/* Two tiles of one step, backwards, for `rows` rows, of which `row` is the first. */
INLINE void tiles_backward(const layer *net, int rows, int step, int tile, size_t row) {
    const size_t units = net->units, all = net->batch * units, at = step * all + row * units;
    const size_t first = (size_t)tile * LANES;
    lanes back[MOST_ROWS][2];
    for (int r = 0; r < rows; r++) memcpy(back[r], net->above + at + r * units + first, sizeof back[r]);
    if (step + 1 < net->steps)
        add_products(rows, GATES * units, net->slope + (at + all) * GATES, GATES * units,
                     net->w_back + first * GATES * units, 2, back[0], 2);
    /* As on the way there: loops over chains that do not wait for each other. */
    lanes squashed[MOST_ROWS][2];
    const float *cell = net->cell + at + first;
    for (int r = 0; r < rows; r++)
        for (int half = 0; half < 2; half++)
            squashed[r][half] = tangent(*(const lanes *)(cell + all + r * units + half * LANES));
    for (int r = 0; r < rows; r++)
        for (int half = 0; half < 2; half++) {
            const size_t here = r * units + half * LANES;
            const float *gates = net->gates + (at + first + here) * GATES;
            lanes gate[GATES], slope[GATES], *carried = (lanes *)(net->carried + row * units + first + here);
            memcpy(gate, gates, sizeof gate);
            lanes i = gate[I], f = gate[F], g = gate[G], o = gate[O], tanh_c = squashed[r][half], h = back[r][half];
            lanes c = *carried + h * o * (1.0f - tanh_c * tanh_c);
            slope[I] = c * g * i * (1.0f - i);
            slope[F] = c * *(const lanes *)(cell + here) * f * (1.0f - f);
            slope[G] = c * i * (1.0f - g * g);
            slope[O] = h * tanh_c * o * (1.0f - o);
            *carried = c * f;
            memcpy(net->slope + (at + first + here) * GATES, slope, sizeof slope);
        }
}

INLINE void run_backward(const layer *net) {
    for (int step = net->steps - 1; step >= 0; step--)
        for (int tile = 0; tile < net->units / LANES; tile += 2)
            for (int row = net->first, n; row < net->last; row += n) {
                n = group_of(net->last - row);
#define BACKWARD(rows) tiles_backward(net, rows, step, tile, row)
                BY_ROWS(n, BACKWARD)
            }
}

#define RUN(name, direction, attributes) \
    attributes static void name(const layer *net) { direction(net); }
RUN(forward_baseline, run_forward, )
RUN(backward_baseline, run_backward, )
#if defined(__x86_64__)
RUN(forward_avx2, run_forward, FOR_AVX2)
RUN(backward_avx2, run_backward, FOR_AVX2)
RUN(forward_avx512, run_forward, FOR_AVX512)
RUN(backward_avx512, run_backward, FOR_AVX512)
#endif

/* Raised when what is computed or how it is called changes, in vectors.h too: recurrence.py asks first. */
int32_t recurrence_version(void) { return 1; }

int32_t recurrence_lanes(void) { return LANES; }

int32_t recurrence_target(void) { return highest_target(); }

void recurrence_forward(const layer *net, int32_t target) {
#if defined(__x86_64__)
    if (target == AVX512) { forward_avx512(net); return; }
    if (target == AVX2) { forward_avx2(net); return; }
#endif
    (void)target;
    forward_baseline(net);
}

void recurrence_backward(const layer *net, int32_t target) {
#if defined(__x86_64__)
    /* A gradient that has all but vanished on its way would take a hundred times as long in denormal numbers. */
    const unsigned int before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    if (target == AVX512) backward_avx512(net);
    else if (target == AVX2) backward_avx2(net);
    else backward_baseline(net);
    _mm_setcsr(before);
#else
    (void)target;
    backward_baseline(net);
#endif
}
