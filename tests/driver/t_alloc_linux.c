#include "t_alloc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* glibc's own entry points behind the names that are replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

#define REPLACES __attribute__((visibility("default")))

static _Thread_local bool counting;
static _Thread_local uint32_t calls;

REPLACES void *malloc(size_t size)
{
    calls += counting;
    return __libc_malloc(size);
}

REPLACES void *calloc(size_t count, size_t size)
{
    calls += counting;
    return __libc_calloc(count, size);
}

REPLACES void *realloc(void *old, size_t size)
{
    calls += counting;
    return __libc_realloc(old, size);
}

REPLACES void free(void *memory)
{
    calls += counting && memory != NULL;
    __libc_free(memory);
}

void t_alloc_count_start(void)
{
    calls = 0;
    counting = true;
}

uint32_t t_alloc_count_stop(void)
{
    counting = false;
    return calls;
}
