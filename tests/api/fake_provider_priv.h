/*
 * The fake provider's objects, shared by its two files. One lock guards all of it.
 */
#ifndef FAKE_PROVIDER_PRIV_H
#define FAKE_PROVIDER_PRIV_H

#include "fake_provider.h"

#include <pthread.h>

#define PIPE_BYTES 65536
#define BACKLOG 16
#define DATAGRAM_BYTES 2048
#define DATAGRAMS 32

struct fake_socket;

struct pending {
    WSABUF buffer;
    LPWSAOVERLAPPED overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    WSATHREADID thread;
    DWORD error;
    DWORD transferred;
    struct fake_socket *sock;
    struct pending *next;
};

struct datagram {
    SOCKADDR_IN from;
    unsigned len;
    char bytes[DATAGRAM_BYTES];
};

struct fake_socket {
    struct fake_socket *next;
    SOCKET handle;
    WSAPROTOCOL_INFOW info;
    bool open, bound, listening, connected, nonblocking, send_shut, recv_shut, peer_gone;
    SOCKADDR_IN local, remote;
    struct fake_socket *peer;
    struct fake_socket *backlog[BACKLOG];
    unsigned backlog_count;
    char *pipe; /* bytes for this socket to receive */
    unsigned pipe_len;
    struct datagram *datagrams;
    unsigned datagram_count;
    struct pending *reads;
    WSAEVENT event;
    LONG event_mask, event_record;
};

extern pthread_mutex_t fake_lock;
extern pthread_cond_t fake_changed;
extern WSPUPCALLTABLE fake_up;
extern struct fake_counters fake_count;
extern struct fake_socket *fake_sockets;

/* fake_provider.c */
int fake_fail(LPINT error, int code);
struct fake_socket *fake_lookup(SOCKET s, LPINT error);
void fake_auto_bind(struct fake_socket *sock);
struct fake_socket *fake_find_bound(const SOCKADDR_IN *to, int type);
int fake_copy_name(const SOCKADDR_IN *from, struct sockaddr *name, LPINT namelen, LPINT error);

/* fake_data.c */
void fake_notify(struct fake_socket *sock, LONG bit);
void fake_deliver(struct pending *request);
void fake_serve_reads(struct fake_socket *sock);
bool fake_dispatcher_start(void);
void fake_dispatcher_end(void);
int WSPAPI fake_sendto(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, const struct sockaddr *to,
                       int tolen, LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                       LPWSATHREADID thread, LPINT error);
int WSPAPI fake_send(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD sent, DWORD flags, LPWSAOVERLAPPED overlapped,
                     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error);
int WSPAPI fake_recvfrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                         struct sockaddr *from, LPINT fromlen, LPWSAOVERLAPPED overlapped,
                         LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread, LPINT error);
int WSPAPI fake_recv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD received, LPDWORD flags,
                     LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID thread,
                     LPINT error);
BOOL WSPAPI fake_get_overlapped_result(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD transferred, BOOL wait,
                                       LPDWORD flags, LPINT error);
int WSPAPI fake_select(int nfds, fd_set *r, fd_set *w, fd_set *e, const struct timeval *timeout, LPINT error);
int WSPAPI fake_event_select(SOCKET s, WSAEVENT event, LONG events, LPINT error);
int WSPAPI fake_enum_network_events(SOCKET s, WSAEVENT event, LPWSANETWORKEVENTS record, LPINT error);

#endif
