/** @file The in-memory stack: life and control. */
#include "fake_priv.h"

#include <stdlib.h>
#include <string.h>

struct fake_state fake = {.port_next = 49152, .last_close = -1};

void fake_lock(void)
{
    t_mutex_lock(&fake.lock);
    if (!fake.ready) {
        fake.event_tail = &fake.event_head;
        fake.ready = true;
    }
}

void fake_unlock(void)
{
    t_mutex_unlock(&fake.lock);
}

int fake_forced(enum fake_op op)
{
    if (fake.forced[op].times == 0)
        return 0;
    fake.forced[op].times--;
    return fake.forced[op].err;
}

void fake_force_error(enum fake_op op, int err, unsigned times)
{
    fake_lock();
    fake.forced[op].err = err;
    fake.forced[op].times = times;
    fake_unlock();
}

bool fake_routed(const struct stk_addr *addr)
{
    static const uint8_t loop6[16] = {[15] = 1};

    if (addr->family == STK_AF_INET)
        return addr->ip[0] == 127 || (addr->ip[0] == 10 && addr->ip[1] == 9) || addr->ip[0] >= 224;
    return memcmp(addr->ip, loop6, 16) == 0 || (addr->ip[0] == 0xfd && addr->ip[1] == 9) || addr->ip[0] == 0xff;
}

static bool fake_any(const struct stk_addr *addr)
{
    static const uint8_t zero[16];

    return memcmp(addr->ip, zero, 16) == 0;
}

static bool fake_port_taken(const struct stk_sock *sock, uint16_t port)
{
    for (const struct stk_sock *s = fake.socks; s; s = s->next)
        if (s != sock && s->type == sock->type && s->bound && s->local.port == port && !s->parent)
            return true;
    return false;
}

static uint16_t fake_port_pick(const struct stk_sock *sock)
{
    do {
        if (++fake.port_next < 49152)
            fake.port_next = 49152;
    } while (fake_port_taken(sock, fake.port_next));
    return fake.port_next;
}

void fake_autobind(struct stk_sock *sock, const struct stk_addr *remote)
{
    if (!sock->bound) {
        memset(&sock->local, 0, sizeof sock->local);
        sock->local.family = (uint16_t)sock->family;
        sock->local.port = sock->type == STK_SOCK_RAW ? 0 : fake_port_pick(sock);
        sock->bound = true;
    }
    if (remote && fake_any(&sock->local))
        memcpy(sock->local.ip, remote->ip, sizeof sock->local.ip);
}

struct stk_sock *fake_find(int type, const struct stk_addr *addr, bool listening)
{
    for (struct stk_sock *s = fake.socks; s; s = s->next)
        if (s->type == type && s->bound && s->listening == listening && !s->cancelled && s->local.port == addr->port &&
            s->local.family == addr->family && (fake_any(&s->local) || memcmp(s->local.ip, addr->ip, 16) == 0))
            return s;
    return NULL;
}

void fake_end(struct stk_sock *sock, int err)
{
    if (!sock || sock->ended)
        return;
    sock->ended = true;
    sock->connected = false;
    sock->end_error = err;
    if (err == STK_ECONNRESET)
        sock->rx_len = 0;
    sock->other = NULL;
    fake_changed(sock);
}

/* --- Life ------------------------------------------------------------- */

int stk_client_attach(const struct stk_config *config, struct stk_client **out, char *error, size_t error_size)
{
    int err;

    if (error && error_size > 0)
        error[0] = 0;
    if (!config || !out)
        return STK_EINVAL;
    fake_lock();
    err = fake_forced(FAKE_ATTACH);
    if (err == 0) {
        fake.client.refs++;
        *out = &fake.client;
    }
    fake_unlock();
    return err;
}

void stk_client_detach(struct stk_client *client, uint32_t drain_timeout_ms)
{
    (void)drain_timeout_ms;
    fake_lock();
    if (client->refs > 0)
        client->refs--;
    fake_unlock();
}

int stk_client_alive(const struct stk_client *client)
{
    return client->refs > 0 ? STK_OK : STK_ENETDOWN;
}

unsigned fake_clients_count(void)
{
    unsigned count;

    fake_lock();
    count = fake.client.refs;
    fake_unlock();
    return count;
}

unsigned fake_sockets_count(void)
{
    unsigned count;

    fake_lock();
    count = fake.socks_count;
    fake_unlock();
    return count;
}

int fake_last_close_mode(void)
{
    int mode;

    fake_lock();
    mode = fake.last_close;
    fake_unlock();
    return mode;
}

