/* Datagrams by blocking calls, one by one. */
#include "udp_rate.h"

#include <stdlib.h>

static int blocking_open(struct udp_end *end, const union bench_addr *at, const union bench_addr *to, int addr_size)
{
    end->own = calloc(1, (size_t)end->size);
    return end->own == NULL ? -1 : udp_end_socket(end, at, to, addr_size, 0);
}

static int64_t blocking_send(struct udp_end *end, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        udp_number_write(end->own, end->next);
        if (send(end->sock, end->own, (int)end->size, 0) != (int)end->size) {
            (void)bench_fail("udp_rate", "send");
            return -1;
        }
        end->next++;
    }
    return (int64_t)count;
}

static int64_t blocking_receive(struct udp_end *end, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        int got = recv(end->sock, end->own, (int)end->size, 0);
        if (got < 0) {
            (void)bench_fail("udp_rate", "recv");
            return -1;
        }
        if (udp_number_check(end, end->own, (uint64_t)got) != 0) {
            return -1;
        }
    }
    return (int64_t)count;
}

static void blocking_close(struct udp_end *end)
{
    if (end->sock != INVALID_SOCKET) {
        (void)closesocket(end->sock);
    }
    free(end->own);
}

const struct udp_way udp_way_blocking = {"blocking", blocking_open, blocking_send, blocking_receive, blocking_close};
