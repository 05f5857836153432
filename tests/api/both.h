/*
 * The API tests that run against any ws2_32: Wine's own over the kernel's loopback (the reference) and ours, as one PE
 * program; ours on Linux from the same sources. They use 127.0.0.1 and ::1 only and judge by documented behaviour.
 *
 * A case is a function named subject__condition__expectation that returns at its first failed check. It runs on a thread
 * of its own, under a watchdog, after WSAStartup(2.2); what it opened through t_... is closed behind it. A table
 * gives one case per row: the row's name stands where the function's name says ROW. Rules are those of the rules list.
 */
#ifndef T_BOTH_H
#define T_BOTH_H

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mstcpip.h>
#include <mswsock.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define T_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define T_WAIT_MS 3000    /* for what must come: far above what a busy machine needs */
#define T_QUIET_MS 60     /* for what must not come */
#define T_SOCKETS_MAX 320 /* that one case holds at once */
#define T_OBJECTS_MAX 24

/* mingw's printf is C99's here. */
#ifdef __MINGW_PRINTF_FORMAT
#define T_PRINTF(form, first) __attribute__((format(__MINGW_PRINTF_FORMAT, form, first)))
#else
#define T_PRINTF(form, first) __attribute__((format(printf, form, first)))
#endif

/* A case that runs. The thread of the case writes it; the runner reads it when that thread has ended. */
struct t_run {
    const void *row; /* of the case's table, or NULL */
    bool failed;
    bool skipped;
    char what[400];
    SOCKET sockets[T_SOCKETS_MAX];
    unsigned socket_count;
    HANDLE objects[T_OBJECTS_MAX]; /* events */
    unsigned object_count;
    HANDLE threads[T_OBJECTS_MAX];
    unsigned thread_count;
};

/* Cases of one function: one, or one for each row. The first member of a row is its name, a const char *. */
struct t_cases {
    const char *name;
    void (*body)(struct t_run *t);
    const void *rows;
    size_t row_bytes;
    size_t row_count;
};

#define T_CASE(function)                \
    {                                   \
#function, function, NULL, 0, 1 \
    }
#define T_TABLE(function, table)                                       \
    {                                                                  \
#function, function, table, sizeof((table)[0]), T_COUNT(table) \
    }

/* A file's cases. Those of a group that is not started run before WSAStartup and leave none behind. */
struct t_group {
    const char *name;
    const struct t_cases *cases;
    size_t case_count;
    bool unstarted;
};

/* What the program runs (both_groups.c). */
extern const struct t_group *const t_groups[];
extern const size_t t_group_count;

extern const struct t_group t_group_start;
extern const struct t_group t_group_socket;
extern const struct t_group t_group_bind;
extern const struct t_group t_group_listen;
extern const struct t_group t_group_connect;
extern const struct t_group t_group_stream;
extern const struct t_group t_group_close;
extern const struct t_group t_group_udp;
extern const struct t_group t_group_mcast;
extern const struct t_group t_group_select;
extern const struct t_group t_group_events;
extern const struct t_group t_group_overlapped;
extern const struct t_group t_group_option;
extern const struct t_group t_group_ioctl;
extern const struct t_group t_group_text;
extern const struct t_group t_group_names;
extern const struct t_group t_group_ipv6;
extern const struct t_group t_group_threads;
extern const struct t_group t_group_urgent;
extern const struct t_group t_group_window;
extern const struct t_group t_group_message;
extern const struct t_group t_group_alert;
extern const struct t_group t_group_conditional;
extern const struct t_group t_group_poll;
extern const struct t_group t_group_share;
extern const struct t_group t_group_storm;

/* An address and its length. */
struct t_addr {
    union {
        struct sockaddr any;
        SOCKADDR_IN v4;
        SOCKADDR_IN6 v6;
        SOCKADDR_STORAGE room;
    } u;
    int bytes;
};

/**
 * Note a failure, the first one only.
 *
 * Context: the thread of the case.
 */
void t_note(struct t_run *t, const char *file, int line, const char *form, ...) T_PRINTF(4, 5);

/** Say why the case cannot be judged here; the case returns after it. */
void t_skip(struct t_run *t, const char *why);

/* Addresses: the loopback one, the wildcard one, or a v4 address as text; port in host order. */
struct t_addr t_loopback(int family, unsigned port);
struct t_addr t_wildcard(int family, unsigned port);
struct t_addr t_v4(const char *text, unsigned port);
unsigned t_port(const struct t_addr *addr);
bool t_same_addr(const struct t_addr *a, const struct t_addr *b);

