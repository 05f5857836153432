#include "stack/process.h"

#include <sched.h>

bool stk_process_ending(void)
{
    return false;
}

uint32_t stk_process_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        return 1;
    }
    const int count = CPU_COUNT(&set);
    return count > 0 ? (uint32_t)count : 1;
}
