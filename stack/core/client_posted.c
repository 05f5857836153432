#include "core/client_priv.h"

/** What a waiter is given room for that has no buffer to show: a segment. */
#define POSTED_SOME 1460u

static uint64_t iov_bytes(const struct stk_iov *iov, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count && bytes < STK_FIFO_MAX; i++) {
        bytes += iov[i].len;
    }
    return bytes == 0 ? 1 : bytes < STK_FIFO_MAX ? bytes : STK_FIFO_MAX;
}

/** Positions of a stream do not wrap; records are counted mod 2^32. */
static bool posted_before(const struct stk_sock_abi *abi, uint64_t now, uint64_t want)
{
    return abi->type == STK_SOCK_STREAM ? now < want : (int32_t)((uint32_t)want - (uint32_t)now) > 0;
}

/** Room for bytes, or for one datagram, behind what was read. */
static void posted_raise(struct stk_sock *sock, uint64_t bytes)
{
    struct stk_sock_abi *abi = sock->abi;
    uint64_t want = atomic_load_explicit(&abi->rx_head, memory_order_relaxed) + bytes;
    if (abi->type != STK_SOCK_STREAM) {
        want = (uint32_t)(atomic_load_explicit(&abi->rx_records_read, memory_order_relaxed) + 1u);
    }
    uint64_t now = atomic_load_explicit(&abi->rx_posted, memory_order_relaxed);
    while (posted_before(abi, now, want)) {
        /* release: edge I carries it to the stack, which loads it behind the kick. */
        if (atomic_compare_exchange_weak_explicit(&abi->rx_posted, &now, want, memory_order_release,
                                                  memory_order_relaxed)) {
            stk_client_kick(sock);
            return;
        }
    }
}

void stk_client_posted_iov(struct stk_sock *sock, const struct stk_iov *iov, size_t count)
{
    posted_raise(sock, iov_bytes(iov, count));
}

void stk_client_posted_some(struct stk_sock *sock)
{
    const struct stk_sock_abi *abi = sock->abi;
    if (abi->type != STK_SOCK_STREAM || atomic_load_explicit(&abi->rx_posted, memory_order_relaxed) <=
                                            atomic_load_explicit(&abi->rx_head, memory_order_relaxed)) {
        posted_raise(sock, POSTED_SOME);
    }
}