static struct stk_sock *fake_sock_new(struct stk_client *client, int family, int type)
{
    struct stk_sock *sock = calloc(1, sizeof *sock);

    if (!sock)
        return NULL;
    sock->rx = malloc(FAKE_RX_SIZE);
    if (!sock->rx) {
        free(sock);
        return NULL;
    }
    sock->client = client;
    sock->family = family;
    sock->type = type;
    sock->dgram_tail = &sock->dgram_head;
    sock->opts[STK_OPT_RCVBUF] = 65536;
    sock->opts[STK_OPT_SNDBUF] = 65536;
    sock->opts[STK_OPT_TTL] = 128;
    sock->opts[STK_OPT_MCAST_TTL] = 1;
    sock->opts[STK_OPT_MCAST_LOOP] = 1;
    sock->opts[STK_OPT_V6ONLY] = 1;
    sock->opts[STK_OPT_UDP_CONNRESET] = 1;
    sock->opts[STK_OPT_UDP_NETRESET] = 1;
    sock->opts[STK_OPT_RECV_BROADCAST] = 1;
    sock->opts[STK_OPT_USER_MTU] = -1;
    sock->opts[STK_OPT_V4_USER_MTU] = -1;
    sock->opts[STK_OPT_V4_TTL] = 128;
    sock->opts[STK_OPT_PROTECTION] = STK_PROTECT_EDGERESTRICTED;
    sock->opts[STK_OPT_KEEPIDLE_MS] = 7200000;
    sock->opts[STK_OPT_KEEPINTVL_MS] = 1000;
    sock->opts[STK_OPT_KEEPCNT] = 10;
    sock->opts[STK_OPT_SYN_RETRIES] = -1;
    sock->opts[STK_OPT_TIMESTAMPS] = -1;
    sock->isb = 65536;
    sock->next = fake.socks;
    fake.socks = sock;
    fake.socks_count++;
    return sock;
}

static void fake_sock_free(struct stk_sock *sock)
{
    struct stk_sock **link;

    for (link = &fake.socks; *link && *link != sock; link = &(*link)->next)
        ;
    if (*link)
        *link = sock->next;
    for (link = &fake.event_head; *link && *link != sock; link = &(*link)->event_next)
        ;
    if (*link) {
        *link = sock->event_next;
        if (fake.event_tail == &sock->event_next)
            fake.event_tail = link;
    }
    while (sock->dgram_head) {
        struct fake_dgram *dgram = sock->dgram_head;

        sock->dgram_head = dgram->next;
        free(dgram);
    }
    fake.socks_count--;
    free(sock->rx);
    free(sock);
}

int stk_sock_open(struct stk_client *client, int family, int type, int protocol, uint64_t cookie, struct stk_sock **out)
{
    struct stk_sock *sock;
    int err;

    fake_lock();
    err = fake_forced(FAKE_OPEN);
    if (err == 0) {
        sock = fake_sock_new(client, family, type);
        err = sock ? STK_OK : STK_ENOMEM;
        if (sock) {
            sock->protocol = protocol;
            sock->cookie = cookie;
            *out = sock;
        }
    }
    fake_unlock();
    return err;
}

void stk_sock_cookie_set(struct stk_sock *sock, uint64_t cookie)
{
    fake_lock();
    sock->cookie = cookie;
    fake_unlock();
}

int stk_sock_close(struct stk_sock *sock, enum stk_close_mode mode)
{
    fake_lock();
    fake.last_close = (int)mode;
    fake_rio_close(sock);
    while (sock->accept_head) {
        struct stk_sock *waiting = sock->accept_head;

        sock->accept_head = waiting->accept_next;
        fake_end(waiting->other, STK_ECONNRESET);
        fake_sock_free(waiting);
    }
    if (sock->other) {
        sock->other->other = NULL;
        if (mode == STK_CLOSE_ABORT || sock->rx_len > 0) {
            fake_end(sock->other, STK_ECONNRESET);
        } else {
            sock->other->fin_rcvd = true;
            fake_changed(sock->other);
        }
    }
    fake_sock_free(sock);
    t_cond_wake(&fake.changed);
    fake_unlock();
    return STK_OK;
}

/* --- Control ---------------------------------------------------------- */

static int fake_bind_locked(struct stk_sock *sock, const struct stk_addr *local)
{
    int err = fake_forced(FAKE_BIND);

    if (err != 0)
        return err;
    if (sock->bound)
        return STK_EINVAL;
    if (local->family != sock->family)
        return STK_EAFNOSUPPORT;
    if (!fake_any(local) && !fake_routed(local))
        return STK_EADDRNOTAVAIL;
    if (local->port != 0 && fake_port_taken(sock, local->port) && !sock->opts[STK_OPT_REUSEADDR])
        return STK_EADDRINUSE;
    sock->local = *local;
    if (local->port == 0 && sock->type != STK_SOCK_RAW)
        sock->local.port = fake_port_pick(sock);
    sock->bound = true;
    return STK_OK;
}

