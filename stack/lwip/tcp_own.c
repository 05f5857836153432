/** @file What TCP's hooks of patches 0017 and 0018 do: figures of a connection, and how long it is patient. */
#include "lwip/instance_priv.h"
#include "lwip/tcp_path.h"
#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

static uint64_t now_ns(void)
{
    return stk_inst_now_ns(stk_inst_selected());
}

void stk_hook_tcp_limit(struct tcp_pcb *pcb, u8_t limit)
{
    struct stk_tcp_own *own = &pcb->own;
    if (pcb->state < ESTABLISHED || own->opened_ns == 0) {
        return;
    }
    const uint64_t now = now_ns();
    const uint64_t since = own->limit_since_ns != 0 ? own->limit_since_ns : own->opened_ns;
    own->limit_ns[own->limit] += now - since;
    own->limit_bytes[own->limit] += (uint32_t)(pcb->snd_nxt - own->limit_from);
    own->limit_since_ns = now;
    own->limit_from = pcb->snd_nxt;
    own->limit_begun[limit]++;
    own->limit = limit;
}

void stk_hook_tcp_resent(struct tcp_pcb *pcb, u16_t len)
{
    if (pcb->state == SYN_SENT || pcb->state == SYN_RCVD) {
        pcb->own.syn_resent += pcb->nrtx > 0; /* an active opener's first SYN is behind SND.NXT for lwIP */
    } else {
        pcb->own.bytes_resent += len;
    }
}

void stk_hook_tcp_timeout(struct tcp_pcb *pcb)
{
    if (pcb->nrtx == 1 && pcb->state >= ESTABLISHED) {
        pcb->own.timeouts++;
    }
    stk_tcp_path_timeout(pcb);
}

void stk_hook_tcp_dup_ack(struct tcp_pcb *pcb)
{
    pcb->own.dup_acks++;
    if (pcb->dupacks == 3 && (pcb->flags & TF_INFR) != 0) {
        pcb->own.fast_resends++;
    }
}

void stk_hook_tcp_reordered(struct tcp_pcb *pcb, u16_t len)
{
    pcb->own.bytes_reordered += len;
    pcb->own.segments_reordered++;
}

void stk_hook_tcp_rtt_begin(struct tcp_pcb *pcb)
{
    pcb->own.rtt_begin_ns = pcb->nrtx == 0 ? now_ns() : 0;
}

/* RFC 6298 2.2, 2.3 with alpha 1/8, in microseconds: the retransmission timer goes on counting lwIP's ticks. What was sent
 * again measures nothing (3). */
void stk_hook_tcp_rtt_end(struct tcp_pcb *pcb)
{
    struct stk_tcp_own *own = &pcb->own;
    if (own->rtt_begin_ns == 0) {
        return;
    }
    if (__builtin_expect(own->widen_at_ns != 0, 0)) {
        stk_tcp_path_measured(pcb);
    }
    const uint64_t us = (now_ns() - own->rtt_begin_ns) / 1000u;
    own->rtt_begin_ns = 0;
    const uint32_t sample = us == 0 ? 1u : us > UINT32_MAX / 8u ? UINT32_MAX / 8u : (uint32_t)us;
    if (own->rtt_us == 0) {
        own->rtt_us = sample;
        own->rtt_min_us = sample;
        return;
    }
    own->rtt_us = (own->rtt_us * 7u + sample) / 8u;
    if (sample < own->rtt_min_us) {
        own->rtt_min_us = sample;
    }
    if (own->rtt_us < own->rtt_min_us) { /* rounded down */
        own->rtt_us = own->rtt_min_us;
    }
}

/* A repetition has had its time too. */
static bool waited(const struct tcp_pcb *pcb)
{
    return pcb->rtime >= 0 && pcb->rtime + 1 >= pcb->rto;
}

/* Nothing is repeated, or the last repetition was answered by a peer whose window is closed: it is there. */
static bool answered(const struct tcp_pcb *pcb)
{
    if (pcb->persist_backoff > 0) {
        return pcb->persist_probe == 0;
    }
    return pcb->nrtx == 0 ||
           (pcb->snd_wnd == 0 && pcb->rtime >= 0 && (u32_t)(tcp_ticks - pcb->tmr) <= (u32_t)pcb->rtime);
}

/* TCP_MAXRT: for how long did nothing get through? */
static bool time_is_up(struct tcp_pcb *pcb)
{
    struct stk_tcp_own *own = &pcb->own;
    const bool first = pcb->nrtx == 0 && pcb->persist_backoff == 0 && pcb->rtime > 0;
    const u32_t running = first ? (u32_t)pcb->rtime : 0u;
    if (answered(pcb)) {
        own->progress_at = tcp_ticks - running;
    }
    return own->maxrt_ticks > 0 && (u32_t)(tcp_ticks - own->progress_at) >= (u32_t)own->maxrt_ticks;
}

int stk_hook_tcp_give_up(struct tcp_pcb *pcb)
{
    const struct stk_tcp_own *own = &pcb->own;
    if (pcb->state == SYN_SENT || pcb->state == SYN_RCVD) {
        const u8_t limit = own->syn_limit != 0 ? (u8_t)(own->syn_limit - 1) : TCP_MAXRTX;
        return pcb->nrtx >= limit && waited(pcb);
    }
    if (own->maxrt_ticks != 0) {
        return time_is_up(pcb);
    }
    if (pcb->persist_backoff > 0) {
        return pcb->persist_probe >= TCP_MAXRTX;
    }
    return pcb->nrtx >= TCP_MAXRTX && waited(pcb);
}
