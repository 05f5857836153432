/** @file Control codes about ways and processors, of datagram queues, and of capture. Source: rules 5.7. */
#include "wsp_ioctl_priv.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_notice.h"
#include "wsp_sdk.h"

#define IP_PROTOCOL_IGMP 2
#define IP_PROTOCOL_UDP 17
#define IP_PROTOCOL_IPV6 41

/* SOCKET_PROCESSOR_AFFINITY of newer headers. */
struct route_processor {
    uint16_t group;
    uint8_t number;
    uint8_t reserved;
    uint16_t numa_node;
    uint16_t reserved2;
};
_Static_assert(sizeof(struct route_processor) == 8, "as Windows has it");

/* X12: a socket address is taken. The way is looked for anew. */
static int ioctl_find_route(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct stk_client *client = wsp_provider_client_now();
    struct stk_addr remote, local;
    uint32_t if_index;
    int code = wsp_addr_read((const struct sockaddr *)(const void *)call->in, (int)call->in_bytes, sock->family,
                             &remote);

    if (code == 0 && !client)
        code = WSAENETDOWN;
    return code != 0 ? code : wsp_error_of(WSP_OP_ANY, stk_client_route(client, &remote, &local, &if_index));
}

/* X9. The processor is known where the configuration pins the stack's thread. */
static int ioctl_rss_processor(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    struct route_processor processor = {0};
    struct stk_addr peer;

    if (stk_sock_peer(sock->stk, &peer) != STK_OK)
        return WSAENOTCONN;
    if (wsp_ioctl_need(call, sizeof processor) != 0)
        return ERROR_INSUFFICIENT_BUFFER;
    if (!wsp_provider.config || wsp_provider.config->engine.poll_cpu < 0)
        return WSAEOPNOTSUPP;
    processor.group = (uint16_t)(wsp_provider.config->engine.poll_cpu / 64);
    processor.number = (uint8_t)(wsp_provider.config->engine.poll_cpu % 64);
    return wsp_ioctl_put(call, &processor, sizeof processor);
}

/* A port has one queue: no interface spreads its packets. */
static int ioctl_rss_scalability(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    unsigned char enabled = 0;

    (void)sock;
    if (call->out_bytes < sizeof enabled)
        return WSAEINVAL;
    return wsp_ioctl_put(call, &enabled, sizeof enabled);
}

static int ioctl_circular(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    (void)call;
    return wsp_option_stack_set(sock, STK_OPT_CIRCULAR, 1);
}

static int ioctl_unicast_if(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint32_t index = wsp_ioctl_in32(call);

    return index > INT32_MAX ? WSAEADDRNOTAVAIL : wsp_option_stack_set(sock, STK_OPT_UNICAST_IF, (int32_t)index);
}

/* X14: a byte is enough. Which packets is a matter of the socket's protocol, too. */
static int ioctl_rcvall(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint32_t mode = call->in_bytes >= sizeof mode ? wsp_ioctl_in32(call) : (unsigned char)call->in[0];
    bool whole = sock->protocol == IPPROTO_IP || (sock->family == AF_INET6 && sock->protocol == IP_PROTOCOL_IPV6);

    if (!whole || mode > RCVALL_IPLEVEL)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, STK_OPT_RCVALL, (int32_t)mode);
}

static int ioctl_rcvall_groups(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint32_t mode = call->in_bytes >= sizeof mode ? wsp_ioctl_in32(call) : (unsigned char)call->in[0];
    int protocol = call->code == SIO_RCVALL_MCAST ? IP_PROTOCOL_UDP : IP_PROTOCOL_IGMP;

    if (sock->family != AF_INET || sock->protocol != protocol || mode > RCVALL_ON)
        return WSAEINVAL;
    return wsp_option_stack_set(sock, STK_OPT_RCVALL, mode == RCVALL_ON ? STK_RCVALL_GROUPS : STK_RCVALL_OFF);
}

#define DGRAM WSP_OPT_DGRAM
#define RAW WSP_OPT_RAW

static const struct wsp_ioctl_row ioctl_rows[] = {
    {SIO_FIND_ROUTE, 0, 0, 0, 0, ioctl_find_route, 0},
    {SIO_ADDRESS_LIST_SORT, sizeof(INT), 0, 0, 0, wsp_ioctl_address_sort, 0},
    {SIO_QUERY_RSS_PROCESSOR_INFO, 0, 0, 0, 0, ioctl_rss_processor, 0},
    {SIO_QUERY_RSS_SCALABILITY_INFO, 0, 0, 0, 0, ioctl_rss_scalability, 0},
    {SIO_ENABLE_CIRCULAR_QUEUEING, 0, 0, DGRAM | RAW, WSAENOPROTOOPT, ioctl_circular, 0},
    {SIO_UCAST_IF, 4, 0, 0, 0, ioctl_unicast_if, 0},
    {SIO_RCVALL, 1, 0, RAW, WSAEINVAL, ioctl_rcvall, 0},
    {SIO_RCVALL_MCAST, 1, 0, RAW, WSAEINVAL, ioctl_rcvall_groups, 0},
    {SIO_RCVALL_IGMPMCAST, 1, 0, RAW, WSAEINVAL, ioctl_rcvall_groups, 0},
};
const struct wsp_ioctl_group wsp_ioctl_route = WSP_IOCTL_GROUP(ioctl_rows);
