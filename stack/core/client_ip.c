#include "core/client_priv.h"

/* What the application's side has to know of a socket's options before it queues a datagram: later there is nobody to
 * tell. */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static const struct client_ip *ip_of(const struct stk_sock *sock, const struct stk_addr *to)
{
    const bool mapped = to->family == STK_AF_INET6 && memcmp(to->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
    return &sock->ip[mapped ? 1 : 0];
}

void stk_client_ip_reset(struct stk_sock *sock)
{
    atomic_store_explicit(&sock->choosy, 0, memory_order_relaxed);
    for (int i = 0; i < 2; i++) {
        atomic_store_explicit(&sock->ip[i].dontfrag, 0, memory_order_relaxed);
        atomic_store_explicit(&sock->ip[i].discover, STK_PMTUD_NOT_SET, memory_order_relaxed);
        atomic_store_explicit(&sock->ip[i].user_mtu, UINT32_MAX, memory_order_relaxed);
        atomic_store_explicit(&sock->ip[i].via, 0, memory_order_relaxed);
    }
}

void stk_client_ip_note(struct stk_sock *sock, enum stk_opt opt, int32_t value)
{
    static const struct {
        enum stk_opt opt;
        uint8_t version;
        uint8_t field;
    } rows[] = {
        {STK_OPT_DONTFRAG, 0, 0},    {STK_OPT_MTU_DISCOVER, 0, 1},  {STK_OPT_USER_MTU, 0, 2},
        {STK_OPT_UNICAST_IF, 0, 3},  {STK_OPT_V4_DONTFRAG, 1, 0},   {STK_OPT_V4_MTU_DISCOVER, 1, 1},
        {STK_OPT_V4_USER_MTU, 1, 2}, {STK_OPT_V4_UNICAST_IF, 1, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].opt == opt) {
            struct client_ip *ip = &sock->ip[rows[i].version];
            STK_U32 *const fields[] = {&ip->dontfrag, &ip->discover, &ip->user_mtu, &ip->via};
            atomic_store_explicit(fields[rows[i].field], (uint32_t)value, memory_order_relaxed);
        }
    }
    uint32_t any = 0;
    for (int i = 0; i < 2; i++) {
        any |= atomic_load_explicit(&sock->ip[i].dontfrag, memory_order_relaxed) |
               atomic_load_explicit(&sock->ip[i].discover, memory_order_relaxed);
    }
    atomic_store_explicit(&sock->choosy, any != 0 && sock->abi->type == STK_SOCK_DGRAM, memory_order_relaxed);
}

uint32_t stk_client_ip_via(const struct stk_sock *sock, const struct stk_addr *to)
{
    return atomic_load_explicit(&ip_of(sock, to)->via, memory_order_relaxed);
}

bool stk_client_ip_whole(const struct stk_sock *sock, const struct stk_addr *to)
{
    const struct client_ip *ip = ip_of(sock, to);
    const uint32_t discover = atomic_load_explicit(&ip->discover, memory_order_relaxed);
    if (discover == STK_PMTUD_NOT_SET) {
        return atomic_load_explicit(&ip->dontfrag, memory_order_relaxed) != 0;
    }
    return discover != STK_PMTUD_DONT;
}

uint32_t stk_client_ip_limit(const struct stk_sock *sock, const struct stk_addr *to, const struct client_dest *dest)
{
    const struct client_ip *ip = ip_of(sock, to);
    const bool probe = atomic_load_explicit(&ip->discover, memory_order_relaxed) == STK_PMTUD_PROBE;
    const uint32_t user = atomic_load_explicit(&ip->user_mtu, memory_order_relaxed);
    const uint32_t way = probe ? dest->if_mtu : dest->mtu;
    return way != UINT32_MAX && user < way ? user : way;
}
