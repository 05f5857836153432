#include "core/client_priv.h"

#define PAYLOAD_MAX_IPV4 65507u /* 65535 less IPv4 and UDP headers */
#define PAYLOAD_MAX_IPV6 65487u
#define PAYLOAD_MAX_RAW 65535u /* with the header, where the program gives it */

/* --- Destinations ------------------------------------------------------------ */

static bool addr_is_any(const struct stk_addr *addr)
{
    static const uint8_t zero[16];
    return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

static bool addr_is_multicast(const struct stk_addr *addr)
{
    return addr->family == STK_AF_INET ? (addr->ip[0] & 0xf0) == 0xe0 : addr->ip[0] == 0xff;
}

static bool addr_is_limited_broadcast(const struct stk_addr *addr)
{
    static const uint8_t ones[4] = {255, 255, 255, 255};
    return addr->family == STK_AF_INET && memcmp(addr->ip, ones, sizeof(ones)) == 0;
}

static uint32_t addr_hash(const struct stk_addr *addr)
{
    uint32_t words[4];
    memcpy(words, addr->ip, sizeof(words));
    uint32_t mix = (words[0] ^ words[1] ^ words[2] ^ words[3] ^ addr->scope_id) * UINT32_C(0x9e3779b1);
    return mix >> 16;
}

/** Is there a route, and what is known of it? Asks the stack once per thread, destination and state of the ports. */
static int dest_look_up(struct stk_sock *sock, const struct stk_addr *to, struct client_dest *out)
{
    struct stk_client *client = sock->client;
    uint32_t via = stk_client_ip_via(sock, to);
    uint32_t ifs_seq = atomic_load_explicit(&client->region->abi->ifs_seq, memory_order_relaxed);
    struct client_ring *ring = stk_client_ring(client);
    struct client_dest *dest = &ring->dests[addr_hash(to) % CLIENT_DESTS];
    struct stk_addr key = *to;
    key.port = 0;
    if (!ring->shared && dest->ifs_seq == ifs_seq && dest->via == via && memcmp(&dest->addr, &key, sizeof(key)) == 0) {
        *out = *dest;
        return STK_OK;
    }
    struct client_way way;
    *out = (struct client_dest){
        .addr = key, .ifs_seq = ifs_seq, .via = via, .broadcast = stk_client_if_broadcast(client, to)};
    int result = stk_client_way(client, &key, via, &way);
    if (result == STK_OK) {
        out->mtu = way.mtu;
        out->if_mtu = way.if_mtu;
    }
    if (result == STK_OK && !ring->shared) {
        *dest = *out;
    }
    return result;
}

/** Checks the destination of a datagram before it is queued: later there is nobody to tell. */
static int dest_check(struct stk_sock *sock, const struct stk_addr *to)
{
    const struct stk_sock_abi *abi = sock->abi;
    if (to->family != abi->family) {
        return STK_EAFNOSUPPORT;
    }
    if ((abi->type == STK_SOCK_DGRAM && to->port == 0) || addr_is_any(to)) {
        return STK_EADDRNOTAVAIL;
    }
    bool broadcast = addr_is_limited_broadcast(to);
    if (!broadcast && !addr_is_multicast(to)) {
        struct client_dest dest;
        int result = dest_look_up(sock, to, &dest);
        if (result != STK_OK) {
            return result;
        }
        broadcast = dest.broadcast;
    }
    if (broadcast && atomic_load_explicit(&sock->broadcast, memory_order_relaxed) == 0) {
        return STK_EACCES;
    }
    return STK_OK;
}

static uint32_t header_bytes(const struct stk_addr *to)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool ip4 = to->family == STK_AF_INET || memcmp(to->ip, mapped, sizeof(mapped)) == 0;
    return (ip4 ? 20u : 40u) + 8u;
}

/** Would a datagram that may not be fragmented have to be? What only the stack knows (the interface of a group, the path) it
 * reports later, as the socket's error. */
static int dontfrag_check(struct stk_sock *sock, uint64_t payload, const struct stk_addr *to)
{
    struct stk_addr peer;
    struct client_dest dest;
    if (atomic_load_explicit(&sock->choosy, memory_order_relaxed) == 0 ||
        (to == NULL && stk_sock_peer(sock, &peer) != STK_OK)) {
        return STK_OK;
    }
    to = to != NULL ? to : &peer;
    if (!stk_client_ip_whole(sock, to) || addr_is_multicast(to) || addr_is_limited_broadcast(to) ||
        dest_look_up(sock, to, &dest) != STK_OK) {
        return STK_OK;
    }
    return payload + header_bytes(to) > stk_client_ip_limit(sock, to, &dest) ? STK_EMSGSIZE : STK_OK;
}

