/*
 * ioctlsocket and WSAIoctl.
 */
#include "both.h"

/* The catalogue of control codes is in the headers under names that differ; these are the numbers (rules 6.2). */
#define CODE_KEEPALIVE_VALS 0x98000004u
#define CODE_GET_BROADCAST_ADDRESS 0x48000005u
#define CODE_GET_EXTENSION 0xC8000006u
#define CODE_GET_QOS 0xC8000007u
#define CODE_ROUTING_INTERFACE_QUERY 0xC8000014u
#define CODE_ADDRESS_LIST_QUERY 0x48000016u
#define CODE_ADDRESS_LIST_CHANGE 0x28000017u
#define CODE_BASE_HANDLE 0x48000022u
#define CODE_ASSOCIATE_HANDLE 0x88000001u
#define CODE_GET_INTERFACE_LIST 0x4004747Fu
#define CODE_UNKNOWN 0x48001234u

static int control(SOCKET s, DWORD code, void *in, DWORD in_bytes, void *out, DWORD out_bytes, DWORD *n)
{
    return WSAIoctl(s, code, in, in_bytes, out, out_bytes, n, NULL, NULL);
}

/* Rules A.16.1, A.16.2. */
static void fionbio__on_and_off__mode_follows(struct t_run *t)
{
    SOCKET ends[2];
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 77));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK);
    T_OK(t_ioctl(ends[1], (ULONG)FIONBIO, 0));
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_RCVTIMEO, 50));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAETIMEDOUT);
}

/* Rules A.16.1, A.16.5. */
static void ioctlsocket__bad_arguments__have_their_codes(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    u_long value = 0;
    T_FAILS(ioctlsocket(s, (LONG)FIONBIO, NULL), WSAEFAULT);
    T_FAILS(ioctlsocket(s, (LONG)FIONREAD, NULL), WSAEFAULT);
    T_FAILS_2(ioctlsocket(s, (LONG)CODE_UNKNOWN, &value), WSAEOPNOTSUPP, WSAEINVAL);
}

/* Rule A.16.6. */
static void wsaioctl__fionbio_and_fionread__work(struct t_run *t)
{
    SOCKET ends[2];
    u_long value = 1;
    DWORD n = 77;
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    T_OK(control(ends[1], (DWORD)FIONBIO, &value, sizeof value, NULL, 0, &n));
    T_FAILS(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK);
    T_EQ(send(ends[0], "abc", 3, 0), 3);
    T_EQ(t_select(ends[1], 'r', T_WAIT_MS), 1);
    T_OK(control(ends[1], (DWORD)FIONREAD, NULL, 0, &value, sizeof value, &n));
    T_EQ(value, 3);
    T_EQ(n, sizeof value);
}

/* Rules A.16.9, IOC-9, X8. */
static void wsaioctl__unknown_code__opnotsupp(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    char room[64];
    DWORD n;
    T_FAILS_2(control(s, CODE_UNKNOWN, room, 4, room, sizeof room, &n), WSAEOPNOTSUPP, WSAEINVAL);
    T_FAILS_2(control(s, 0xdeadbeef, room, 4, room, sizeof room, &n), WSAEOPNOTSUPP, WSAEINVAL);
}

static void wsaioctl__no_place_for_the_count__fault(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    u_long value = 1;
    T_FAILS(WSAIoctl(s, (DWORD)FIONBIO, &value, sizeof value, NULL, 0, NULL, NULL, NULL), WSAEFAULT);
}

/* Rules GRP-4, A.17.5: there is no quality of service. */
static void wsaioctl__quality_of_service__refused(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    char room[512];
    DWORD n;
    T_FAILS_2(control(s, CODE_GET_QOS, NULL, 0, room, sizeof room, &n), WSAENOPROTOOPT, WSAEOPNOTSUPP);
}

/* 5.7: SIO_ASSOCIATE_HANDLE unsupported. */
static void wsaioctl__associate_handle__refused(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    char room[64] = {0};
    DWORD n;
    T_FAILS_2(control(s, CODE_ASSOCIATE_HANDLE, room, sizeof room, NULL, 0, &n), WSAENOPROTOOPT, WSAEOPNOTSUPP);
}

