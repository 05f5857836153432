#include "samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_samples_open(struct bench_samples *samples, size_t capacity)
{
    samples->count = 0;
    samples->capacity = 0;
    samples->ns = malloc(capacity * sizeof(*samples->ns));
    if (samples->ns == NULL) {
        (void)fprintf(stderr, "no memory for %zu samples\n", capacity);
        return -1;
    }
    /* Page faults belong here, not into the first samples. */
    memset(samples->ns, 0xa5, capacity * sizeof(*samples->ns));
    samples->capacity = capacity;
    return 0;
}

void bench_samples_close(struct bench_samples *samples)
{
    free(samples->ns);
    samples->ns = NULL;
    samples->capacity = 0;
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;

    return (*a > *b) - (*a < *b);
}

/* Nearest rank: the smallest sample that permille thousandths of all do not exceed. */
static uint64_t rank(const struct bench_samples *samples, size_t permille)
{
    size_t index = (samples->count * permille + 999) / 1000;

    return samples->ns[index > 0 ? index - 1 : 0];
}

uint64_t bench_samples_median(struct bench_samples *samples)
{
    if (samples->count == 0) {
        return 0;
    }
    qsort(samples->ns, samples->count, sizeof(*samples->ns), ascending);
    return rank(samples, 500);
}

void bench_samples_print(struct bench_samples *samples)
{
    double sum = 0;

    (void)printf("count %zu\n", samples->count);
    if (samples->count == 0) {
        return;
    }
    qsort(samples->ns, samples->count, sizeof(*samples->ns), ascending);
    for (size_t i = 0; i < samples->count; i++) {
        sum += (double)samples->ns[i];
    }
    (void)printf("mean_ns %.0f\n", sum / (double)samples->count);
    (void)printf("p50_ns %" PRIu64 "\np90_ns %" PRIu64 "\n", rank(samples, 500), rank(samples, 900));
    (void)printf("p99_ns %" PRIu64 "\np999_ns %" PRIu64 "\n", rank(samples, 990), rank(samples, 999));
    (void)printf("max_ns %" PRIu64 "\n", samples->ns[samples->count - 1]);
}