/* --- Sending ------------------------------------------------------------------ */

/* Bytes that a datagram may have; with a segment size, those that are cut into datagrams (USO-7). */
static uint32_t payload_max(const struct stk_sock_abi *abi, uint32_t segment)
{
    if (segment != 0 && abi->family == STK_AF_INET6) {
        return STK_DGRAM_CUT_MAX;
    }
    if (abi->type == STK_SOCK_RAW) {
        return PAYLOAD_MAX_RAW;
    }
    return abi->family == STK_AF_INET ? PAYLOAD_MAX_IPV4 : PAYLOAD_MAX_IPV6;
}

/** Bytes of all entries together; more than the largest datagram: just that it is more. */
static uint64_t iov_bytes(const struct stk_iov *iov, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count && bytes <= PAYLOAD_MAX_RAW; i++) {
        bytes += iov[i].len;
        if (iov[i].len > PAYLOAD_MAX_RAW) {
            return iov[i].len;
        }
    }
    return bytes;
}

/* Where the destination is reached from: several instances may each have an unbound socket's port. */
static int bind_implicitly(struct stk_sock *sock, const struct stk_addr *to)
{
    int result = stk_sock_bind_for(sock, to);
    /* Another thread may have come first. */
    bool bound = (atomic_load_explicit(&sock->abi->state, memory_order_acquire) & STK_ST_BOUND) != 0;
    return bound ? STK_OK : result;
}

static int sendto_check(struct stk_sock *sock, uint64_t payload, uint32_t segment, const struct stk_addr *to)
{
    const struct stk_sock_abi *abi = sock->abi;
    uint32_t state = atomic_load_explicit(&abi->state, memory_order_acquire);
    if ((state & STK_ST_TX_SHUT) != 0) {
        return STK_ESHUTDOWN;
    }
    if (payload > payload_max(abi, segment) || segment > payload_max(abi, 0)) {
        return STK_EMSGSIZE;
    }
    if (to == NULL && (state & STK_ST_CONNECTED) == 0) {
        return STK_ENOTCONN;
    }
    if (to != NULL) {
        int result = dest_check(sock, to);
        if (result != STK_OK) {
            return result;
        }
    }
    int result = dontfrag_check(sock, segment != 0 ? segment : payload, to);
    if (result != STK_OK) {
        return result;
    }
    return to != NULL && (state & STK_ST_BOUND) == 0 ? bind_implicitly(sock, to) : STK_OK;
}

/** Writes one record at tail. Returns false when the pool ran empty: nothing is published then. */
static bool record_write(struct stk_sock *sock, uint64_t tail, const struct stk_dgram_abi *head,
                         const struct stk_iov *iov, size_t count)
{
    struct stk_region *region = sock->client->region;
    STK_U32 *slots = sock->abi->tx_slots;
    static const uint8_t padding[8];
    uint64_t at = tail;
    if (stk_fifo_write(region, slots, at, head, sizeof(*head)) < sizeof(*head)) {
        return false;
    }
    at += sizeof(*head);
    for (size_t i = 0; i < count; i++) {
        if (stk_fifo_write(region, slots, at, iov[i].base, iov[i].len) < iov[i].len) {
            return false;
        }
        at += iov[i].len;
    }
    uint64_t pad = tail + STK_DGRAM_SIZE(head->payload_bytes) - at;
    return stk_fifo_write(region, slots, at, padding, pad) == pad;
}

/* The wishes of one datagram, as the stack's side takes them. */
static int head_wish(const struct stk_sock *sock, const struct stk_addr *to, const struct stk_send_info *info,
                     struct stk_dgram_abi *head)
{
    if (info->from.family != STK_AF_NONE) {
        if (to != NULL && to->family != info->from.family) {
            return STK_EAFNOSUPPORT;
        }
        if (!stk_client_if_has(sock->client, &info->from)) {
            return STK_EADDRNOTAVAIL;
        }
        head->local = info->from;
        head->flags |= STK_TX_FROM;
    }
    if (info->if_index != 0) {
        if (!stk_client_if_is(sock->client, info->if_index)) {
            return STK_EADDRNOTAVAIL;
        }
        head->if_index = info->if_index;
        head->flags |= STK_TX_IF;
    }
    if (info->ttl >= 0) {
        head->ttl = (uint8_t)info->ttl;
        head->flags |= STK_TX_TTL;
    }
    if (info->tos >= 0) {
        head->tos = (uint8_t)info->tos;
        head->flags |= STK_TX_TOS;
    }
    if (info->ecn >= 0) {
        head->ecn = (uint8_t)(info->ecn & 3);
        head->flags |= STK_TX_ECN;
    }
    if (info->stamped) {
        if ((head->flags & STK_TX_CUT) != 0 || atomic_load_explicit(&sock->stamps, memory_order_relaxed) == 0) {
            return STK_EINVAL;
        }
        head->extra = info->stamp_id;
        head->flags |= STK_TX_STAMP;
    }
    return STK_OK;
}

