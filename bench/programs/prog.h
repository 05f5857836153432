/**
 * @file
 * What the benchmark and demonstration programs share: options, addresses, sockets, errors in words.
 *
 * The programs are standard Winsock C. The same objects are linked twice: with libws2_32 (Winlane), and with
 * bench/kernel, where each Winsock call is the kernel's of the same name. Each program prints its results on stdout,
 * one "key value" a line, and says on stderr why it failed; its exit status is 0 only if all went as asked.
 *
 * Context of every function: any thread; none keeps state between calls.
 */
#ifndef BENCH_PROG_H
#define BENCH_PROG_H

#include <winsock2.h>
#include <ws2tcpip.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest wait for a peer, unless a program says otherwise. */
#define BENCH_PATIENCE_MS 20000u

/** A socket address of either family. */
union bench_addr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

/** One option "--name VALUE" of a program: text or a number, whichever pointer is set. */
struct bench_opt {
    const char *name; /**< without the dashes */
    const char **text;
    uint64_t *number;
    uint64_t number_min;
    uint64_t number_max;
};

/**
 * Read "--name VALUE" pairs.
 *
 * @param opts   count entries; their targets keep the defaults they hold when the option is not given.
 * @return       0, or -1 after a line on stderr: unknown name, no value, number malformed or out of range.
 */
int bench_opts_parse(int argc, char **argv, const struct bench_opt *opts, size_t count);

/**
 * Read "10.0.0.1:80", "[fd00::1]:80" or either without a port (then 0).
 *
 * @param text  NUL-terminated; NULL is malformed.
 * @param addr  Filled on success.
 * @return      Bytes of the address, for bind() and kin, or 0 after a line on stderr.
 */
int bench_addr_parse(const char *text, union bench_addr *addr);

/** Are host and port of two addresses the same? */
bool bench_addr_same(const union bench_addr *a, const union bench_addr *b);

/** The name of a Winsock error, "0" for 0, "?" for a code that no program here expects. Static text. */
const char *bench_error_name(int code);

/**
 * Say on stderr which call of which program failed, with WSAGetLastError in words.
 *
 * @return  1, so that a program can return it.
 */
int bench_fail(const char *program, const char *what);

/** Start Winsock 2.2. @return 0, or -1 after a line on stderr. */
int bench_start(const char *program);

/** Monotonic time in ns. */
uint64_t bench_now_ns(void);

/** Make a socket nonblocking, or blocking again. @return 0 or SOCKET_ERROR. */
int bench_nonblocking(SOCKET s, bool on);

/** Bound blocking calls of a socket (SO_RCVTIMEO, SO_SNDTIMEO). @return 0 or SOCKET_ERROR. */
int bench_patience(SOCKET s, DWORD ms);

/**
 * A stream or datagram socket bound to an address.
 *
 * @param bind_text  As for bench_addr_parse; NULL: the family of like, not bound.
 * @param like       Address whose family is taken when bind_text is NULL; may be NULL otherwise.
 * @return           The socket, closed by the caller, or INVALID_SOCKET after a line on stderr.
 */
SOCKET bench_socket(int type, const char *bind_text, const union bench_addr *like);

/**
 * A connected stream with TCP_NODELAY, after a blocking connect.
 *
 * @param to         Peer, as for bench_addr_parse.
 * @param from       Local address, or NULL.
 * @param buf_bytes  SO_SNDBUF and SO_RCVBUF; 0: as they are.
 * @return           The socket, closed by the caller, or INVALID_SOCKET after a line on stderr.
 */
SOCKET bench_connect(const char *to, const char *from, uint64_t buf_bytes);

/**
 * Say that a server can be reached: "ready ADDR" on stderr. A program that hosts servers defines its own instead.
 */
void bench_ready(const char *at);

/**
 * A listener; bench_ready is called once it listens.
 *
 * @return  The socket, closed by the caller, or INVALID_SOCKET after a line on stderr.
 */
SOCKET bench_listen(const char *at, uint64_t buf_bytes);

/**
 * Wait until a socket is readable.
 *
 * @return  1, 0 after ms milliseconds, or SOCKET_ERROR.
 */
int bench_wait_readable(SOCKET s, DWORD ms);

/**
 * Take one connection, waiting at most BENCH_PATIENCE_MS, and set TCP_NODELAY.
 *
 * @return  The socket, closed by the caller, or INVALID_SOCKET (WSAGetLastError says why).
 */
SOCKET bench_accept(SOCKET listener);

/** Send all bytes; on a nonblocking socket it spins. @return 0 or SOCKET_ERROR. */
int bench_send_all(SOCKET s, const char *data, size_t size);

/**
 * Receive exactly size bytes; on a nonblocking socket it spins.
 *
 * @return  0, or SOCKET_ERROR; a peer that closes early gives WSAEDISCON.
 */
int bench_recv_all(SOCKET s, char *data, size_t size);

/** Close both directions in order: our FIN, the peer's, then the handle. @return 0 or SOCKET_ERROR. */
int bench_close_graceful(SOCKET s);

/** Close with a reset (linger 0). @return 0 or SOCKET_ERROR. */
int bench_close_reset(SOCKET s);

/** Fill a buffer with pseudo-random bytes; the same seed gives the same bytes. */
void bench_pattern_fill(char *data, size_t size, uint64_t seed);

#endif