/* What is opened here is closed behind the case; t_close closes now. false or INVALID_SOCKET: noted as a failure. */
SOCKET t_keep(struct t_run *t, SOCKET s);
SOCKET t_socket(struct t_run *t, int family, int type);
int t_close(struct t_run *t, SOCKET s);
WSAEVENT t_event(struct t_run *t);
HANDLE t_thread(struct t_run *t, LPTHREAD_START_ROUTINE start, void *context);

/* A socket bound to the loopback address and a port of the system's choice; where it is goes to *at. */
bool t_bound(struct t_run *t, int family, int type, SOCKET *s, struct t_addr *at);
bool t_listener(struct t_run *t, int family, SOCKET *s, struct t_addr *at);
/* Two connected ends: [0] connected, [1] accepted. For datagrams: two sockets connected to each other. */
bool t_pair(struct t_run *t, int family, SOCKET ends[2]);
bool t_udp_pair(struct t_run *t, int family, SOCKET ends[2]);
/* A loopback address at which nobody listens: the port was the system's choice for a socket that is closed again. */
bool t_nobody(struct t_run *t, int family, int type, struct t_addr *at);

int t_ioctl(SOCKET s, ULONG code, u_long value);
int t_get_int(SOCKET s, int level, int option);
int t_set_int(SOCKET s, int level, int option, int value);
int t_set_linger(SOCKET s, unsigned onoff, unsigned seconds);
/* select for one socket and one set ('r', 'w' or 'x'), at most ms: what select gave. */
int t_select(SOCKET s, char set, int ms);
/* All of len bytes, or false. A failing one is noted. */
bool t_send_all(struct t_run *t, SOCKET s, const char *from, int len);
bool t_recv_all(struct t_run *t, SOCKET s, char *to, int len);
void t_pattern(char *to, int len, int seed);
/* Sends on a socket, nonblocking from here on, until there is no room for a while: what is on its way has come to rest. */
bool t_fill(struct t_run *t, SOCKET s);

#define T_TRUE(condition)                                    \
    do {                                                     \
        if (!(condition)) {                                  \
            t_note(t, __FILE__, __LINE__, "%s", #condition); \
            return;                                          \
        }                                                    \
    } while (0)
/* For helpers, which note what failed themselves. */
#define T_DO(condition)                                      \
    do {                                                     \
        if (!(condition)) {                                  \
            t_note(t, __FILE__, __LINE__, "%s", #condition); \
            return;                                          \
        }                                                    \
    } while (0)
#define T_EQ(expression, wanted)                                                                                    \
    do {                                                                                                            \
        long long t_got = (long long)(expression);                                                                  \
        long long t_want = (long long)(wanted);                                                                     \
        if (t_got != t_want) {                                                                                      \
            t_note(t, __FILE__, __LINE__, "%s is %lld (error %d), not %lld", #expression, t_got, WSAGetLastError(), \
                   t_want);                                                                                         \
            return;                                                                                                 \
        }                                                                                                           \
    } while (0)
#define T_OK(call) T_EQ(call, 0)
#define T_FAILS_2(call, code, other)                                                                 \
    do {                                                                                             \
        long long t_got;                                                                             \
        int t_code;                                                                                  \
        WSASetLastError(12345);                                                                      \
        t_got = (long long)(call);                                                                   \
        t_code = WSAGetLastError();                                                                  \
        if (t_got != SOCKET_ERROR) {                                                                 \
            t_note(t, __FILE__, __LINE__, "%s gives %lld, not error %d", #call, t_got, (int)(code)); \
            return;                                                                                  \
        }                                                                                            \
        if (t_code != (int)(code) && t_code != (int)(other)) {                                       \
            t_note(t, __FILE__, __LINE__, "%s fails with %d, not %d", #call, t_code, (int)(code));   \
            return;                                                                                  \
        }                                                                                            \
    } while (0)
#define T_FAILS(call, code) T_FAILS_2(call, code, code)
#define T_NO_SOCKET_2(call, code, other)                                                           \
    do {                                                                                           \
        SOCKET t_s;                                                                                \
        int t_code;                                                                                \
        WSASetLastError(12345);                                                                    \
        t_s = (call);                                                                              \
        t_code = WSAGetLastError();                                                                \
        if (t_s != INVALID_SOCKET) {                                                               \
            (void)t_keep(t, t_s);                                                                  \
            t_note(t, __FILE__, __LINE__, "%s gives a socket, not error %d", #call, (int)(code));  \
            return;                                                                                \
        }                                                                                          \
        if (t_code != (int)(code) && t_code != (int)(other)) {                                     \
            t_note(t, __FILE__, __LINE__, "%s fails with %d, not %d", #call, t_code, (int)(code)); \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define T_NO_SOCKET(call, code) T_NO_SOCKET_2(call, code, code)
#define T_SAME(a, b, bytes) T_TRUE(memcmp((a), (b), (size_t)(bytes)) == 0)

#endif
