/** @file Control codes of multicast: whole filters, loopback, scope. Source: rules 5.7, 7.8 MC-6, MPT-9, MPT-10. */
#include "wsp_ioctl_priv.h"

#include "wsp_addr.h"
#include "wsp_error.h"
#include "wsp_mcast.h"
#include "wsp_sdk.h"

#include <stdlib.h>

_Static_assert(MCAST_INCLUDE == (int)STK_MCAST_FILTER_INCLUDE && MCAST_EXCLUDE == (int)STK_MCAST_FILTER_EXCLUDE,
               "modes go through as they are");

#define IPV4_HEAD offsetof(IP_MSFILTER, imsf_slist)
#define GROUP_HEAD offsetof(GROUP_FILTER, gf_slist)

/* A filter in the caller's memory, of either form. */
struct mcast_form {
    size_t head;   /* bytes before the sources */
    size_t source; /* bytes of each */
    size_t mode_at;
    size_t count_at;
    int (*group_read)(const struct wsp_socket *sock, const char *in, struct stk_mcast_filter *filter);
    int (*source_read)(const struct wsp_socket *sock, const char *in, uint8_t out[16]);
    void (*source_write)(const struct wsp_socket *sock, const uint8_t ip[16], char *out);
};

static int ipv4_group_read(const struct wsp_socket *sock, const char *in, struct stk_mcast_filter *filter)
{
    unsigned char which[4];

    if (sock->family != AF_INET)
        return WSAEINVAL;
    filter->group.family = STK_AF_INET;
    memcpy(filter->group.ip, in + offsetof(IP_MSFILTER, imsf_multiaddr), 4);
    memcpy(which, in + offsetof(IP_MSFILTER, imsf_interface), 4);
    return wsp_mcast_interface(which, &filter->if_index);
}

static int ipv4_source_read(const struct wsp_socket *sock, const char *in, uint8_t out[16])
{
    (void)sock;
    memset(out, 0, 16);
    memcpy(out, in, 4);
    return 0;
}

static void ipv4_source_write(const struct wsp_socket *sock, const uint8_t ip[16], char *out)
{
    (void)sock;
    memcpy(out, ip, 4);
}

static int group_read(const struct wsp_socket *sock, const char *in, struct stk_mcast_filter *filter)
{
    struct sockaddr_storage given;
    ULONG if_index;

    memcpy(&given, in + offsetof(GROUP_FILTER, gf_group), sizeof given);
    memcpy(&if_index, in + offsetof(GROUP_FILTER, gf_interface), sizeof if_index);
    filter->if_index = if_index;
    return wsp_mcast_addr(sock, &given, &filter->group);
}

static int group_source_read(const struct wsp_socket *sock, const char *in, uint8_t out[16])
{
    struct sockaddr_storage given;
    struct stk_addr addr;
    int code;

    memcpy(&given, in, sizeof given);
    code = wsp_mcast_addr(sock, &given, &addr);
    if (code == 0)
        memcpy(out, addr.ip, 16);
    return code;
}

static void group_source_write(const struct wsp_socket *sock, const uint8_t ip[16], char *out)
{
    struct stk_addr addr = {.family = sock->family == AF_INET ? STK_AF_INET : STK_AF_INET6};
    struct sockaddr_storage given = {0};
    INT len = (INT)sizeof given;

    memcpy(addr.ip, ip, 16);
    (void)wsp_addr_write(&addr, sock->family, (struct sockaddr *)&given, &len);
    memcpy(out, &given, sizeof given);
}

static const struct mcast_form form_ipv4 = {IPV4_HEAD,
                                            sizeof(IN_ADDR),
                                            offsetof(IP_MSFILTER, imsf_fmode),
                                            offsetof(IP_MSFILTER, imsf_numsrc),
                                            ipv4_group_read,
                                            ipv4_source_read,
                                            ipv4_source_write};
static const struct mcast_form form_group = {GROUP_HEAD,
                                             sizeof(SOCKADDR_STORAGE),
                                             offsetof(GROUP_FILTER, gf_fmode),
                                             offsetof(GROUP_FILTER, gf_numsrc),
                                             group_read,
                                             group_source_read,
                                             group_source_write};

static int filter_head(const struct wsp_socket *sock, const struct mcast_form *form, const struct wsp_ioctl_call *call,
                       struct stk_mcast_filter *filter)
{
    int code = form->group_read(sock, call->in, filter);

    if (code == 0 && !wsp_mcast_is_group(&filter->group))
        code = WSAEADDRNOTAVAIL; /* as IP_ADD_MEMBERSHIP */
    return code;
}

