/* What this machine can do at most: the measures that the engine is held against. */
#ifndef RUNE_PEAK_H
#define RUNE_PEAK_H

#include <stddef.h>

#include "blas.h"

/* GFLOP/s of large float32 products by OpenBLAS with that many threads, each of which makes its
 * own: the best of those that are made in `seconds` or so. Returns 0, or −1 and a message. */
int peak_sgemm(const struct blas *blas, int threads, double seconds, double *gflops);

/* GB/s at which that many threads read as many bytes over and over, each its share: the best of
 * some stretches in `seconds` or so, > 0. Returns 0, or −1 and a message. */
int peak_read(int threads, size_t bytes, double seconds, double *gbytes);

#endif