int stk_sock_bind(struct stk_sock *sock, const struct stk_addr *local)
{
    int err;

    fake_lock();
    err = fake_bind_locked(sock, local);
    fake_unlock();
    return err;
}

int stk_sock_listen(struct stk_sock *sock, uint32_t backlog)
{
    int err;

    fake_lock();
    err = fake_forced(FAKE_LISTEN);
    if (err == 0) {
        if (sock->type != STK_SOCK_STREAM)
            err = STK_EOPNOTSUPP;
        else if (sock->connected || sock->connecting)
            err = STK_EISCONN;
        else if (!sock->bound)
            err = STK_EINVAL;
        else
            sock->listening = true;
        sock->backlog = backlog;
    }
    fake_unlock();
    return err;
}

static void fake_connect_finish(struct stk_sock *sock, int result)
{
    struct stk_sock *listener = fake_find(STK_SOCK_STREAM, &sock->peer, true);
    struct stk_sock *distant = NULL;

    sock->connecting = false;
    if (result == 0 && (!listener || listener->accept_count >= listener->backlog))
        result = STK_ECONNREFUSED;
    if (result == 0)
        distant = fake_sock_new(sock->client, sock->family, STK_SOCK_STREAM);
    if (!distant) {
        sock->connect_failed = true;
        sock->end_error = result ? result : STK_ENOMEM;
        fake_changed(sock);
        return;
    }
    memcpy(distant->opts, listener->opts, sizeof distant->opts);
    distant->bound = distant->connected = distant->in_backlog = true;
    distant->local = sock->peer;
    distant->peer = sock->local;
    distant->other = sock;
    distant->parent = listener;
    sock->other = distant;
    sock->connected = true;
    for (struct stk_sock **link = &listener->accept_head;; link = &(*link)->accept_next)
        if (!*link) {
            *link = distant;
            break;
        }
    listener->accept_count++;
    fake_changed(listener);
    fake_changed(sock);
}

static int fake_connect_dgram(struct stk_sock *sock, const struct stk_addr *remote)
{
    if (remote->family == STK_AF_NONE || fake_any(remote)) {
        memset(&sock->peer, 0, sizeof sock->peer);
        sock->connected = false;
        return STK_OK;
    }
    if (remote->family != sock->family)
        return STK_EAFNOSUPPORT;
    if (!fake_routed(remote))
        return STK_ENETUNREACH;
    fake_autobind(sock, remote);
    sock->peer = *remote;
    sock->connected = true;
    return STK_OK;
}

static int fake_connect_locked(struct stk_sock *sock, const struct stk_addr *remote)
{
    int err = fake_forced(FAKE_CONNECT);

    if (err != 0)
        return err;
    if (sock->type != STK_SOCK_STREAM)
        return fake_connect_dgram(sock, remote);
    if (sock->connecting)
        return STK_EALREADY;
    if (sock->connected || sock->ended)
        return STK_EISCONN;
    if (sock->listening)
        return STK_EINVAL;
    if (remote->family != sock->family)
        return STK_EAFNOSUPPORT;
    if (remote->port == 0 || fake_any(remote))
        return STK_EADDRNOTAVAIL;
    if (!fake_routed(remote))
        return STK_ENETUNREACH;
    fake_autobind(sock, remote);
    sock->peer = *remote;
    sock->connecting = true;
    sock->connect_failed = false;
    if (!fake.hold_connect)
        fake_connect_finish(sock, 0);
    return STK_EINPROGRESS;
}

int stk_sock_connect(struct stk_sock *sock, const struct stk_addr *remote)
{
    int err;

    fake_lock();
    fake.last_connect_armed = sock->armed;
    err = fake_connect_locked(sock, remote);
    fake_unlock();
    return err;
}

uint32_t fake_last_connect_armed(void)
{
    uint32_t armed;

    fake_lock();
    armed = fake.last_connect_armed;
    fake_unlock();
    return armed;
}

void fake_connect_hold(bool hold, int result)
{
    fake_lock();
    fake.hold_connect = hold;
    if (!hold)
        for (struct stk_sock *s = fake.socks; s; s = s->next)
            if (s->connecting)
                fake_connect_finish(s, result);
    fake_unlock();
}