/* 5.7: mandatory for a TCP/IP provider; the loopback interface is among them. */
static void wsaioctl__interface_list__has_the_loopback(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    static INTERFACE_INFO list[32];
    DWORD n = 0;
    unsigned i;
    T_OK(control(s, CODE_GET_INTERFACE_LIST, NULL, 0, list, sizeof list, &n));
    T_EQ(n % sizeof list[0], 0);
    T_TRUE(n >= sizeof list[0]);
    for (i = 0; i < n / sizeof list[0]; i++) {
        if (list[i].iiAddress.AddressIn.sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
            T_TRUE(list[i].iiFlags & IFF_UP);
            T_TRUE(list[i].iiFlags & IFF_LOOPBACK);
            return;
        }
    }
    t_note(t, __FILE__, __LINE__, "127.0.0.1 is not in the list");
}

static void wsaioctl__interface_list_small_room__fault(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    char room[10];
    DWORD n = 0;
    T_FAILS(control(s, CODE_GET_INTERFACE_LIST, NULL, 0, room, sizeof room, &n), WSAEFAULT);
}

/* 5.7: fits, or WSAEFAULT and the size. */
static void wsaioctl__address_list__fits_or_tells_the_size(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    static union {
        SOCKET_ADDRESS_LIST list;
        char room[2048];
    } answer;
    DWORD n = 0;
    DWORD needed = 0;
    int i;
    T_FAILS(control(s, CODE_ADDRESS_LIST_QUERY, NULL, 0, NULL, 0, &needed), WSAEFAULT);
    T_TRUE(needed >= sizeof(INT));
    T_OK(control(s, CODE_ADDRESS_LIST_QUERY, NULL, 0, &answer, sizeof answer, &n));
    T_TRUE(n >= sizeof(INT));
    for (i = 0; i < answer.list.iAddressCount; i++) {
        T_EQ(answer.list.Address[i].lpSockaddr->sa_family, AF_INET);
    }
}

/* 5.7: nonblocking, not overlapped: WSAEWOULDBLOCK, told by an event later (EVT-23). */
static void wsaioctl__address_list_change__wouldblock(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    DWORD n;
    T_OK(t_ioctl(s, (ULONG)FIONBIO, 1));
    T_FAILS(control(s, CODE_ADDRESS_LIST_CHANGE, NULL, 0, NULL, 0, &n), WSAEWOULDBLOCK);
}

