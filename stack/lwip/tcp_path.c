/**
 * @file
 * The path's MTU as TCP follows it (patch 0031): RFC 1191 for IPv4, RFC 8201 for IPv6, and what is done where routers
 * drop what is too large and nobody hears of it (RFC 2923 2.1).
 */
#include "lwip/instance_priv.h"
#include "lwip/tcp_path.h"

#include "stack/clock.h"

#include "stk_lwip_hooks.h"

#include "lwip/priv/tcp_priv.h"

#define HEADERS4 (IP_HLEN + TCP_HLEN)
#define HEADERS6 (IP6_HLEN + TCP_HLEN)
#define SMALL4 576u                               /* what every host takes: RFC 1122 3.3.2 */
#define SMALL6 1280u                              /* what every link takes: RFC 8200 5 */
#define WIDEN_AFTER_NS (UINT64_C(600) * STK_S_NS) /* RFC 1191 6.3 */
#define DOUBT_NS (UINT64_C(60) * STK_S_NS)        /* how soon a suspicion has to come again to be believed */
#define HOLE_SMALL 2u                             /* time-outs in a row until segments become small */
#define HOLE_WHOLE 4u                             /* and until it is clear that their size was not it */

/* What own.hole says of a router that may drop large segments and tell nobody. */
enum hole {
    HOLE_NONE,
    HOLE_TRIED, /* segments were made small because of time-outs, and nothing has got through since */
    HOLE_DOUBT, /* small ones got through, as they do behind a link that was down too: large ones are tried again */
    HOLE_SURE,  /* these were lost as well: as HOLE_TRIED, but small ones that get through are the proof */
};

static uint32_t headers_of(const struct tcp_pcb *pcb)
{
    return IP_IS_V6(&pcb->remote_ip) ? HEADERS6 : HEADERS4;
}

static uint64_t now_ns(void)
{
    return stk_inst_now_ns(stk_inst_selected());
}

static void narrow(struct tcp_pcb *pcb, uint32_t mss)
{
    if (pcb->own.mss_full == 0) {
        pcb->own.mss_full = pcb->mss;
    }
    pcb->own.widen_at_ns = now_ns() + WIDEN_AFTER_NS;
    pcb->mss = (u16_t)mss;
}

/* As wide as the peer and the interface allow, but not wider than is known of the path. */
static void widen(struct tcp_pcb *pcb)
{
    pcb->mss = pcb->own.mss_full != 0 ? pcb->own.mss_full : pcb->mss;
    /* A segment fits (RFC 5681 3.1): with nothing in flight no timer would run for one that does not. */
    pcb->cwnd = LWIP_MAX(pcb->cwnd, pcb->mss);
    pcb->own.sack.cwnd = LWIP_MAX(pcb->own.sack.cwnd, pcb->mss);
    pcb->own.mss_full = 0;
    pcb->own.widen_at_ns = 0;
    pcb->own.fragments = pcb->own.path_fixed;
    if (IP_IS_V6(&pcb->remote_ip)) { /* lwIP remembers what it was told, and would cut what is larger */
        struct netif *netif = ip_route(&pcb->local_ip, &pcb->remote_ip);
        const uint32_t known = netif == NULL ? pcb->mss : tcp_eff_send_mss_netif(pcb->mss, netif, &pcb->remote_ip);
        if (known < pcb->mss) {
            narrow(pcb, known);
        }
        return;
    }
    stk_hook_tcp_path_begin(pcb);
}

void stk_hook_tcp_path_begin(struct tcp_pcb *pcb)
{
    const struct stk_inst *inst = stk_inst_selected();
    pcb->own.mss_full = 0; /* what came before it was no peer's */
    pcb->own.widen_at_ns = 0;
    if (pcb->own.path_fixed || IP_IS_V6(&pcb->remote_ip)) {
        return;
    }
    const uint32_t mtu = stk_pmtu4_get(&inst->pmtu4, ip4_addr_get_u32(ip_2_ip4(&pcb->remote_ip)), UINT16_MAX, now_ns());
    if (mtu - HEADERS4 < pcb->mss) {
        narrow(pcb, mtu - HEADERS4);
    }
}

void stk_tcp_path_choose(struct tcp_pcb *pcb, bool fixed)
{
    if (fixed == (pcb->own.path_fixed != 0)) {
        return;
    }
    pcb->own.path_fixed = fixed;
    widen(pcb);
}

void stk_tcp_path_too_big(struct tcp_pcb *pcb, uint32_t mtu)
{
    const uint32_t headers = headers_of(pcb);
    const uint32_t least = IP_IS_V6(&pcb->remote_ip) ? SMALL6 : STK_PMTU4_MIN;
    const uint32_t mss = (mtu < least ? least : mtu) - headers;
    if (pcb->own.path_fixed || pcb->state < ESTABLISHED || mss >= pcb->mss) {
        return;
    }
    narrow(pcb, mss);
    bool lost = false;
    for (const struct tcp_seg *seg = pcb->unacked; seg != NULL && !lost; seg = seg->next) {
        lost = seg->len + (uint32_t)(LWIP_TCP_OPT_LENGTH(seg->flags)) > mss;
    }
    if (lost &&
        tcp_rexmit_rto_prepare(pcb) == ERR_OK) { /* RFC 1191 6.4: at once, and slowly, but no sign of congestion */
        pcb->cwnd = LWIP_MIN(pcb->cwnd, 4u * pcb->mss);
        tcp_clear_flags(pcb, TF_INFR);
        pcb->dupacks = 0;
    }
    (void)tcp_output(pcb);
}

void stk_tcp_path_timeout(struct tcp_pcb *pcb)
{
    struct stk_tcp_own *own = &pcb->own;
    const uint32_t small = (IP_IS_V6(&pcb->remote_ip) ? SMALL6 : SMALL4) - headers_of(pcb);
    if (own->path_fixed || pcb->state < ESTABLISHED || pcb->snd_wnd == 0) {
        return;
    }
    /* lwIP counts the repetition by duplicate ACKs too. */
    const uint32_t timeouts = (uint32_t)pcb->nrtx - ((pcb->flags & TF_INFR) != 0);
    if (timeouts == HOLE_SMALL && pcb->mss > small && pcb->unsent != NULL && pcb->unsent->len > small) {
        narrow(pcb, small);
        own->hole = own->hole == HOLE_DOUBT ? HOLE_SURE : HOLE_TRIED;
    } else if (timeouts == HOLE_WHOLE && (own->hole == HOLE_TRIED || own->hole == HOLE_SURE)) {
        /* Small ones are lost as well: it was not their size, or the path is narrower than all paths should be. */
        const uint64_t widen_at_ns = own->widen_at_ns;
        widen(pcb);
        own->fragments = 1;
        own->widen_at_ns = widen_at_ns;
        own->hole = HOLE_NONE;
    }
}

void stk_tcp_path_measured(struct tcp_pcb *pcb)
{
    struct stk_tcp_own *own = &pcb->own;
    const uint64_t now = now_ns();
    if (own->hole == HOLE_TRIED) {
        widen(pcb);
        own->widen_at_ns = now + DOUBT_NS;
        own->hole = HOLE_DOUBT;
        return;
    }
    if (now >= own->widen_at_ns) {
        own->hole = HOLE_NONE;
        widen(pcb);
    } else if (own->hole == HOLE_SURE) {
        own->hole = HOLE_NONE;
    }
}
