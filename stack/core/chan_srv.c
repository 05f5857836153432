#include "core/engine_priv.h"

#include "ipc/chunk.h"
#include "ipc/rio_abi.h"
#include "ipc/ring.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <string.h>

/** Submissions taken from one ring before the next ring and the NIC get their turn. */
#define RING_BUDGET 32u

static void reply_push(struct stk_engine *engine, uint32_t ring, const struct stk_rep_abi *rep)
{
    if (!stk_rep_push(&engine->region.rings[ring], rep)) {
        engine->stats.replies_lost++;
    }
}

static void detach_begin(struct stk_engine *engine, uint32_t ring, const struct stk_sub_abi *sub)
{
    stk_ep_abort_held(engine->eps);
    engine->detach = (struct stk_detach_wait){
        .active = true,
        .ring = ring,
        .seq = sub->seq,
        .deadline_ns = engine->now_ns + (uint64_t)sub->arg[0] * STK_MS_NS,
    };
}

static void detach_look(struct stk_engine *engine)
{
    const bool drained = stk_ep_closing_count(engine->eps) == 0;
    if (!drained && engine->now_ns < engine->detach.deadline_ns) {
        return;
    }
    stk_ep_abort_closing(engine->eps);
    const struct stk_rep_abi rep = {.seq = engine->detach.seq, .result = drained ? STK_OK : STK_ETIMEDOUT};
    engine->detach.active = false;
    reply_push(engine, engine->detach.ring, &rep);
}

/* The asker waits for the reply, edge C, before it reads the chunk or gives it back. */
static int info_op(struct stk_engine *engine, const struct stk_sub_abi *sub)
{
    struct stk_tcp_info tcp;
    struct stk_icmp_info icmp;
    if (sub->arg[1] >= engine->region.chunks_count) {
        engine->stats.submissions_bad++;
        return STK_EINVAL;
    }
    uint8_t *to = stk_chunk_ptr(&engine->region, sub->arg[1]);
    int err;
    switch (sub->arg[0]) {
    case STK_INFO_TCP:
        err = stk_ep_tcp_info(engine->eps, sub->sock, &tcp);
        memcpy(to, &tcp, sizeof(tcp));
        return err;
    case STK_INFO_ICMP:
        stk_ep_icmp_info(engine->eps, sub->sock, &icmp);
        memcpy(to, &icmp, sizeof(icmp));
        return STK_OK;
    default:
        engine->stats.submissions_bad++;
        return STK_EINVAL;
    }
}

static int filter_op(struct stk_engine *engine, const struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    struct stk_mcast_filter_abi filter;
    memcpy(&filter, sub->data, sizeof(filter));
    if (sub->op == STK_SUB_MCAST_SET) {
        return stk_ep_mcast_filter_set(engine->eps, sub->sock, &filter);
    }
    return stk_ep_mcast_filter_get(engine->eps, sub->sock, &filter, &rep->arg[0], &rep->arg[1]);
}

/* Operations on a socket; sub was copied out of the ring and the socket is valid. */
static int sock_op(struct stk_engine *engine, const struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    switch (sub->op) {
    case STK_SUB_BIND:
        return stk_ep_bind(engine->eps, sub->sock, &sub->addr);
    case STK_SUB_AUTOBIND:
        return stk_ep_bind_for(engine->eps, sub->sock, &sub->addr);
    case STK_SUB_LISTEN:
        return stk_ep_listen(engine->eps, sub->sock, sub->arg[0]);
    case STK_SUB_CONNECT:
        return stk_ep_connect(engine->eps, sub->sock, &sub->addr);
    case STK_SUB_ADMIT:
        return stk_ep_admit(engine->eps, sub->sock);
    case STK_SUB_SHUTDOWN:
        return stk_ep_shutdown(engine->eps, sub->sock, sub->arg[0]);
    case STK_SUB_OPT_SET:
        if (sub->opt_arg[1] > sizeof(sub->data)) {
            return STK_EINVAL;
        }
        return stk_ep_opt_set(engine->eps, sub->sock, sub->opt_arg[0], sub->data, sub->opt_arg[1]);
    case STK_SUB_OPT_GET: {
        int32_t value = 0;
        const int err = stk_ep_opt_get(engine->eps, sub->sock, sub->opt_arg[0], &value);
        rep->arg[0] = (uint32_t)value;
        return err;
    }
    case STK_SUB_PORTS:
        return stk_ep_ports_op(engine->eps, sub->sock, sub, rep);
    case STK_SUB_STAMP:
        return stk_ep_stamp_op(engine->eps, sub->sock, sub, rep);
    case STK_SUB_INFO:
        return info_op(engine, sub);
    case STK_SUB_RIO:
        return stk_ep_rio_op(engine->eps, sub->sock, sub);
    case STK_SUB_MCAST_SET:
    case STK_SUB_MCAST_GET:
        return filter_op(engine, sub, rep);
    default:
        engine->stats.submissions_bad++;
        return STK_EINVAL;
    }
}

