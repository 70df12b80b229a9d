/* The speed of the engine on this machine. */
#ifndef RUNE_BENCH_H
#define RUNE_BENCH_H

#include <stddef.h>

#include "engine.h"

enum bench_work { BENCH_TRAIN, BENCH_EVAL, BENCH_SAMPLE };

/* In the order of the enum; NULL at the end. */
extern const char *const bench_work_names[];

/* What is measured: a step of training (Adam, clipped by norm) on a chunk, the loss of a chunk, or
 * one symbol drawn in each stream. Symbols are random and states are carried. */
struct bench_config {
    enum bench_work work;
    const struct engine *engine; /* to train: not one of 8 bits */
    const char *cell;
    int num_layers, hidden_size, batch_size, vocab_size; /* each ≥ 1 */
    int seq_length;                                      /* timesteps of a chunk; to sample: 1 */
    int threads;
};

/* What a character takes, from the shape alone. */
struct bench_cost {
    double flops; /* 2 for each parameter on the way forward, 4 on the way back; the one-hot product
                     is none */
    size_t bytes_read;   /* weights, of the one-hot product's a row; those that are rounded to bf16
                            or 8 bits as they are packed, with scales and padding */
    size_t weight_bytes; /* of all weights, likewise */
};

struct bench_result {
    double chars_per_second, gflops;
    double gbytes_per_second; /* of weights that one stream of samples reads; NAN for other work */
    size_t weight_bytes;      /* as in bench_cost */
};

/* Returns 0, or −1 and a message. */
int bench_cost(struct bench_cost *cost, const struct bench_config *config);

/* The median of several measurements, which last `seconds` together. Returns 0, or −1 and a message
 * that names the configuration. */
int bench_run(struct bench_result *result, const struct bench_config *config, double seconds);

#endif
