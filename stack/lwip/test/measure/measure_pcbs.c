/*
 * What many connections cost: measure_pcbs CONNECTIONS tick|segment|renew COUNT, under a counter of instructions.
 * tick: 100 ms of lwIP's timers over idle connections. segment: a segment for any of them, up to where lwIP has found it
 * (a reset out of its window). renew: a connection ends and another one begins, in the tables only.
 */
#include "sim_host.h"

#include "stack/clock.h"

#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 7919u

static struct tcp_pcb **pcbs;
static struct sim_pair pair;

static struct tcp_pcb *conn_begin(uint32_t i)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    ip_addr_copy(pcb->local_ip, pair.hosts[0].ip4);
    IP_ADDR4(&pcb->remote_ip, 10, 9, 1 + (i / 50000), 2);
    pcb->local_port = 80;
    pcb->remote_port = (u16_t)(1 + i % 50000);
    pcb->state = ESTABLISHED;
    pcb->pollinterval = 2;
    TCP_REG_ACTIVE(pcb);
    return pcb;
}

static void segment(const struct tcp_pcb *pcb)
{
    struct tcp_hdr header;
    memset(&header, 0, sizeof(header));
    header.src = lwip_htons(pcb->remote_port);
    header.dest = lwip_htons(pcb->local_port);
    header.seqno = lwip_htonl(pcb->rcv_nxt - 1000);
    TCPH_HDRLEN_FLAGS_SET(&header, 5, TCP_RST);
    struct pbuf *p = pbuf_alloc(PBUF_RAW, sizeof(header), PBUF_RAM);
    header.chksum = 0;
    memcpy(p->payload, &header, sizeof(header));
    ip_data.current_netif = &pair.hosts[0].netif;
    ip_data.current_input_netif = &pair.hosts[0].netif;
    ip_addr_copy(ip_data.current_iphdr_dest, pcb->local_ip);
    ip_addr_copy(ip_data.current_iphdr_src, pcb->remote_ip);
    tcp_input(p, &pair.hosts[0].netif);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const uint32_t conns = (uint32_t)strtoul(argv[1], NULL, 10);
    const uint32_t count = (uint32_t)strtoul(argv[3], NULL, 10);
    struct stk_lwip_limits limits;
    stk_lwip_limits_default(&limits);
    limits.tcp_conns = conns + 16;
    sim_pair_open(&pair, &limits);
    pcbs = calloc(conns, sizeof(struct tcp_pcb *));
    struct stk_inst_scope scope = stk_inst_enter(pair.hosts[0].inst);
    pair.hosts[0].netif.chksum_flags = 0;
    for (uint32_t i = 0; i < conns; i++)
        pcbs[i] = conn_begin(i);
    for (int i = 0; i < 4; i++)
        tcp_tmr(); /* who is idle is found to be */
    for (uint32_t i = 0, at = 0; i < count; i++, at = (at + STEP) % conns) {
        if (strcmp(argv[2], "tick") == 0) {
            tcp_tmr();
            tcp_tmr();
        } else if (strcmp(argv[2], "segment") == 0) {
            segment(pcbs[at]);
        } else {
            tcp_abandon(pcbs[at], 0);
            pcbs[at] = conn_begin(at);
        }
    }
    stk_inst_leave(scope);
    return 0;
}