static int control_op(struct stk_engine *engine, const struct stk_sub_abi *sub, struct stk_rep_abi *rep)
{
    if (sub->op == STK_SUB_OPEN) {
        return stk_ep_open(engine->eps, sub->arg, sub->value, &rep->sock, &rep->generation);
    }
    if (sub->op == STK_SUB_ROUTE) {
        return stk_ep_route(engine->eps, &sub->addr, sub->arg[0], rep);
    }
    if (sub->op == STK_SUB_RIO && sub->arg[0] != STK_RIO_OP_RQ_OPEN && sub->arg[0] != STK_RIO_OP_RQ_RESIZE) {
        return stk_ep_rio_op(engine->eps, UINT32_MAX, sub);
    }
    if (!stk_ep_valid(engine->eps, sub->sock, sub->generation)) {
        engine->stats.submissions_bad++;
        return STK_ENOTSOCK;
    }
    stk_ep_rio_watch_look(engine->eps, sub->sock);
    return sock_op(engine, sub, rep);
}

static void submission_run(struct stk_engine *engine, uint32_t ring, const struct stk_sub_abi *sub)
{
    struct stk_rep_abi rep;
    switch (sub->op) {
    case STK_SUB_KICK:
        /* Whatever the generation: a call that raced a close may have raised the flag of the slot's next socket, whose
           own kick it then suppressed. */
        if (stk_ep_live(engine->eps, sub->sock)) {
            stk_ep_kick(engine->eps, sub->sock);
        } else {
            engine->stats.submissions_bad++;
        }
        return;
    case STK_SUB_CLOSE:
        if (stk_ep_valid(engine->eps, sub->sock, sub->generation)) {
            stk_ep_rio_watch_look(engine->eps, sub->sock);
            stk_ep_close(engine->eps, sub->sock, sub->arg[0]);
        } else {
            engine->stats.submissions_bad++;
        }
        return;
    case STK_SUB_RIO:
        if (sub->arg[0] == STK_RIO_OP_CQ_LOOK) { /* no reply */
            (void)stk_ep_rio_op(engine->eps, UINT32_MAX, sub);
            return;
        }
        break;
    case STK_SUB_DETACH:
        (void)stk_ep_rio_watch_end(engine->eps);
        detach_begin(engine, ring, sub);
        return;
    default:
        break;
    }
    memset(&rep, 0, sizeof(rep));
    rep.seq = sub->seq;
    rep.sock = sub->sock;
    rep.generation = sub->generation;
    rep.result = control_op(engine, sub, &rep);
    reply_push(engine, ring, &rep);
}

/* A thread that ended set its ring's owner to 0: drop it from the active ones, unless somebody claimed it meanwhile, or
 * its last submission came after the ring was found empty. */
static void ring_reclaim(struct stk_engine *engine, uint32_t index)
{
    struct stk_region_abi *abi = engine->region.abi;
    const uint64_t bit = UINT64_C(1) << index;
    (void)atomic_fetch_and_explicit(&abi->rings_active, ~bit, memory_order_seq_cst);
    struct stk_ring_abi *ring = &engine->region.rings[index];
    if (atomic_load_explicit(&ring->owner, memory_order_seq_cst) != 0 || stk_sub_waiting(ring)) {
        (void)atomic_fetch_or_explicit(&abi->rings_active, bit, memory_order_seq_cst);
    }
}

uint32_t stk_chan_srv_run(struct stk_engine *engine)
{
    uint32_t done = 0;
    uint64_t active = atomic_load_explicit(&engine->region.abi->rings_active, memory_order_acquire);
    while (active != 0) {
        const uint32_t index = (uint32_t)__builtin_ctzll(active);
        active &= active - 1;
        struct stk_ring_abi *ring = &engine->region.rings[index];
        struct stk_sub_abi sub;
        uint32_t taken = 0;
        while (taken < RING_BUDGET && stk_sub_pop(ring, &sub)) {
            submission_run(engine, index, &sub);
            taken++;
        }
        done += taken;
        if (taken == 0 && atomic_load_explicit(&ring->owner, memory_order_relaxed) == 0) {
            ring_reclaim(engine, index);
        }
    }
    engine->stats.submissions += done;
    if (engine->detach.active) {
        detach_look(engine);
    }
    return done;
}
