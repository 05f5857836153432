#include "t_watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

/* glibc's own entry points behind the names that are replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void *memalign(size_t alignment, size_t size);

#define REPLACES __attribute__((visibility("default")))

static _Atomic uint32_t armed;
static _Atomic uint64_t counted_own;
static _Atomic uint64_t counted_others;
static _Thread_local uint32_t own;

static void note(void)
{
    if (atomic_load_explicit(&armed, memory_order_relaxed) != 0) {
        (void)atomic_fetch_add_explicit(own != 0 ? &counted_own : &counted_others, 1, memory_order_relaxed);
    }
}

REPLACES void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

REPLACES void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

REPLACES void *realloc(void *old, size_t size)
{
    note();
    return __libc_realloc(old, size);
}

REPLACES void *memalign(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

REPLACES void *aligned_alloc(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

REPLACES int posix_memalign(void **out, size_t alignment, size_t size)
{
    note();
    *out = __libc_memalign(alignment, size);
    return *out != NULL ? 0 : ENOMEM;
}

REPLACES void free(void *memory)
{
    if (memory != NULL) {
        note();
    }
    __libc_free(memory);
}

void t_watch_allocs_begin(void)
{
    own = 1;
    atomic_store(&counted_own, 0);
    atomic_store(&counted_others, 0);
    atomic_store(&armed, 1);
}

void t_watch_allocs_end(uint64_t *own_out, uint64_t *others_out)
{
    atomic_store(&armed, 0);
    own = 0;
    *own_out = atomic_load(&counted_own);
    *others_out = atomic_load(&counted_others);
}