/* Bytes of each datagram that a payload is cut into; 0: it is one datagram (USO-5, USO-8). */
static uint32_t segment_of(const struct stk_sock *sock, uint64_t payload, const struct stk_send_info *info)
{
    uint32_t segment = atomic_load_explicit(&sock->segment, memory_order_relaxed);
    if (info != NULL && info->segment != 0 && sock->abi->type == STK_SOCK_DGRAM) {
        segment = info->segment;
    }
    return segment < payload ? segment : 0;
}

int stk_client_dgram_head(struct stk_sock *sock, uint64_t payload, const struct stk_addr *to,
                          const struct stk_send_info *info, struct stk_dgram_abi *head)
{
    const uint32_t segment = segment_of(sock, payload, info);
    int result = sendto_check(sock, payload, segment, to);
    if (result != STK_OK) {
        return result;
    }
    *head = (struct stk_dgram_abi){.payload_bytes = (uint32_t)payload};
    if (segment != 0) {
        head->flags = STK_TX_CUT;
        head->extra = segment;
    }
    if (to != NULL) {
        head->addr = *to;
    }
    return info != NULL ? head_wish(sock, to, info, head) : STK_OK;
}

int64_t stk_sock_sendto(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to)
{
    return stk_sock_sendmsg(sock, iov, count, to, NULL);
}

int64_t stk_sock_sendmsg(struct stk_sock *sock, const struct stk_iov *iov, size_t count, const struct stk_addr *to,
                         const struct stk_send_info *info)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    struct stk_sock_abi *abi = sock->abi;
    if (abi->type == STK_SOCK_STREAM) {
        return stk_sock_send(sock, iov, count);
    }
    uint64_t payload = iov_bytes(iov, count);
    struct stk_dgram_abi head;
    int result = stk_client_dgram_head(sock, payload, to, info, &head);
    if (result != STK_OK) {
        return result;
    }
    stk_lock_take(&abi->tx_lock);
    uint64_t tail = atomic_load_explicit(&abi->tx_tail, memory_order_relaxed);
    uint64_t used = stk_sock_abi_tx_used(abi);
    uint64_t size = STK_DGRAM_SIZE(payload);
    /* An empty FIFO takes any datagram, whatever SO_SNDBUF. */
    bool room = used == 0 || used + size <= stk_sock_abi_tx_limit(abi);
    bool written = room && record_write(sock, tail, &head, iov, count);
    if (written) {
        /* edge G, app's end. */
        atomic_store_explicit(&abi->tx_tail, tail + size, memory_order_release);
    }
    stk_lock_give(&abi->tx_lock);
    if (written) {
        stk_client_kick(sock);
        return (int64_t)payload;
    }
    if (room) {
        stk_client_starved(sock);
    }
    stk_client_pump_once(sock->client);
    return STK_EAGAIN;
}

/* --- Receiving ---------------------------------------------------------------- */

/** Reads the head of the first record; false: none. A damaged length is cut to what is queued. */
static bool record_head(struct stk_sock *sock, uint64_t at, uint64_t queued, struct stk_dgram_abi *head)
{
    if (queued < sizeof(*head) || queued > STK_FIFO_MAX) {
        return false;
    }
    (void)stk_fifo_read(sock->client->region, sock->abi->rx_slots, at, head, sizeof(*head));
    if (STK_DGRAM_SIZE(head->payload_bytes) > queued) {
        head->payload_bytes = (uint32_t)(queued - sizeof(*head));
    }
    return true;
}

static uint64_t record_scatter(struct stk_sock *sock, uint64_t at, uint64_t payload, const struct stk_iov *iov,
                               size_t count)
{
    uint64_t done = 0;
    for (size_t i = 0; i < count && done < payload; i++) {
        uint64_t len = iov[i].len < payload - done ? iov[i].len : payload - done;
        (void)stk_fifo_read(sock->client->region, sock->abi->rx_slots, at + done, iov[i].base, len);
        done += len;
    }
    return done;
}

