#include "instance_priv.h"

#include "stack/assert.h"
#include "stack/clock.h"
#include "stack/log.h"

#include "lwip/sys.h"
#include "lwip/tcp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint32_t stk_lwip_random(void)
{
    struct stk_inst *inst = stk_inst_selected();
    if (inst->random_left == 0) {
        inst->ops->random(inst->ctx, inst->random_pool, (uint32_t)sizeof(inst->random_pool));
        inst->random_left = (uint32_t)(sizeof(inst->random_pool) / sizeof(inst->random_pool[0]));
    }
    uint32_t value = inst->random_pool[--inst->random_left];
    inst->random_pool[inst->random_left] = 0;
    return value;
}

void stk_lwip_diag(const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text[strcspn(text, "\n")] = '\0';
    stk_log(STK_LOG_DEBUG, "lwip: %s", text);
}

void stk_lwip_assert_failed(const char *what, const char *file, int line)
{
    stk_assert_fail(what, file, line);
}

void *stk_slab_malloc(size_t size_bytes)
{
    return stk_slab_get(&stk_inst_selected()->slab, size_bytes);
}

void *stk_slab_calloc(size_t count, size_t size_bytes)
{
    if (size_bytes != 0 && count > SIZE_MAX / size_bytes)
        return NULL;
    void *mem = stk_slab_malloc(count * size_bytes);
    if (mem != NULL)
        memset(mem, 0, count * size_bytes);
    return mem;
}

void stk_slab_free(void *mem)
{
    stk_slab_put(&stk_inst_selected()->slab, mem);
}

uint32_t stk_lwip_tcp_msl_ms(void)
{
    return stk_inst_selected()->limits.tcp_msl_ms;
}

uint32_t stk_lwip_tcp_ooseq_rtos(void)
{
    return stk_inst_selected()->limits.tcp_ooseq_rtos;
}

/*
 * RFC 9293 3.8.6.2.2: the window is offered anew when it can grow by the smaller of a segment and half of the buffer.
 * Two segments match the acknowledgement of every second one (RFC 1122 4.2.3.2), which carries the window anyway.
 */
uint32_t stk_lwip_wnd_update_threshold(const struct tcp_pcb *pcb)
{
    uint32_t half = (uint32_t)pcb->rcv_wnd / 2;
    uint32_t segments = 2u * pcb->mss;
    if (half == 0)
        half = 1;
    return half < segments ? half : segments;
}

u32_t sys_now(void)
{
    const struct stk_inst *inst = stk_inst_selected();
    return (u32_t)(inst->ops->now_ns(inst->ctx) / STK_MS_NS);
}
