/* Without Winsock's names, which are lwIP's too. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "instance_priv.h"

#include <stdatomic.h>

/*
 * The selected instance is a plain variable here: the compiler's thread-local storage is a function call for each access. One
 * thread at a time is in lwIP, then; another waits until it has left, by giving its processor away. A process has one poll
 * thread, so that nobody is inside whenever it wants to enter; what else may come are tests.
 */
static _Atomic DWORD inside; /* the thread that is in lwIP; 0: none */

struct stk_inst_scope stk_inst_enter(struct stk_inst *inst)
{
    const DWORD self = GetCurrentThreadId();
    /* Only this thread itself stores its number: an entry inside of another finds it. */
    if (atomic_load_explicit(&inside, memory_order_relaxed) != self) {
        DWORD nobody = 0;
        while (!atomic_compare_exchange_weak_explicit(&inside, &nobody, self, memory_order_acquire,
                                                      memory_order_relaxed)) {
            nobody = 0;
            (void)SwitchToThread();
        }
    }
    return (struct stk_inst_scope){.before = lwip_instance_select(&inst->lwip)};
}

void stk_inst_leave(struct stk_inst_scope scope)
{
    (void)lwip_instance_select(scope.before);
    if (scope.before == NULL) {
        atomic_store_explicit(&inside, 0, memory_order_release);
    }
}
