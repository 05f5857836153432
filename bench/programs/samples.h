/**
 * @file
 * Durations in ns, kept whole, so that percentiles are exact. Filled by one thread without allocating.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct bench_samples {
    uint64_t *ns; /**< capacity entries, owned */
    size_t count;
    size_t capacity;
};

/** Take memory for capacity samples and touch it. @return 0, or -1: no memory. */
int bench_samples_open(struct bench_samples *samples, size_t capacity);

/** Give the memory back. Fine on one that failed to open. */
void bench_samples_close(struct bench_samples *samples);

/** Keep a duration; what finds no room is not kept. */
static inline void bench_samples_add(struct bench_samples *samples, uint64_t ns)
{
    if (samples->count < samples->capacity) {
        samples->ns[samples->count++] = ns;
    }
}

/**
 * Print count, mean_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns as "key value" lines on stdout. Sorts the samples.
 * Percentiles are nearest-rank; with no sample only "count 0" is printed.
 */
void bench_samples_print(struct bench_samples *samples);

/** Their median, 0 with no sample. Sorts the samples. */
uint64_t bench_samples_median(struct bench_samples *samples);

#endif
