/*
 * Cases of both.h that are Windows': sockets as kernel handles. Plain Winsock and kernel32, over 127.0.0.1.
 */
#ifndef T_KERNEL_H
#define T_KERNEL_H

#include "both.h"

extern const struct t_group t_group_kernel_port;
extern const struct t_group t_group_kernel_port_end;
extern const struct t_group t_group_kernel_port_wait;
extern const struct t_group t_group_kernel_port_call;
extern const struct t_group t_group_kernel_pool;
extern const struct t_group t_group_kernel_cancel;
extern const struct t_group t_group_kernel_accept;
extern const struct t_group t_group_kernel_pipe;
extern const struct t_group t_group_kernel_file;
extern const struct t_group t_group_kernel_disk;
extern const struct t_group t_group_kernel_recv;   /* Linux */
extern const struct t_group t_group_kernel_inside; /* Linux */
extern const struct t_group t_group_kernel_service;
extern const struct t_group t_group_kernel_handle;
extern const struct t_group t_group_kernel_apc;
extern const struct t_group t_group_kernel_message;
extern const struct t_group t_group_kernel_afd; /* Windows */

/* What GetQueuedCompletionStatus gave. */
struct t_packet {
    BOOL ok;
    DWORD error; /* of a failed one */
    DWORD bytes;
    ULONG_PTR key;
    LPOVERLAPPED overlapped;
};

/* A receive that is posted; the structure and the bytes outlive the case's calls. */
struct t_post {
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    DWORD bytes;
    DWORD flags;
    char data[64];
};

/* A port, closed behind the case; NULL is noted. */
HANDLE t_port_make(struct t_run *t);
struct t_packet t_packet_take(HANDLE port, DWORD ms);
/* Post a receive of len bytes (at most 64): 0, or the code. */
int t_post_recv(SOCKET s, struct t_post *post, ULONG len, HANDLE event);
/* A connected pair whose first end reports to a new port with the key 42. */
bool t_port_pair(struct t_run *t, SOCKET ends[2], HANDLE *port);
/* Close with a reset. */
void t_reset(struct t_run *t, SOCKET s);

/* What kernel32 calls return FALSE with. */
#define T_FALSE(call, code)                                                                                   \
    do {                                                                                                      \
        DWORD t_code;                                                                                         \
        BOOL t_result;                                                                                        \
        SetLastError(12345);                                                                                  \
        t_result = (call);                                                                                    \
        t_code = GetLastError();                                                                              \
        if (t_result || t_code != (DWORD)(code)) {                                                            \
            t_note(t, __FILE__, __LINE__, "%s gives %d, error %u, not %u", #call, t_result, (unsigned)t_code, \
                   (unsigned)(code));                                                                         \
            return;                                                                                           \
        }                                                                                                     \
    } while (0)
/* One packet, as expected. */
#define T_PACKET(port, wanted_key, wanted_overlapped, wanted_bytes)      \
    do {                                                                 \
        struct t_packet t_got_packet = t_packet_take((port), T_WAIT_MS); \
        T_TRUE(t_got_packet.overlapped == (wanted_overlapped));          \
        T_EQ(t_got_packet.ok, TRUE);                                     \
        T_EQ(t_got_packet.key, (wanted_key));                            \
        T_EQ(t_got_packet.bytes, (wanted_bytes));                        \
    } while (0)
#define T_FAILED_PACKET(port, wanted_key, wanted_overlapped, wanted_error) \
    do {                                                                   \
        struct t_packet t_got_packet = t_packet_take((port), T_WAIT_MS);   \
        T_TRUE(t_got_packet.overlapped == (wanted_overlapped));            \
        T_EQ(t_got_packet.ok, FALSE);                                      \
        T_EQ(t_got_packet.error, (wanted_error));                          \
        T_EQ(t_got_packet.key, (wanted_key));                              \
    } while (0)
#define T_NO_PACKET(port)                                                 \
    do {                                                                  \
        struct t_packet t_got_packet = t_packet_take((port), T_QUIET_MS); \
        T_TRUE(t_got_packet.overlapped == NULL);                          \
        T_EQ(t_got_packet.error, WAIT_TIMEOUT);                           \
    } while (0)

#endif
