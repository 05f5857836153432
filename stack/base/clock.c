#include "stack/clock.h"

#include <stddef.h>

/** Set once, before the first program's call that reads it. */
static _Atomic(const _Atomic uint64_t *) clock_virtual;

uint64_t stk_clock_ns(void)
{
    const _Atomic uint64_t *word = atomic_load_explicit(&clock_virtual, memory_order_relaxed);
    return word == NULL ? stk_clock_os_ns() : atomic_load_explicit(word, memory_order_relaxed);
}

void stk_clock_virtual_set(const _Atomic uint64_t *word)
{
    atomic_store_explicit(&clock_virtual, word, memory_order_relaxed);
}