static int filter_set(struct wsp_socket *sock, const struct mcast_form *form, const struct wsp_ioctl_call *call)
{
    struct stk_mcast_filter filter = {0};
    uint8_t(*sources)[16] = NULL;
    uint32_t mode;
    int code = filter_head(sock, form, call, &filter);

    if (code != 0)
        return code;
    memcpy(&mode, call->in + form->mode_at, sizeof mode);
    memcpy(&filter.count, call->in + form->count_at, sizeof filter.count);
    if (mode > MCAST_EXCLUDE)
        return WSAEINVAL;
    if (filter.count > STK_MCAST_SOURCES_MAX)
        return WSAENOBUFS; /* RFC 3678 4.2.1 */
    if (call->in_bytes < form->head + filter.count * form->source)
        return WSAEFAULT;
    filter.mode = mode;
    sources = calloc(filter.count + 1u, sizeof *sources);
    if (!sources)
        return WSAENOBUFS;
    for (uint32_t i = 0; i < filter.count && code == 0; i++)
        code = form->source_read(sock, call->in + form->head + i * form->source, sources[i]);
    if (code == 0)
        code = wsp_error_of(WSP_OP_OPTION,
                            stk_sock_mcast_filter_set(sock->stk, &filter, (const uint8_t(*)[16])sources));
    free(sources);
    return code;
}

/* The head comes back with the number of all sources, behind it as many of them as there is room for (RFC 3678 4.2.2). */
static int filter_get(struct wsp_socket *sock, const struct mcast_form *form, struct wsp_ioctl_call *call)
{
    struct stk_mcast_filter filter = {0};
    uint8_t(*sources)[16];
    uint32_t room = (uint32_t)((call->out_bytes - form->head) / form->source);
    uint32_t put;
    int code = filter_head(sock, form, call, &filter);

    if (code != 0)
        return code;
    room = room < STK_MCAST_SOURCES_MAX ? room : STK_MCAST_SOURCES_MAX;
    sources = calloc(room + 1u, sizeof *sources);
    if (!sources)
        return WSAENOBUFS;
    filter.count = room;
    code = wsp_error_of(WSP_OP_OPTION, stk_sock_mcast_filter_get(sock->stk, &filter, sources));
    if (code == 0) {
        put = filter.count < room ? filter.count : room;
        memmove(call->out, call->in, form->head); /* usually one buffer */
        memcpy(call->out + form->mode_at, &filter.mode, sizeof filter.mode);
        memcpy(call->out + form->count_at, &filter.count, sizeof filter.count);
        for (uint32_t i = 0; i < put; i++)
            form->source_write(sock, sources[i], call->out + form->head + i * form->source);
        call->returned = (DWORD)(form->head + put * form->source);
    }
    free(sources);
    return code;
}

static int mcast_set_ipv4(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return filter_set(sock, &form_ipv4, call);
}

static int mcast_get_ipv4(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return filter_get(sock, &form_ipv4, call);
}

static int mcast_set_group(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return filter_set(sock, &form_group, call);
}

static int mcast_get_group(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return filter_get(sock, &form_group, call);
}

static int mcast_loop(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    return wsp_option_stack_set(sock, STK_OPT_MCAST_LOOP, wsp_ioctl_in32(call) != 0);
}

static int mcast_scope(struct wsp_socket *sock, struct wsp_ioctl_call *call)
{
    uint32_t ttl = wsp_ioctl_in32(call);

    return ttl > 255 ? WSAEINVAL : wsp_option_stack_set(sock, STK_OPT_MCAST_TTL, (int32_t)ttl);
}

static const struct wsp_ioctl_row ioctl_mcast_rows[] = {
    {SIO_MULTIPOINT_LOOPBACK, 4, 0, WSP_OPT_MSGS, WSAEINVAL, mcast_loop, 0},
    {SIO_MULTICAST_SCOPE, 4, 0, WSP_OPT_MSGS, WSAEINVAL, mcast_scope, 0},
    {SIO_SET_MULTICAST_FILTER, IPV4_HEAD, 0, WSP_OPT_MSGS, WSAENOPROTOOPT, mcast_set_ipv4, 0},
    {SIO_GET_MULTICAST_FILTER, IPV4_HEAD, IPV4_HEAD, WSP_OPT_MSGS, WSAENOPROTOOPT, mcast_get_ipv4, 0},
    {SIOCSMSFILTER, GROUP_HEAD, 0, WSP_OPT_MSGS, WSAENOPROTOOPT, mcast_set_group, 0},
    {SIOCGMSFILTER, GROUP_HEAD, GROUP_HEAD, WSP_OPT_MSGS, WSAENOPROTOOPT, mcast_get_group, 0},
};
const struct wsp_ioctl_group wsp_ioctl_mcast = WSP_IOCTL_GROUP(ioctl_mcast_rows);