/** Passes a record; says whether the stack should hear of the room. Holder of rx_lock. */
static bool record_pass(struct stk_sock *sock, uint64_t at, const struct stk_dgram_abi *head)
{
    struct stk_sock_abi *abi = sock->abi;
    uint64_t to = at + STK_DGRAM_SIZE(head->payload_bytes);
    stk_fifo_release(sock->client->region, abi->rx_slots, at, to);
    uint64_t read = atomic_load_explicit(&abi->rx_payload_read, memory_order_relaxed);
    uint32_t records = atomic_load_explicit(&abi->rx_records_read, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_payload_read, read + head->payload_bytes, memory_order_relaxed);
    atomic_store_explicit(&abi->rx_records_read, records + 1, memory_order_relaxed);
    /* edge F, app's end. */
    atomic_store_explicit(&abi->rx_head, to, memory_order_release);
    uint32_t want = atomic_load_explicit(&abi->rx_want, memory_order_relaxed);
    if (want == 0 || to - atomic_load_explicit(&abi->rx_kick_head, memory_order_relaxed) < want) {
        return false;
    }
    atomic_store_explicit(&abi->rx_kick_head, to, memory_order_relaxed);
    return true;
}

static bool record_is_from(const struct stk_sock_abi *abi, const struct stk_dgram_abi *head,
                           const struct stk_addr *peer)
{
    const size_t bytes = peer->family == STK_AF_INET6 ? 16 : 4;
    return head->addr.family == peer->family && memcmp(head->addr.ip, peer->ip, bytes) == 0 &&
           (abi->type == STK_SOCK_RAW || head->addr.port == peer->port);
}

/** Where the last queued record that is not of the peer ends; at, if there is none. */
static uint64_t strangers_end(struct stk_sock *sock, uint64_t at, uint64_t tail, const struct stk_addr *peer)
{
    struct stk_dgram_abi head;
    uint64_t end = at;
    while (record_head(sock, at, tail - at, &head)) {
        at += STK_DGRAM_SIZE(head.payload_bytes);
        if (!record_is_from(sock->abi, &head, peer)) {
            end = at;
        }
    }
    return end;
}

void stk_client_strangers_drop(struct stk_sock *sock)
{
    struct stk_sock_abi *abi = sock->abi;
    struct stk_dgram_abi head;
    struct stk_addr peer;
    if (stk_sock_peer(sock, &peer) != STK_OK) {
        return;
    }
    bool kick = false;
    stk_lock_take(&abi->rx_lock);
    uint64_t at = atomic_load_explicit(&abi->rx_head, memory_order_relaxed);
    /* edge E, app's end. */
    uint64_t tail = atomic_load_explicit(&abi->rx_tail, memory_order_acquire);
    uint64_t end = strangers_end(sock, at, tail, &peer);
    while (at != end && record_head(sock, at, tail - at, &head)) {
        kick = record_pass(sock, at, &head) || kick;
        at += STK_DGRAM_SIZE(head.payload_bytes);
    }
    stk_lock_give(&abi->rx_lock);
    if (kick) {
        stk_client_kick(sock);
    }
}

/* --- Several datagrams as one (UDP_RECV_MAX_COALESCED_SIZE) -------------------- */

/* Of one flow, and nothing that is told of a datagram is told wrong of the second (USO-12, USO-19, USO-20). */
static bool merge_fits(const struct stk_dgram_abi *first, const struct stk_dgram_abi *next)
{
    const unsigned told = STK_MSG_BCAST | STK_MSG_MCAST;
    return next->payload_bytes > 0 && next->payload_bytes <= first->payload_bytes &&
           next->if_index == first->if_index && next->ttl == first->ttl && next->tos == first->tos &&
           (next->flags & told) == (first->flags & told) &&
           memcmp(&next->addr, &first->addr, sizeof(first->addr)) == 0 &&
           memcmp(next->local_ip, first->local_ip, sizeof(first->local_ip)) == 0;
}

/* As record_scatter, from the skip'th byte of the entries on. */
static void merge_scatter(struct stk_sock *sock, uint64_t at, uint64_t len, const struct stk_iov *iov, uint64_t skip)
{
    for (; len > 0; iov++) {
        if (skip >= iov->len) {
            skip -= iov->len;
            continue;
        }
        const uint64_t piece = iov->len - skip < len ? iov->len - skip : len;
        (void)stk_fifo_read(sock->client->region, sock->abi->rx_slots, at, (uint8_t *)iov->base + skip, piece);
        at += piece;
        len -= piece;
        skip = 0;
    }
}

/* What one receive takes. */
struct taking {
    uint64_t at;   /* position of the next record */
    uint64_t tail; /* edge E was passed up to here */
    uint64_t room; /* bytes of all entries */
    uint64_t done; /* bytes */
    uint32_t merged;
    unsigned flags;
    bool more;
    bool kick;
};

