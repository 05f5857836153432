#include "core/client_rio.h"

#include "ipc/chunk.h"

static struct stk_sock *sock_take(struct stk_client *client, uint32_t index, uint32_t generation)
{
    struct stk_sock *sock = &client->socks[index];
    if (sock->abi == NULL) { /* once: the dispatcher may look at the slot while it is taken again */
        sock->abi = &client->region->socks[index];
        sock->client = client;
        sock->index = index;
    }
    sock->generation = generation;
    atomic_store_explicit(&sock->end_taken, 0, memory_order_relaxed);
    atomic_store_explicit(&sock->broadcast, 0, memory_order_relaxed);
    atomic_store_explicit(&sock->segment, 0, memory_order_relaxed);
    atomic_store_explicit(&sock->merge, 0, memory_order_relaxed);
    atomic_store_explicit(&sock->stamps, 0, memory_order_relaxed);
    sock->rio = NULL;
    stk_client_ip_reset(sock);
    atomic_store_explicit(&sock->held, 1, memory_order_release);
    return sock;
}

int stk_sock_open(struct stk_client *client, int family, int type, int protocol, uint64_t cookie, struct stk_sock **out)
{
    if (client == NULL || out == NULL) {
        return STK_EINVAL;
    }
    struct stk_sub_abi sub = {
        .op = STK_SUB_OPEN,
        .arg = {(uint32_t)family, (uint32_t)type, (uint32_t)protocol},
        .value = cookie,
    };
    struct stk_rep_abi rep;
    int result = stk_client_call(client, &sub, &rep, -1);
    if (result != STK_OK) {
        return result;
    }
    if (rep.sock >= client->region->socks_count) {
        return STK_EPROTO;
    }
    *out = sock_take(client, rep.sock, rep.generation);
    return STK_OK;
}

void stk_sock_cookie_set(struct stk_sock *sock, uint64_t cookie)
{
    if (stk_client_usable(sock->client) == STK_OK) {
        atomic_store_explicit(&sock->abi->cookie, cookie, memory_order_release);
    }
}

static int sock_addr_call(struct stk_sock *sock, enum stk_sub_op op, const struct stk_addr *addr)
{
    struct stk_sub_abi sub = {.op = op};
    struct stk_rep_abi rep;
    if (addr != NULL) {
        sub.addr = *addr;
    }
    return stk_client_sock_call(sock, &sub, &rep);
}

static int sock_arg_call(struct stk_sock *sock, enum stk_sub_op op, uint32_t arg)
{
    struct stk_sub_abi sub = {.op = op, .arg = {arg}};
    struct stk_rep_abi rep;
    return stk_client_sock_call(sock, &sub, &rep);
}

int stk_sock_bind(struct stk_sock *sock, const struct stk_addr *local)
{
    return local == NULL ? STK_EINVAL : sock_addr_call(sock, STK_SUB_BIND, local);
}

int stk_sock_bind_for(struct stk_sock *sock, const struct stk_addr *remote)
{
    return sock_addr_call(sock, STK_SUB_AUTOBIND, remote);
}

int stk_sock_listen(struct stk_sock *sock, uint32_t backlog)
{
    return sock_arg_call(sock, STK_SUB_LISTEN, backlog);
}

int stk_sock_connect(struct stk_sock *sock, const struct stk_addr *remote)
{
    /* A new attempt has an error of its own to be taken. */
    atomic_store_explicit(&sock->end_taken, 0, memory_order_relaxed);
    int result = sock_addr_call(sock, STK_SUB_CONNECT, remote);
    if (result == STK_OK && sock->abi->type != STK_SOCK_STREAM) {
        stk_client_strangers_drop(sock);
    }
    return result;
}

