#include "stack/tls_windows.h"

#include <stddef.h>
#include <windows.h>
#include <winternl.h>

#define SLOTS_IN_BLOCK (sizeof(((struct _TEB *)0)->TlsSlots) / sizeof(void *))

bool stk_tls_make(struct stk_tls *tls)
{
    const DWORD index = TlsAlloc();
    if (index == TLS_OUT_OF_INDEXES) {
        return false;
    }
    tls->index = index;
    if (index < SLOTS_IN_BLOCK) {
        int probe = 0;
        const struct stk_tls fast = {
            .index = index,
            .offset = (uint32_t)(offsetof(struct _TEB, TlsSlots) + index * sizeof(void *)),
        };
        /* Both ways round, before anybody relies on it. */
        if (TlsSetValue(index, &probe) && stk_tls_get(&fast) == &probe) {
            stk_tls_set(&fast, NULL);
            if (TlsGetValue(index) == NULL) {
                atomic_store_explicit(&tls->offset, fast.offset, memory_order_relaxed);
            }
        }
        (void)TlsSetValue(index, NULL);
    }
    return true;
}

void *stk_tls_get_slow(const struct stk_tls *tls)
{
    const DWORD error = GetLastError(); /* TlsGetValue clears it */
    void *value = TlsGetValue(tls->index);
    SetLastError(error);
    return value;
}

void stk_tls_set_slow(const struct stk_tls *tls, void *value)
{
    (void)TlsSetValue(tls->index, value);
}