int stk_sock_accept(struct stk_sock *sock, uint64_t cookie, struct stk_sock **out, struct stk_addr *peer)
{
    struct stk_sock *taken;
    int err;

    fake_lock();
    err = fake_forced(FAKE_ACCEPT);
    taken = sock->accept_head;
    if (err == 0 && !sock->listening)
        err = STK_EINVAL;
    else if (err == 0 && !taken)
        err = STK_EAGAIN;
    if (err == 0) {
        sock->accept_head = taken->accept_next;
        sock->accept_count--;
        taken->accept_next = NULL;
        taken->parent = NULL;
        taken->in_backlog = false;
        if (taken->ended) {
            fake_sock_free(taken);
            err = STK_ECONNRESET;
        } else {
            taken->cookie = cookie;
            *out = taken;
            if (peer)
                *peer = taken->peer;
        }
    }
    fake_unlock();
    return err;
}

/* No connection of this stack is held back. */
int stk_sock_admit(struct stk_sock *sock)
{
    (void)sock;
    return STK_OK;
}

/* One block at a time, remembered by its token alone. */
#define FAKE_TOKEN UINT64_C(0x1122334455667788)

int stk_sock_ports_acquire(struct stk_sock *sock, uint16_t first, uint16_t count, uint16_t *got, uint64_t *token)
{
    (void)sock;
    *got = first != 0 ? first : 50000;
    *token = FAKE_TOKEN;
    return count != 0 ? STK_OK : STK_EINVAL;
}

int stk_sock_ports_associate(struct stk_sock *sock, uint64_t token)
{
    return token == FAKE_TOKEN && !sock->bound ? STK_OK : STK_EINVAL;
}

int stk_sock_ports_release(struct stk_sock *sock, uint64_t token)
{
    (void)sock;
    return token == FAKE_TOKEN ? STK_OK : STK_EINVAL;
}

int stk_sock_shutdown(struct stk_sock *sock, unsigned how)
{
    int err;

    fake_lock();
    err = fake_forced(FAKE_SHUTDOWN);
    if (err == 0 && sock->type == STK_SOCK_STREAM && !sock->connected)
        err = sock->ended ? sock->end_error : STK_ENOTCONN;
    if (err == 0) {
        if (how & (STK_SHUT_RD | STK_SHUT_RD_QUIET)) {
            sock->shut_rd = true;
            sock->rx_len = 0;
        }
        if (how & STK_SHUT_ABORT) {
            if (sock->other)
                fake_end(sock->other, STK_ECONNRESET);
            fake_end(sock, STK_ECONNABORTED);
        }
        if ((how & STK_SHUT_WR) && !sock->fin_sent) {
            sock->fin_sent = true;
            if (sock->other) {
                sock->other->fin_rcvd = true;
                fake_changed(sock->other);
            }
        }
        fake_changed(sock);
    }
    fake_unlock();
    return err;
}

int stk_sock_opt_set(struct stk_sock *sock, enum stk_opt opt, const void *value, size_t len)
{
    int err;

    fake_lock();
    err = fake_forced(FAKE_OPT_SET);
    if (err == 0) {
        if (opt >= STK_OPT_MCAST_JOIN_SOURCE && opt <= STK_OPT_MCAST_UNBLOCK) {
            err = fake_mcast_source(sock, opt, value, len);
        } else if (opt == STK_OPT_MCAST_JOIN || opt == STK_OPT_MCAST_LEAVE) {
            if (len != sizeof(struct stk_mcast_req))
                err = STK_EINVAL;
            else if (opt == STK_OPT_MCAST_LEAVE && sock->opts[STK_OPT_MCAST_JOIN] == 0)
                err = STK_EADDRNOTAVAIL;
            else
                sock->opts[STK_OPT_MCAST_JOIN] += opt == STK_OPT_MCAST_JOIN ? 1 : -1;
        } else if (opt == STK_OPT_IFLIST) {
            err = len == sizeof(struct stk_iflist) ? STK_OK : STK_EINVAL;
        } else if (len != sizeof(int32_t)) {
            err = STK_EINVAL;
        } else {
            memcpy(&sock->opts[opt], value, sizeof(int32_t));
        }
    }
    fake_unlock();
    return err;
}

int stk_sock_opt_get(struct stk_sock *sock, enum stk_opt opt, int32_t *value)
{
    int err;

    fake_lock();
    err = fake_forced(FAKE_OPT_GET);
    if (err == 0)
        *value = sock->opts[opt];
    fake_unlock();
    return err;
}