int stk_sock_shutdown(struct stk_sock *sock, unsigned how)
{
    if (how == 0 || (how & ~(unsigned)(STK_SHUT_RD | STK_SHUT_WR | STK_SHUT_RD_QUIET | STK_SHUT_ABORT)) != 0) {
        return STK_EINVAL;
    }
    return sock_arg_call(sock, STK_SUB_SHUTDOWN, how);
}

int stk_sock_close(struct stk_sock *sock, enum stk_close_mode mode)
{
    int usable = stk_client_usable(sock->client);
    if (usable == STK_EFORKED) {
        return usable;
    }
    atomic_store_explicit(&sock->held, 0, memory_order_seq_cst);
    struct stk_sub_abi sub = {
        .op = STK_SUB_CLOSE, .sock = sock->index, .generation = sock->generation, .arg = {(uint32_t)mode}};
    struct stk_rio_rq *rio = sock->rio;
    if (rio != NULL) { /* no post from here on */
        sock->rio = NULL;
        for (int dir = 0; dir < STK_RIO_DIRS; dir++) {
            atomic_store_explicit(&rio->half[dir].shut, 1, memory_order_relaxed);
        }
        atomic_store_explicit(&rio->closed, 1, memory_order_release);
    }
    const int result = stk_client_post(sock->client, &sub);
    if (rio != NULL && result != STK_OK) {
        stk_client_rio_sock_lost(rio);
    }
    return result;
}

/* --- Accept ---------------------------------------------------------------- */

/** Takes the first record of a listener's queue. */
static int pending_take(struct stk_sock *sock, struct stk_pending_abi *out)
{
    struct stk_sock_abi *abi = sock->abi;
    stk_lock_take(&abi->rx_lock);
    uint64_t head = atomic_load_explicit(&abi->rx_head, memory_order_relaxed);
    /* edge E, app's end. */
    uint64_t queued = atomic_load_explicit(&abi->rx_tail, memory_order_acquire) - head;
    bool there = queued >= sizeof(*out) && queued <= STK_FIFO_MAX;
    bool valid = false;
    if (there) {
        valid = stk_fifo_read(sock->client->region, abi->rx_slots, head, out, sizeof(*out));
        stk_fifo_release(sock->client->region, abi->rx_slots, head, head + sizeof(*out));
        /* edge F, app's end. */
        atomic_store_explicit(&abi->rx_head, head + sizeof(*out), memory_order_release);
    }
    stk_lock_give(&abi->rx_lock);
    if (!there) {
        return STK_EAGAIN;
    }
    stk_client_kick(sock); /* the backlog has room again */
    return valid && out->sock < sock->client->region->socks_count ? STK_OK : STK_EPROTO;
}

int stk_sock_accept(struct stk_sock *sock, uint64_t cookie, struct stk_sock **out, struct stk_addr *peer)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    if ((atomic_load_explicit(&sock->abi->state, memory_order_acquire) & STK_ST_LISTEN) == 0) {
        return STK_EINVAL;
    }
    stk_client_pump_once(sock->client);
    struct stk_pending_abi record;
    int result = pending_take(sock, &record);
    if (result != STK_OK) {
        return result;
    }
    struct stk_sock *taken = sock_take(sock->client, record.sock, record.generation);
    const uint32_t state = atomic_load_explicit(&taken->abi->state, memory_order_acquire);
    if ((state & STK_ST_ENDED) != 0) {
        (void)stk_sock_close(taken, STK_CLOSE_ABORT);
        return (state & STK_ST_HELD) != 0 ? STK_EACCES : STK_ECONNRESET;
    }
    atomic_store_explicit(&taken->abi->cookie, cookie, memory_order_release);
    if (peer != NULL) {
        (void)stk_sock_peer(taken, peer);
    }
    *out = taken;
    return STK_OK;
}

int stk_sock_admit(struct stk_sock *sock)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    if ((atomic_load_explicit(&sock->abi->state, memory_order_acquire) & STK_ST_HELD) == 0) {
        return STK_OK;
    }
    return sock_arg_call(sock, STK_SUB_ADMIT, 0);
}

