/**
 * @file
 * Makes a failing capture small: the shortest prefix that still fails, then
 * the smallest subset of it that delta debugging finds (A. Zeller, R.
 * Hildebrandt: Simplifying and Isolating Failure-Inducing Input, 2002).
 */
#ifndef STACK_REPLAY_REDUCE_H
#define STACK_REPLAY_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STK_REDUCE_REASON_SIZE 640

/** Does a capture fail the same way? */
typedef bool (*stk_reduce_fails_fn)(void *context, const char *capture);

struct stk_reduce_result {
    uint32_t packets_before;
    uint32_t packets;
    uint32_t trials;
    bool limited; /**< trials or time ran out */
    char reason[STK_REDUCE_REASON_SIZE];
};

/** How a capture is reduced. */
struct stk_reduce_conf {
    const char *scratch; /**< a file for trials; removed afterwards */
    uint32_t trials_max; /**< then the smallest so far is taken */
    uint64_t limit_s;    /**< of real time; the same then */
    stk_reduce_fails_fn fails;
    void *context;
};

/**
 * Reduce a capture.
 *
 * @param capture  What fails.
 * @param out      The file to be written.
 * @return         0, or an error with result->reason: STK_EINVAL: it does not fail at all.
 */
int stk_reduce_capture(const struct stk_reduce_conf *conf, const char *capture, const char *out,
                       struct stk_reduce_result *result);

#endif