/* 5.7: the local address for a destination. */
static void wsaioctl__route_to_the_loopback__is_the_loopback(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr to = t_loopback(AF_INET, 0), from = t_wildcard(AF_INET, 0);
    DWORD n = 0;
    T_OK(control(s, CODE_ROUTING_INTERFACE_QUERY, &to.u, sizeof to.u.v4, &from.u, sizeof from.u, &n));
    T_EQ(from.u.v4.sin_family, AF_INET);
    T_EQ(from.u.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

/* Rules KA-7, KA-9. */
static void wsaioctl__keepalive_values__taken_for_streams(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct tcp_keepalive values = {1, 30000, 1000};
    DWORD n = 77;
    T_OK(control(s, CODE_KEEPALIVE_VALS, &values, sizeof values, NULL, 0, &n));
    T_EQ(n, 0);
    T_TRUE(t_get_int(s, SOL_SOCKET, SO_KEEPALIVE) != 0);
}

static void wsaioctl__keepalive_values_on_datagrams__refused(struct t_run *t)
{
    SOCKET u = t_socket(t, AF_INET, SOCK_DGRAM);
    struct tcp_keepalive values = {1, 30000, 1000};
    DWORD n = 77;
    T_FAILS_2(control(u, CODE_KEEPALIVE_VALS, &values, sizeof values, NULL, 0, &n), WSAENOPROTOOPT, WSAEOPNOTSUPP);
}

static void wsaioctl__keepalive_values_short__refused(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct tcp_keepalive values = {1, 30000, 1000};
    DWORD n;
    T_FAILS_2(control(s, CODE_KEEPALIVE_VALS, &values, 4, NULL, 0, &n), WSAEFAULT, WSAEINVAL);
}

static void wsaioctl__broadcast_address__is_one(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_DGRAM);
    struct t_addr to = t_wildcard(AF_INET, 0);
    DWORD n = 0;
    T_OK(control(s, CODE_GET_BROADCAST_ADDRESS, NULL, 0, &to.u, sizeof to.u, &n));
    T_EQ(to.u.v4.sin_family, AF_INET);
    T_EQ(to.u.v4.sin_addr.s_addr, 0xffffffff);
}

/* Rule EXT-5: the bottom of a chain is the socket itself. */
static void wsaioctl__base_handle__is_the_socket(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET base = INVALID_SOCKET;
    DWORD n = 0;
    T_OK(control(s, CODE_BASE_HANDLE, NULL, 0, &base, sizeof base, &n));
    T_EQ(base, s);
    T_EQ(n, sizeof base);
}

static void wsaioctl__base_handle_little_room__fault(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET base = INVALID_SOCKET;
    DWORD n = 0;
    T_FAILS(control(s, CODE_BASE_HANDLE, NULL, 0, &base, 2, &n), WSAEFAULT);
}

struct extension_row {
    const char *name;
    GUID id;
};

/* Rules EXT-1 to EXT-3, A.16.11. */
static const struct extension_row extensions[] = {
    {"AcceptEx", {0xb5367df1, 0xcbac, 0x11cf, {0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}}},
    {"ConnectEx", {0x25a207b9, 0xddf3, 0x4660, {0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e}}},
    {"DisconnectEx", {0x7fda2e11, 0x8630, 0x436f, {0xa0, 0x31, 0xf5, 0x36, 0xa6, 0xee, 0xc1, 0x57}}},
    {"GetAcceptExSockaddrs", {0xb5367df2, 0xcbac, 0x11cf, {0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}}},
    {"WSARecvMsg", {0xf689d7c8, 0x6f1f, 0x436b, {0x8a, 0x53, 0xe5, 0x4f, 0xe3, 0x51, 0xc3, 0x22}}},
    {"WSASendMsg", {0xa441e712, 0x754f, 0x43ca, {0x84, 0xa7, 0x0d, 0xee, 0x44, 0xcf, 0x60, 0x6d}}},
};

static void extension__ROW__pointer_is_given(struct t_run *t)
{
    const struct extension_row *row = (const struct extension_row *)t->row;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    GUID id = row->id;
    void *function = NULL;
    DWORD n = 0;
    T_OK(control(s, CODE_GET_EXTENSION, &id, sizeof id, &function, sizeof function, &n));
    T_TRUE(function != NULL);
    T_EQ(n, sizeof function);
}

static void extension__unknown__inval(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    GUID id = {0x12345678, 1, 2, {3, 4, 5, 6, 7, 8, 9, 10}};
    void *function = NULL;
    DWORD n = 0;
    T_FAILS_2(control(s, CODE_GET_EXTENSION, &id, sizeof id, &function, sizeof function, &n), WSAEINVAL, WSAEOPNOTSUPP);
}

static const struct t_cases cases[] = {
    T_CASE(fionbio__on_and_off__mode_follows),
    T_CASE(ioctlsocket__bad_arguments__have_their_codes),
    T_CASE(wsaioctl__fionbio_and_fionread__work),
    T_CASE(wsaioctl__unknown_code__opnotsupp),
    T_CASE(wsaioctl__no_place_for_the_count__fault),
    T_CASE(wsaioctl__quality_of_service__refused),
    T_CASE(wsaioctl__associate_handle__refused),
    T_CASE(wsaioctl__interface_list__has_the_loopback),
    T_CASE(wsaioctl__interface_list_small_room__fault),
    T_CASE(wsaioctl__address_list__fits_or_tells_the_size),
    T_CASE(wsaioctl__address_list_change__wouldblock),
    T_CASE(wsaioctl__route_to_the_loopback__is_the_loopback),
    T_CASE(wsaioctl__keepalive_values__taken_for_streams),
    T_CASE(wsaioctl__keepalive_values_on_datagrams__refused),
    T_CASE(wsaioctl__keepalive_values_short__refused),
    T_CASE(wsaioctl__broadcast_address__is_one),
    T_CASE(wsaioctl__base_handle__is_the_socket),
    T_CASE(wsaioctl__base_handle_little_room__fault),
    T_TABLE(extension__ROW__pointer_is_given, extensions),
    T_CASE(extension__unknown__inval),
};

const struct t_group t_group_ioctl = {"ioctl", cases, T_COUNT(cases), false};
