/*
 * Round trips of 64 bytes over lwIP's loopback interface through the raw API: client and server in one loop.
 * usage: measure_tcp ROUNDS; prints the segments that TCP received.
 */
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/stats.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

#ifdef MEASURE_INSTANCE
#include "lwip/priv/instance.h"
static struct lwip_instance instance;
#endif

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long rounds_left;

u32_t sys_now(void)
{
    return 1;
}

uint32_t stk_lwip_random(void)
{
    return 4;
}

void stk_lwip_diag(const char *format, ...)
{
    (void)format;
}

void stk_lwip_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static err_t on_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    static const char message[64];
    (void)arg;
    (void)err;
    if (p == NULL)
        return ERR_OK;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (rounds_left > 0) {
        rounds_left--;
        tcp_write(pcb, message, sizeof(message), 0);
        tcp_output(pcb);
    }
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, on_data);
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, on_data);
    tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
    tcp_output(pcb);
    return ERR_OK;
}

int main(int argc, char **argv)
{
    ip_addr_t to;
    rounds_left = 2 * strtoul(argc > 1 ? argv[1] : "1000", NULL, 10);
#ifdef MEASURE_INSTANCE
    lwip_instance_init(&instance);
    lwip_instance_select(&instance);
#endif
    lwip_init();
    IP_ADDR4(&to, 127, 0, 0, 1);
    struct tcp_pcb *listener = tcp_new();
    tcp_bind(listener, IP4_ADDR_ANY, 80);
    listener = tcp_listen(listener);
    tcp_accept(listener, on_accept);
    struct tcp_pcb *client = tcp_new();
    tcp_connect(client, &to, 80, on_connected);
    while (rounds_left > 0)
        netif_poll_all();
    printf("%lu\n", (unsigned long)lwip_stats.tcp.recv);
    return 0;
}
