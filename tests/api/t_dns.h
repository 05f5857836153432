/*
 * A server of DNS for tests: a Winsock program in a thread of the test, on an address of our own stack.
 */
#ifndef T_DNS_H
#define T_DNS_H

#include "t_api.h"

#include <stdatomic.h>

struct t_dns {
    SOCKET udp;
    SOCKET tcp;
    HANDLE thread;
    atomic_int stop;
    u_short port; /* host order */
    /* What was asked, counted by the server's thread. */
    atomic_int queries;    /* datagrams */
    atomic_int streams;    /* questions over TCP */
    atomic_int ids_differ; /* ids that differ from the one before */
    atomic_int ports_differ;
    atomic_int dropped; /* left unanswered by intention */
    u_short last_id;
    u_short last_port;
};

void t_dns_start(struct t_dns *dns, const char *address);
void t_dns_stop(struct t_dns *dns);

#endif