/** Takes the datagrams behind the first that one receive may have with it. Holder of rx_lock. */
static void records_merge(struct stk_sock *sock, const struct stk_dgram_abi *first, const struct stk_iov *iov,
                          struct taking *taking)
{
    const uint64_t limit = atomic_load_explicit(&sock->merge, memory_order_relaxed);
    const uint64_t most = limit < taking->room ? limit : taking->room;
    struct stk_dgram_abi next = *first;
    while (next.payload_bytes == first->payload_bytes &&
           record_head(sock, taking->at, taking->tail - taking->at, &next) && merge_fits(first, &next) &&
           taking->done + next.payload_bytes <= most) {
        if ((taking->flags & STK_RECV_SINGLE) != 0) {
            taking->more = true;
            return;
        }
        merge_scatter(sock, taking->at + sizeof(next), next.payload_bytes, iov, taking->done);
        taking->merged = first->payload_bytes;
        taking->done += next.payload_bytes;
        if ((taking->flags & STK_RECV_PEEK) == 0) {
            taking->kick = record_pass(sock, taking->at, &next) || taking->kick;
        }
        taking->at += STK_DGRAM_SIZE(next.payload_bytes);
    }
}

static void info_fill(struct stk_msg_info *info, const struct stk_dgram_abi *head, uint64_t done)
{
    *info = (struct stk_msg_info){
        .from = head->addr,
        .to = head->local,
        .if_index = head->if_index,
        .ttl = head->ttl,
        .tos = head->tos,
        .truncated = done < head->payload_bytes,
        .flags = head->flags,
        .full_size = head->payload_bytes,
    };
    if ((head->flags & STK_MSG_STAMP) != 0) { /* its place is that of what is known */
        info->stamp_ns = head->stamp_ns;
        info->to.family = head->addr.family;
        info->to.port = 0;
        info->to.scope_id = head->addr.scope_id;
    }
}

/** What a datagram socket without a datagram answers. */
static int recvfrom_empty_error(struct stk_sock *sock)
{
    if (stk_client_unbuffered(sock)) {
        stk_client_posted_some(sock);
    }
    stk_client_pump_once(sock->client);
    return STK_EAGAIN;
}

int64_t stk_sock_recvfrom(struct stk_sock *sock, const struct stk_iov *iov, size_t count, unsigned flags,
                          struct stk_msg_info *info)
{
    int usable = stk_client_usable(sock->client);
    if (usable != STK_OK) {
        return usable;
    }
    struct stk_sock_abi *abi = sock->abi;
    if (abi->type == STK_SOCK_STREAM) {
        return stk_sock_recv(sock, iov, count, flags);
    }
    if (atomic_load_explicit(&abi->error, memory_order_relaxed) != 0) {
        int error = stk_sock_error_take(sock);
        if (error != STK_OK) {
            return error;
        }
    }
    if ((atomic_load_explicit(&abi->state, memory_order_acquire) & STK_ST_RX_SHUT) != 0) {
        return STK_ESHUTDOWN;
    }
    struct stk_dgram_abi head;
    struct taking taking = {.flags = flags};
    uint64_t done = 0;
    stk_lock_take(&abi->rx_lock);
    uint64_t at = atomic_load_explicit(&abi->rx_head, memory_order_relaxed);
    /* edge E, app's end. */
    uint64_t queued = atomic_load_explicit(&abi->rx_tail, memory_order_acquire) - at;
    bool there = record_head(sock, at, queued, &head);
    if (there) {
        done = record_scatter(sock, at + sizeof(head), head.payload_bytes, iov, count);
        taking.kick = (flags & STK_RECV_PEEK) == 0 && record_pass(sock, at, &head);
        if (atomic_load_explicit(&sock->merge, memory_order_relaxed) != 0 && done == head.payload_bytes && done > 0) {
            taking.at = at + STK_DGRAM_SIZE(head.payload_bytes);
            taking.tail = at + queued;
            taking.done = done;
            for (size_t i = 0; i < count; i++) {
                taking.room += iov[i].len;
            }
            records_merge(sock, &head, iov, &taking);
        }
    }
    stk_lock_give(&abi->rx_lock);
    if (!there) {
        return recvfrom_empty_error(sock);
    }
    if (taking.kick) {
        stk_client_kick(sock);
    }
    if (info != NULL) {
        info_fill(info, &head, done);
        info->merged = taking.merged;
        info->more = taking.more;
    }
    return (int64_t)(taking.done > done ? taking.done : done);
}
