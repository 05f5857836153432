/*
 * Connections that have nothing to do are not walked by lwIP's timers (patch 0024): they leave the list of active PCBs
 * until a segment comes, something is sent, or their own time has come (keep-alive, the bound of FIN-WAIT-2). Those with
 * a time are in a wheel of slow ticks; one that is further away than the wheel reaches is looked at once a turn.
 */
#include "instance_priv.h"

#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#define AWAKE_FLAGS (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR | TF_BACKLOGPEND | TF_RTO)

static void list_remove(struct tcp_pcb *pcb)
{
    *pcb->links.list_at = pcb->next;
    if (pcb->next != NULL)
        pcb->next->links.list_at = pcb->links.list_at;
}

static void list_add(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    pcb->next = *list;
    pcb->links.list_at = list;
    if (pcb->next != NULL)
        pcb->next->links.list_at = &pcb->next;
    *list = pcb;
}

static bool has_work(const struct tcp_pcb *pcb)
{
    if (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT && pcb->state != FIN_WAIT_2)
        return true;
    return pcb->unsent != NULL || pcb->unacked != NULL || pcb->ooseq != NULL || pcb->refused_data != NULL ||
           pcb->persist_backoff != 0 || (pcb->flags & AWAKE_FLAGS) != 0;
}

/* Slow ticks until lwIP has to look, 0: it has to now, UINT32_MAX: never. */
static uint32_t ticks_left(const struct tcp_pcb *pcb)
{
    uint64_t bound_ms;
    if (pcb->state == FIN_WAIT_2) {
        if ((pcb->flags & TF_RXCLOSED) == 0)
            return UINT32_MAX;
        bound_ms = TCP_FIN_WAIT_TIMEOUT;
    } else if (ip_get_option(pcb, SOF_KEEPALIVE)) {
        const uint64_t probes = pcb->keep_cnt_sent < pcb->keep_cnt ? pcb->keep_cnt_sent : pcb->keep_cnt;
        bound_ms = pcb->keep_idle + probes * pcb->keep_intvl;
    } else {
        return UINT32_MAX;
    }
    const uint64_t at = bound_ms / TCP_SLOW_INTERVAL;
    const uint32_t past = tcp_ticks - pcb->tmr;
    const uint64_t left = at > past ? at - past : 0;
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX - 1;
}

void stk_hook_tcp_idle(struct tcp_pcb *pcb)
{
    struct stk_idle *idle = &stk_inst_selected()->idle;
    if (pcb->asleep || has_work(pcb) || stk_ep_tcp_has_work(pcb))
        return;
    const uint32_t left = ticks_left(pcb);
    if (left == 0)
        return;
    list_remove(pcb);
    if (left == UINT32_MAX) {
        pcb->asleep = STK_ASLEEP;
        list_add(&idle->resting, pcb);
        return;
    }
    const uint32_t ahead = left < STK_IDLE_SLOTS ? left : STK_IDLE_SLOTS - 1;
    pcb->asleep = STK_ASLEEP_TIMED;
    idle->timed++;
    list_add(&idle->wheel[(tcp_ticks + ahead) % STK_IDLE_SLOTS], pcb);
}

void stk_hook_tcp_wake(struct tcp_pcb *pcb)
{
    if (pcb->state == LISTEN || !pcb->asleep)
        return;
    list_remove(pcb);
    stk_tcp_idle_forget(pcb);
    list_add(&tcp_active_pcbs, pcb);
    tcp_timer_needed();
}

void stk_tcp_idle_forget(struct tcp_pcb *pcb)
{
    if (pcb->asleep == STK_ASLEEP_TIMED)
        stk_inst_selected()->idle.timed--;
    pcb->asleep = 0;
}

void stk_hook_tcp_slowtmr(void)
{
    struct tcp_pcb **due = &stk_inst_selected()->idle.wheel[tcp_ticks % STK_IDLE_SLOTS];
    while (*due != NULL)
        stk_hook_tcp_wake(*due);
}

void stk_hook_tcp_wake_all(void)
{
    struct stk_idle *idle = &stk_inst_selected()->idle;
    while (idle->resting != NULL)
        stk_hook_tcp_wake(idle->resting);
    for (uint32_t i = 0; i < STK_IDLE_SLOTS && idle->timed != 0; i++) {
        while (idle->wheel[i] != NULL)
            stk_hook_tcp_wake(idle->wheel[i]);
    }
}

int stk_hook_tcp_sleepers(void)
{
    return stk_inst_selected()->idle.timed != 0;
}
