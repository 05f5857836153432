/**
 * @file
 * Ways to send and receive datagrams, for udp_rate: by blocking calls, by overlapped calls that report to a completion
 * port, by registered I/O.
 *
 * Context of every function: the one thread of the program.
 */
#ifndef BENCH_UDP_RATE_H
#define BENCH_UDP_RATE_H

#include "prog.h"

#include <string.h>

/** One socket and what its way keeps. */
struct udp_end {
    SOCKET sock;
    uint64_t size;  /**< bytes of each datagram, 8 at least: it begins with its number */
    uint64_t depth; /**< requests that may be outstanding */
    uint64_t next;  /**< number of the next datagram */
    bool sends;     /**< else it receives */
    void *own;      /**< the way's */
};

struct udp_way {
    const char *name;

    /** Make the socket, bound to one address and connected to another, and get ready. @return 0, or -1 after a line on stderr. */
    int (*open)(struct udp_end *end, const union bench_addr *at, const union bench_addr *to, int addr_size);

    /** Send count datagrams, numbered from end->next on; fewer if there is no room. @return how many, or -1. */
    int64_t (*send)(struct udp_end *end, uint64_t count);

    /** Receive up to count datagrams, blocking only if the way does. @return how many, each checked; or -1. */
    int64_t (*receive)(struct udp_end *end, uint64_t count);

    /** Give back what open took; fine on one that failed. */
    void (*close)(struct udp_end *end);
};

extern const struct udp_way udp_way_blocking;
extern const struct udp_way udp_way_port;
extern const struct udp_way udp_way_rio;

/** A bound and connected socket. @param flags  Of WSASocketW; 0: by socket(). @return 0, or -1 after a line on stderr. */
int udp_end_socket(struct udp_end *end, const union bench_addr *at, const union bench_addr *to, int addr_size,
                   DWORD flags);

/** Number a datagram; both ends are of one process. */
static inline void udp_number_write(char *data, uint64_t number)
{
    memcpy(data, &number, sizeof(number));
}

/** Say on stderr which datagram did not come. @return  -1. */
int udp_number_wrong(const struct udp_end *end, uint64_t bytes);

/** Is it as long as it should be, and the one that comes next? -1 after a line on stderr if not. */
static inline int udp_number_check(struct udp_end *end, const char *data, uint64_t bytes)
{
    uint64_t number;

    memcpy(&number, data, sizeof(number));
    if (bytes != end->size || number != end->next) {
        return udp_number_wrong(end, bytes);
    }
    end->next++;
    return 0;
}

#endif