/* --- Reservations of ports ------------------------------------------------------ */

int stk_sock_ports_acquire(struct stk_sock *sock, uint16_t first, uint16_t count, uint16_t *got, uint64_t *token)
{
    struct stk_sub_abi sub = {.op = STK_SUB_PORTS, .arg = {STK_PORTS_ACQUIRE, first, count}};
    struct stk_rep_abi rep;
    if (got == NULL || token == NULL) {
        return STK_EINVAL;
    }
    const int result = stk_client_sock_call(sock, &sub, &rep);
    if (result == STK_OK) {
        *got = (uint16_t)rep.arg[0];
        *token = rep.value;
    }
    return result;
}

int stk_sock_ports_associate(struct stk_sock *sock, uint64_t token)
{
    struct stk_sub_abi sub = {.op = STK_SUB_PORTS, .arg = {STK_PORTS_ASSOCIATE}, .value = token};
    struct stk_rep_abi rep;
    return stk_client_sock_call(sock, &sub, &rep);
}

int stk_sock_ports_release(struct stk_sock *sock, uint64_t token)
{
    struct stk_sub_abi sub = {.op = STK_SUB_PORTS, .arg = {STK_PORTS_RELEASE}, .value = token};
    struct stk_rep_abi rep;
    return stk_client_sock_call(sock, &sub, &rep);
}

/* --- Options and addresses --------------------------------------------------- */

int stk_sock_opt_set(struct stk_sock *sock, enum stk_opt opt, const void *value, size_t len)
{
    struct stk_sub_abi sub = {.op = STK_SUB_OPT_SET};
    struct stk_rep_abi rep;
    if (value == NULL || len > sizeof(sub.data)) {
        return STK_EINVAL;
    }
    sub.opt_arg[0] = (uint32_t)opt;
    sub.opt_arg[1] = (uint32_t)len;
    memcpy(sub.data, value, len);
    int result = stk_client_sock_call(sock, &sub, &rep);
    if (result == STK_OK && len == sizeof(int32_t)) {
        int32_t number;
        memcpy(&number, value, sizeof(number));
        if (opt == STK_OPT_BROADCAST) {
            atomic_store_explicit(&sock->broadcast, number != 0, memory_order_relaxed);
        } else if (opt == STK_OPT_UDP_SEGMENT) {
            atomic_store_explicit(&sock->segment, (uint32_t)number, memory_order_relaxed);
        } else if (opt == STK_OPT_UDP_MERGE) {
            atomic_store_explicit(&sock->merge, (uint32_t)number, memory_order_relaxed);
        }
        stk_client_ip_note(sock, opt, number);
    }
    return result;
}

int stk_sock_opt_get(struct stk_sock *sock, enum stk_opt opt, int32_t *value)
{
    struct stk_sub_abi sub = {.op = STK_SUB_OPT_GET, .opt_arg = {(uint32_t)opt}};
    struct stk_rep_abi rep;
    if (value == NULL) {
        return STK_EINVAL;
    }
    int result = stk_client_sock_call(sock, &sub, &rep);
    if (result == STK_OK) {
        *value = (int32_t)rep.arg[0];
    }
    return result;
}

/* --- Times of sent datagrams --------------------------------------------------- */

int stk_sock_stamps_keep(struct stk_sock *sock, uint32_t count)
{
    struct stk_sub_abi sub = {.op = STK_SUB_STAMP, .arg = {STK_STAMP_BUFFER, count}};
    struct stk_rep_abi rep;
    const int result = stk_client_sock_call(sock, &sub, &rep);
    if (result == STK_OK || result == STK_ENOMEM) { /* those before are gone */
        atomic_store_explicit(&sock->stamps, result == STK_OK ? count : 0, memory_order_relaxed);
    }
    return result;
}