int stk_sock_tcp_info(struct stk_sock *sock, struct stk_tcp_info *out)
{
    int err;

    fake_lock();
    err = fake_forced(FAKE_OPT_GET);
    memset(out, 0, sizeof *out);
    if (err == 0)
        out->state = sock->listening ? STK_TCP_LISTEN : sock->connected ? STK_TCP_ESTABLISHED : STK_TCP_CLOSED;
    fake_unlock();
    return err;
}

void fake_isb_set(uint32_t bytes)
{
    fake_lock();
    for (struct stk_sock *sock = fake.socks; sock; sock = sock->next) {
        sock->isb = bytes;
        fake_changed(sock);
    }
    fake_unlock();
}

int stk_sock_isb(const struct stk_sock *sock, uint32_t *bytes)
{
    int err;

    fake_lock();
    *bytes = sock->isb;
    err = !sock->connected || sock->ended ? STK_ENOTCONN : sock->fin_sent ? STK_ESHUTDOWN : STK_OK;
    fake_unlock();
    return err;
}

void stk_sock_isb_watch(struct stk_sock *sock, uint32_t bytes)
{
    fake_lock();
    sock->isb_seen = bytes;
    fake_unlock();
}

/* What is sent here leaves at no time. */
int stk_sock_stamps_keep(struct stk_sock *sock, uint32_t count)
{
    (void)sock;
    (void)count;
    return STK_OK;
}

int stk_sock_stamp_take(struct stk_sock *sock, uint32_t id, uint64_t *stamp_ns, bool *by_port)
{
    (void)sock;
    (void)id;
    (void)stamp_ns;
    (void)by_port;
    return STK_EAGAIN;
}

int stk_sock_icmp_info(struct stk_sock *sock, struct stk_icmp_info *out)
{
    (void)sock;
    memset(out, 0, sizeof *out);
    return 0;
}

int stk_sock_local(const struct stk_sock *sock, struct stk_addr *out)
{
    int err = STK_EINVAL;

    fake_lock();
    if (sock->bound) {
        *out = sock->local;
        err = STK_OK;
    }
    fake_unlock();
    return err;
}

int stk_sock_peer(const struct stk_sock *sock, struct stk_addr *out)
{
    int err = STK_ENOTCONN;

    fake_lock();
    if (sock->connected) {
        *out = sock->peer;
        err = STK_OK;
    }
    fake_unlock();
    return err;
}

/* --- Introspection ----------------------------------------------------- */

int stk_client_interfaces(struct stk_client *client, struct stk_if_info *out, size_t count)
{
    (void)client;
    for (size_t i = 0; i < count && i < 2; i++) {
        memset(&out[i], 0, sizeof out[i]);
        memcpy(out[i].name, i == 0 ? "lo" : "fake0", i == 0 ? 3 : 6);
        out[i].if_index = (uint32_t)i + 1;
        out[i].mtu = 1500;
        out[i].up = 1;
        out[i].loopback = i == 0;
        out[i].addrs_count = i == 1 && fake.addr_gone ? 1 : 2;
        out[i].addrs[0].family = STK_AF_INET;
        out[i].addrs[0].prefix_len = i == 0 ? 8 : 24;
        memcpy(out[i].addrs[0].ip, i == 0 ? "\177\0\0\1" : "\12\11\0\1", 4);
        out[i].addrs[1].family = STK_AF_INET6;
        out[i].addrs[1].prefix_len = i == 0 ? 128 : 64;
        out[i].addrs[1].ip[15] = 1;
        if (i == 1) {
            out[i].addrs[1].ip[0] = 0xfd;
            out[i].addrs[1].ip[1] = 9;
        }
    }
    return 2;
}

uint32_t stk_client_net_changes(const struct stk_client *client)
{
    uint32_t changes;

    (void)client;
    fake_lock();
    changes = fake.net_changes;
    fake_unlock();
    return changes;
}

void fake_net_change(bool gone)
{
    fake_lock();
    fake.addr_gone = gone;
    fake.net_changes++;
    t_cond_wake(&fake.changed);
    fake_unlock();
}

int stk_client_route(struct stk_client *client, const struct stk_addr *remote, struct stk_addr *local,
                     uint32_t *if_index)
{
    (void)client;
    if (!fake_routed(remote))
        return STK_ENETUNREACH;
    *local = *remote;
    local->port = 0;
    if (if_index)
        *if_index = 1;
    return STK_OK;
}

void stk_counters_watch(const struct stk_config *config)
{
    (void)config;
}

void stk_client_counters_dump(struct stk_client *client, int fd)
{
    (void)client;
    (void)fd;
}
