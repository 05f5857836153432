#include "instance_priv.h"

#include "stk_lwip_hooks.h"

#include <string.h>

static bool port_taken(const struct stk_inst *inst, uint8_t proto, uint16_t port)
{
    if (proto == IP_PROTO_TCP)
        return inst->tcp_port_users[port] != 0;
    return inst->pcbs.udp.port_users[port] != 0;
}

/* The hashed tuple: addresses and the peer's port, without the port that is looked for (RFC 6056 3.3.3). */
struct pick_bytes {
    uint8_t local_ip[16];
    uint8_t remote_ip[16];
    uint32_t remote_port;
    uint32_t proto;
};

uint16_t stk_lwip_port_pick(struct stk_inst *inst, uint8_t proto, const struct stk_addr *local,
                            const struct stk_addr *remote)
{
    uint32_t range = (uint32_t)inst->limits.port_last - inst->limits.port_first + 1u;
    uint32_t offset = stk_lwip_random();
    uint16_t *tried = NULL;
    if (remote != NULL) {
        struct pick_bytes bytes;
        memset(&bytes, 0, sizeof(bytes));
        memcpy(bytes.local_ip, local->ip, sizeof(bytes.local_ip));
        memcpy(bytes.remote_ip, remote->ip, sizeof(bytes.remote_ip));
        bytes.remote_port = remote->port;
        bytes.proto = proto;
        offset = (uint32_t)stk_siphash(inst->port_key[0], &bytes, sizeof(bytes));
        uint64_t index = stk_siphash(inst->port_key[1], &bytes, sizeof(bytes));
        tried = &inst->port_tried[index % (sizeof(inst->port_tried) / sizeof(inst->port_tried[0]))];
        offset += *tried;
    }
    for (uint32_t i = 0; i < range; i++) {
        uint16_t port = (uint16_t)(inst->limits.port_first + (offset + i) % range);
        if (tried != NULL)
            *tried = (uint16_t)(*tried + 1);
        if (!port_taken(inst, proto, port))
            return port;
    }
    return 0;
}

void stk_hook_tcp_port(u16_t port, int change)
{
    stk_inst_selected()->tcp_port_users[port] += (uint32_t)change;
}

u16_t stk_hook_tcp_new_port(const struct tcp_pcb *pcb)
{
    struct stk_addr local;
    struct stk_addr remote;
    stk_addr_from_ip(&pcb->local_ip, 0, &local);
    stk_addr_from_ip(&pcb->remote_ip, pcb->remote_port, &remote);
    return stk_lwip_port_pick(stk_inst_selected(), IP_PROTO_TCP, &local, pcb->remote_port != 0 ? &remote : NULL);
}