int stk_sock_stamp_take(struct stk_sock *sock, uint32_t id, uint64_t *stamp_ns, bool *by_port)
{
    struct stk_sub_abi sub = {.op = STK_SUB_STAMP, .arg = {STK_STAMP_TAKE, id}};
    struct stk_rep_abi rep;
    const int result = stk_client_sock_call(sock, &sub, &rep);
    if (result == STK_OK) {
        *stamp_ns = rep.value;
        *by_port = rep.arg[0] != 0;
    }
    return result;
}

/** Lends the stack a chunk to write a structure into. */
static int sock_info(struct stk_sock *sock, enum stk_info_kind kind, void *out, size_t size)
{
    struct stk_region *region = sock->client->region;
    struct stk_sub_abi sub = {.op = STK_SUB_INFO, .arg = {(uint32_t)kind}};
    struct stk_rep_abi rep;
    int result = stk_client_usable(sock->client);
    if (result != STK_OK) {
        return result;
    }
    sub.arg[1] = stk_chunk_take(region);
    if (sub.arg[1] == STK_CHUNK_NONE) {
        return STK_ENOMEM;
    }
    result = stk_client_sock_call(sock, &sub, &rep);
    if (result == STK_OK) {
        memcpy(out, stk_chunk_ptr(region, sub.arg[1]), size);
    }
    stk_chunk_give(region, sub.arg[1]);
    return result;
}

int stk_sock_tcp_info(struct stk_sock *sock, struct stk_tcp_info *out)
{
    return out == NULL ? STK_EINVAL : sock_info(sock, STK_INFO_TCP, out, sizeof(*out));
}

int stk_sock_isb(const struct stk_sock *sock, uint32_t *bytes)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    const uint32_t state = atomic_load_explicit(&sock->abi->state, memory_order_acquire);
    if ((state & STK_ST_CONNECTED) == 0 || (state & STK_ST_ENDED) != 0) {
        return STK_ENOTCONN;
    }
    *bytes = atomic_load_explicit(&sock->abi->isb, memory_order_relaxed);
    return (state & STK_ST_TX_SHUT) != 0 ? STK_ESHUTDOWN : STK_OK;
}

void stk_sock_isb_watch(struct stk_sock *sock, uint32_t bytes)
{
    if (stk_client_usable(sock->client) == STK_OK) {
        atomic_store_explicit(&sock->abi->isb_seen, bytes, memory_order_relaxed);
    }
}

int stk_sock_icmp_info(struct stk_sock *sock, struct stk_icmp_info *out)
{
    return out == NULL ? STK_EINVAL : sock_info(sock, STK_INFO_ICMP, out, sizeof(*out));
}

/** Copies an address that the stack may be rewriting. */
static void addr_read(const struct stk_sock *sock, const struct stk_addr *from, struct stk_addr *out)
{
    struct stk_sock_abi *abi = sock->abi;
    for (;;) {
        uint32_t seq = atomic_load_explicit(&abi->addr_seq, memory_order_acquire);
        if ((seq & 1) == 0) {
            stk_seq_copy_out(out, from, sizeof(*out));
            if (atomic_load_explicit(&abi->addr_seq, memory_order_relaxed) == seq) {
                return;
            }
        }
        stk_cpu_relax();
    }
}

int stk_sock_local(const struct stk_sock *sock, struct stk_addr *out)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    uint32_t state = atomic_load_explicit(&sock->abi->state, memory_order_acquire);
    addr_read(sock, &sock->abi->local, out);
    return (state & STK_ST_BOUND) != 0 || out->family != STK_AF_NONE ? STK_OK : STK_EINVAL;
}

int stk_sock_peer(const struct stk_sock *sock, struct stk_addr *out)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    uint32_t state = atomic_load_explicit(&sock->abi->state, memory_order_acquire);
    addr_read(sock, &sock->abi->peer, out);
    return (state & STK_ST_CONNECTED) != 0 && out->family != STK_AF_NONE ? STK_OK : STK_ENOTCONN;
}
