/** @file WSARecvMsg and WSASendMsg: control messages, flags, forms of completion. Real stack: the facts are the packets'. */
#include "t_host.h"

#include <mswsock.h>
#include <string.h>

#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wsign-conversion" /* in the SDK's macros of control messages */
#endif
#ifndef IP_RECVTTL
#define IP_RECVTTL 21
#endif
#ifndef IP_RECVTOS
#define IP_RECVTOS 40
#endif
#ifndef IP_ECN
#define IP_ECN 50
#endif
#ifndef IPV6_TCLASS
#define IPV6_TCLASS 39
#endif
#ifndef IPV6_RECVTCLASS
#define IPV6_RECVTCLASS 40
#endif
#ifndef IPV6_HOPLIMIT
#define IPV6_HOPLIMIT 21
#endif

static LPFN_WSARECVMSG recv_msg;
static LPFN_WSASENDMSG send_msg;

static void *function_of(SOCKET s, GUID id)
{
    void *function = NULL;
    DWORD bytes = 0;

    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &function, sizeof function,
                                      &bytes, NULL, NULL, NULL, &t_err),
                     0);
    assert_int_equal(bytes, sizeof function);
    return function;
}

static int start(void **state)
{
    GUID recv_id = WSAID_WSARECVMSG, send_id = WSAID_WSASENDMSG;
    SOCKET s;
    void *function;

    if (t_host_start(state) != 0)
        return -1;
    s = t_socket(AF_INET, SOCK_DGRAM);
    function = function_of(s, recv_id);
    memcpy(&recv_msg, &function, sizeof function);
    function = function_of(s, send_id);
    memcpy(&send_msg, &function, sizeof function);
    t_close(s);
    return 0;
}

/* A message with one buffer and room for control data. */
struct box {
    WSAMSG msg;
    WSABUF buffer;
    SOCKADDR_STORAGE name;
    char data[64];
    _Alignas(8) char control[256];
};

static void box_make(struct box *box)
{
    memset(box, 0, sizeof *box);
    box->buffer = (WSABUF){sizeof box->data, box->data};
    box->msg.name = (LPSOCKADDR)&box->name;
    box->msg.namelen = (INT)sizeof box->name;
    box->msg.lpBuffers = &box->buffer;
    box->msg.dwBufferCount = 1;
    box->msg.Control = (WSABUF){sizeof box->control, box->control};
}

static WSACMSGHDR *control_of(struct box *box, int level, int type)
{
    for (WSACMSGHDR *at = WSA_CMSG_FIRSTHDR(&box->msg); at; at = WSA_CMSG_NXTHDR(&box->msg, at))
        if (at->cmsg_level == level && at->cmsg_type == type)
            return at;
    return NULL;
}

/* What a control message carries; the test fails if there is none. */
static const void *data_of(struct box *box, int level, int type)
{
    static const uint8_t none[sizeof(IN6_PKTINFO)];
    WSACMSGHDR *found = control_of(box, level, type);

    assert_non_null(found);
    return found ? (const void *)WSA_CMSG_DATA(found) : none; /* the compiler does not know that the test has ended */
}

static int number_of(struct box *box, int level, int type)
{
    WSACMSGHDR *found = control_of(box, level, type);
    int value;

    assert_int_equal(found ? found->cmsg_len : 0, WSA_CMSG_LEN(sizeof value));
    memcpy(&value, data_of(box, level, type), sizeof value);
    return value;
}

static void control_add(struct box *box, int level, int type, const void *data, size_t size)
{
    WSACMSGHDR *at = (WSACMSGHDR *)(void *)(box->control + box->msg.Control.len);

    at->cmsg_len = WSA_CMSG_LEN(size);
    at->cmsg_level = level;
    at->cmsg_type = type;
    memcpy(WSA_CMSG_DATA(at), data, size);
    box->msg.Control.len += (ULONG)WSA_CMSG_SPACE(size);
}

static void control_int(struct box *box, int level, int type, int value)
{
    control_add(box, level, type, &value, sizeof value);
}

/* Send a text to a bound socket with the control messages of a box. */
static void say(SOCKET s, struct box *box, struct sockaddr *to, int to_len, const char *text)
{
    DWORD sent = 0;

    memcpy(&box->name, to, (size_t)to_len);
    box->msg.namelen = to_len;
    box->buffer = (WSABUF){(ULONG)strlen(text), box->data};
    memcpy(box->data, text, strlen(text));
    assert_int_equal(send_msg(s, &box->msg, 0, &sent, NULL, NULL), 0);
    assert_int_equal(sent, strlen(text));
}

static int hear(SOCKET s, struct box *box)
{
    DWORD got = 0;

    if (recv_msg(s, &box->msg, &got, NULL, NULL) != 0)
        return -1;
    return (int)got;
}

static int last_error(void)
{
    return (int)t_last_error();
}

#define MSG_FAILS(call, code)                   \
    do {                                        \
        assert_int_equal((call), SOCKET_ERROR); \
        assert_int_equal(last_error(), (code)); \
    } while (0)

/* MSG-3, MSG-6, MSG-7. */
static void message__no_option__name_and_no_control(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    struct box box;

    (void)state;
    assert_int_equal(t_sendto(s, "hello", 5, t_addr(AF_INET, t_port(there))), 5);
    box_make(&box);
    assert_int_equal(hear(there, &box), 5);
    assert_memory_equal(box.data, "hello", 5);
    assert_int_equal(box.msg.Control.len, 0);
    assert_int_equal(box.msg.dwFlags, 0);
    assert_int_equal(box.msg.namelen, sizeof(SOCKADDR_IN));
    assert_memory_equal(&box.name, t_addr(AF_INET, t_port(s)), 8);
    assert_int_equal(t_sendto(s, "again", 5, t_addr(AF_INET, t_port(there))), 5);
    box_make(&box);
    box.msg.name = NULL;
    box.msg.Control = (WSABUF){0, NULL};
    assert_int_equal(hear(there, &box), 5);
    t_close(s);
    t_close(there);
}

/* MSG-4, MSG-20, X29: what one was sent with is what the other is told. */
static void message__ipv4_facts__as_they_were_sent(void **state)
{
    static const int options[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_ECN};
    static const unsigned char wanted[4] = {127, 0, 0, 7};
    SOCKET there = t_socket(AF_INET, SOCK_DGRAM), s = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN any = {.sin_family = AF_INET};
    IN_PKTINFO source, told;
    struct box box;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(t_option_set(there, IPPROTO_IP, options[i], 1), 0);
    box_make(&box);
    box.msg.Control.len = 0;
    memset(&source, 0, sizeof source);
    memcpy(&source.ipi_addr, wanted, sizeof wanted);
    control_add(&box, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    control_int(&box, IPPROTO_IP, IP_TTL, 77);
    control_int(&box, IPPROTO_IP, IP_TOS, 0x48);
    control_int(&box, IPPROTO_IP, IP_ECN, 2);
    say(s, &box, t_addr(AF_INET, t_port(there)), (int)sizeof(SOCKADDR_IN), "facts");
    box_make(&box);
    assert_int_equal(hear(there, &box), 5);
    assert_memory_equal(&((SOCKADDR_IN *)&box.name)->sin_addr, wanted, sizeof wanted);
    assert_int_equal(number_of(&box, IPPROTO_IP, IP_TTL), 77);
    assert_int_equal(number_of(&box, IPPROTO_IP, IP_TOS), 0x4a);
    assert_int_equal(number_of(&box, IPPROTO_IP, IP_ECN), 2);
    memcpy(&told, data_of(&box, IPPROTO_IP, IP_PKTINFO), sizeof told);
    assert_memory_equal(&told.ipi_addr, "\177\0\0\1", 4);
    assert_true(told.ipi_ifindex != 0);
    assert_int_equal(box.msg.Control.len, WSA_CMSG_SPACE(sizeof told) + 3 * WSA_CMSG_SPACE(sizeof(int)));
    /* The next one is as the socket has it. */
    assert_int_equal(t_sendto(s, "plain", 5, t_addr(AF_INET, t_port(there))), 5);
    box_make(&box);
    assert_int_equal(hear(there, &box), 5);
    assert_int_equal(number_of(&box, IPPROTO_IP, IP_TTL), t_option_get(s, IPPROTO_IP, IP_TTL));
    assert_int_equal(number_of(&box, IPPROTO_IP, IP_TOS), 0);
    t_close(s);
    t_close(there);
}

static void message__ipv6_facts__as_they_were_sent(void **state)
{
    static const int options[] = {IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_RECVTCLASS};
    SOCKET there = t_bound(AF_INET6, SOCK_DGRAM), s = t_bound(AF_INET6, SOCK_DGRAM);
    IN6_PKTINFO told;
    struct box box;

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(t_option_set(there, IPPROTO_IPV6, options[i], 1), 0);
    box_make(&box);
    box.msg.Control.len = 0;
    control_int(&box, IPPROTO_IPV6, IPV6_HOPLIMIT, 33);
    control_int(&box, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    say(s, &box, t_addr(AF_INET6, t_port(there)), (int)sizeof(SOCKADDR_IN6), "six");
    box_make(&box);
    assert_int_equal(hear(there, &box), 3);
    assert_int_equal(box.msg.namelen, sizeof(SOCKADDR_IN6));
    assert_int_equal(number_of(&box, IPPROTO_IPV6, IPV6_HOPLIMIT), 33);
    assert_int_equal(number_of(&box, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
    memcpy(&told, data_of(&box, IPPROTO_IPV6, IPV6_PKTINFO), sizeof told);
    assert_int_equal(((unsigned char *)&told.ipi6_addr)[15], 1);
    t_close(s);
    t_close(there);
}

/* MSG-5, DS-5, DS-7: both kinds, the mapped address in that of IPv6. */
static void message__dual_stack__mapped_and_plain(void **state)
{
    SOCKET there = t_socket(AF_INET6, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    SOCKADDR_IN6 any = {.sin6_family = AF_INET6}, to;
    IN6_PKTINFO told6;
    IN_PKTINFO told4, source;
    struct box box;

    (void)state;
    assert_int_equal(t_option_set(there, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IPV6, IPV6_PKTINFO, 1), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(t_sendto(s, "four", 4, t_addr(AF_INET, t_port(there))), 4);
    box_make(&box);
    assert_int_equal(hear(there, &box), 4);
    assert_int_equal(box.name.ss_family, AF_INET6);
    memcpy(&told6, data_of(&box, IPPROTO_IPV6, IPV6_PKTINFO), sizeof told6);
    assert_memory_equal(&told6.ipi6_addr, mapped, sizeof mapped);
    memcpy(&told4, data_of(&box, IPPROTO_IP, IP_PKTINFO), sizeof told4);
    assert_memory_equal(&told4.ipi_addr, mapped + 12, 4);
    /* And back, with the source that the datagram came to. */
    memcpy(&to, &box.name, sizeof to);
    source = told4;
    source.ipi_ifindex = 0;
    box_make(&box);
    box.msg.Control.len = 0;
    control_add(&box, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    say(there, &box, (struct sockaddr *)&to, (int)sizeof to, "back");
    assert_int_equal(t_recv(s, box.data, sizeof box.data), 4);
    t_close(s);
    t_close(there);
}

/* MSG-8, MSG-9. */
static void message__results__truncated_and_no_room(void **state)
{
    SOCKET there = t_socket(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN any = {.sin_family = AF_INET};
    struct box box;
    DWORD got = 0;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(t_sendto(s, "too long", 8, t_addr(AF_INET, t_port(there))), 8);
    box_make(&box);
    box.buffer.len = 3;
    MSG_FAILS(recv_msg(there, &box.msg, &got, NULL, NULL), WSAEMSGSIZE);
    assert_int_equal(got, 3);
    assert_memory_equal(box.data, "too", 3);
    assert_true(box.msg.dwFlags & MSG_TRUNC);
    assert_non_null(control_of(&box, IPPROTO_IP, IP_PKTINFO));
    assert_int_equal(t_sendto(s, "no room", 7, t_addr(AF_INET, t_port(there))), 7);
    box_make(&box);
    box.msg.Control.len = sizeof(WSACMSGHDR);
    assert_int_equal(hear(there, &box), 7);
    assert_int_equal(box.msg.dwFlags, MSG_CTRUNC);
    assert_int_equal(box.msg.Control.len, 0);
    t_close(s);
    t_close(there);
}

/* MSG-1, MSG-2, MSG-11, MSG-12, MSG-18, MSG-23. */
static void message__bad_calls__their_codes(void **state)
{
    SOCKET stream = t_socket(AF_INET, SOCK_STREAM), fresh = t_socket(AF_INET, SOCK_DGRAM);
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED overlapped = {0};
    struct box box;
    DWORD bytes;

    (void)state;
    box_make(&box);
    MSG_FAILS(recv_msg(stream, &box.msg, &bytes, NULL, NULL), WSAEOPNOTSUPP);
    MSG_FAILS(send_msg(stream, &box.msg, 0, &bytes, NULL, NULL), WSAEOPNOTSUPP);
    MSG_FAILS(recv_msg(fresh, &box.msg, &bytes, NULL, NULL), WSAEINVAL);
    MSG_FAILS(recv_msg(s, NULL, &bytes, NULL, NULL), WSAEFAULT);
    MSG_FAILS(send_msg(s, NULL, 0, &bytes, NULL, NULL), WSAEFAULT);
    MSG_FAILS(recv_msg((SOCKET)0x7ffffffc, &box.msg, &bytes, NULL, NULL), WSAENOTSOCK);
    MSG_FAILS(recv_msg(s, &box.msg, NULL, NULL, NULL), WSAEFAULT);
    box.msg.dwFlags = MSG_TRUNC;
    MSG_FAILS(recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAEOPNOTSUPP);
    box.msg.dwFlags = MSG_PEEK;
    MSG_FAILS(recv_msg(s, &box.msg, &bytes, &overlapped, NULL), WSAEOPNOTSUPP);
    box.msg.dwFlags = 0;
    box.msg.namelen = 4;
    MSG_FAILS(recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAEFAULT);
    box_make(&box);
    box.msg.Control.buf = NULL;
    MSG_FAILS(recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAEFAULT);
    MSG_FAILS(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEFAULT);
    box_make(&box);
    box.msg.name = NULL;
    box.msg.namelen = 0;
    box.msg.Control.len = 0;
    MSG_FAILS(send_msg(s, &box.msg, MSG_TRUNC, &bytes, NULL, NULL), WSAEINVAL);
    MSG_FAILS(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAENOTCONN); /* MSG-19 */
    t_close(s);
    t_close(fresh);
    t_close(stream);
}

struct bad_row {
    SIZE_T length;
    int level, type;
    ULONG total;
    int code;
};

/* MSG-20, MSG-21, MSG-22. */
static void message__bad_control__inval(void **state)
{
    static const struct bad_row rows[] = {
        {8, IPPROTO_IP, IP_TTL, 24, WSAEINVAL},
        {0, IPPROTO_IP, IP_TTL, 24, WSAEINVAL},
        {200, IPPROTO_IP, IP_TTL, 24, WSAEINVAL},
        {20, IPPROTO_IP, IP_TTL, 30, WSAEINVAL},
        {20, IPPROTO_IP, 200, 24, WSAEINVAL},
        {20, IPPROTO_TCP, 1, 24, WSAEINVAL},
        {20, IPPROTO_IPV6, IPV6_HOPLIMIT, 24, WSAEINVAL},
        {20, IPPROTO_IP, IP_PKTINFO, 24, WSAEINVAL},
        {16, IPPROTO_IP, IP_TTL, 16, WSAEINVAL},
    };
    static const unsigned char foreign[4] = {192, 0, 2, 1};
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    IN_PKTINFO source = {0};
    struct box box;
    DWORD bytes;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WSACMSGHDR header = {.cmsg_len = rows[i].length, .cmsg_level = rows[i].level, .cmsg_type = rows[i].type};

        box_make(&box);
        memcpy(&box.name, t_addr(AF_INET, t_port(there)), sizeof(SOCKADDR_IN));
        box.msg.namelen = (INT)sizeof(SOCKADDR_IN);
        memcpy(box.control, &header, sizeof header);
        box.msg.Control.len = rows[i].total;
        MSG_FAILS(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), rows[i].code);
    }
    box_make(&box);
    memcpy(&box.name, t_addr(AF_INET, t_port(there)), sizeof(SOCKADDR_IN));
    box.msg.namelen = (INT)sizeof(SOCKADDR_IN);
    box.msg.Control.len = 0;
    memcpy(&source.ipi_addr, foreign, sizeof foreign);
    control_add(&box, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    MSG_FAILS(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEADDRNOTAVAIL);
    t_close(s);
    t_close(there);
}

/* MSG-17, MSG-24, MSG-25. */
static void message__errors_of_datagrams__as_of_the_slots(void **state)
{
    static char large[65508];
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM), gone = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN all = {.sin_family = AF_INET, .sin_port = 9};
    uint16_t port = t_port(gone);
    struct box box;
    DWORD bytes;

    (void)state;
    t_close(gone);
    box_make(&box);
    box.msg.Control.len = 0;
    memset(&all.sin_addr, 0xff, sizeof all.sin_addr);
    memcpy(&box.name, &all, sizeof all);
    box.msg.namelen = (INT)sizeof all;
    box.buffer.len = 1;
    MSG_FAILS(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEACCES);
    memcpy(&box.name, t_addr(AF_INET, port), sizeof all);
    box.buffer = (WSABUF){sizeof large, large};
    MSG_FAILS(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEMSGSIZE);
    box.buffer = (WSABUF){1, box.data};
    assert_int_equal(send_msg(s, &box.msg, 0, &bytes, NULL, NULL), 0);
    box_make(&box);
    MSG_FAILS(recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAECONNRESET);
    t_close(s);
}

static unsigned routine_runs;

static void CALLBACK routine(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)overlapped, (void)flags;
    assert_int_equal(error, 0);
    assert_int_equal(bytes, 5);
    routine_runs++;
}

/* MSG-13 to MSG-16. */
static void message__overlapped__told_at_completion(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED overlapped = {.hEvent = t_event_new()};
    DWORD bytes = 0, flags = 0;
    WSABUF buffers[2];
    struct box box;

    (void)state;
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_RECVTTL, 1), 0);
    box_make(&box);
    buffers[0] = (WSABUF){2, box.data};
    buffers[1] = (WSABUF){10, box.data + 32};
    box.msg.lpBuffers = buffers;
    box.msg.dwBufferCount = 2;
    MSG_FAILS(recv_msg(there, &box.msg, NULL, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(t_sendto(s, "hello", 5, t_addr(AF_INET, t_port(there))), 5);
    assert_true(t_event_wait(overlapped.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(there, &overlapped, &bytes, FALSE, &flags, &t_err));
    assert_int_equal(bytes, 5);
    assert_memory_equal(box.data, "he", 2);
    assert_memory_equal(box.data + 32, "llo", 3);
    assert_int_equal(box.msg.namelen, sizeof(SOCKADDR_IN));
    assert_int_equal(number_of(&box, IPPROTO_IP, IP_TTL), t_option_get(s, IPPROTO_IP, IP_TTL));
    t_event_free(overlapped.hEvent);
    memset(&overlapped, 0, sizeof overlapped);
    box_make(&box);
    routine_runs = 0;
    MSG_FAILS(recv_msg(there, &box.msg, NULL, &overlapped, routine), WSA_IO_PENDING);
    assert_int_equal(t_sendto(s, "again", 5, t_addr(AF_INET, t_port(there))), 5);
    for (int i = 0; i < 500 && routine_runs == 0; i++)
        (void)t_alertable(10);
    assert_int_equal(routine_runs, 1);
    t_close(s);
    t_close(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message__no_option__name_and_no_control),
        cmocka_unit_test(message__ipv4_facts__as_they_were_sent),
        cmocka_unit_test(message__ipv6_facts__as_they_were_sent),
        cmocka_unit_test(message__dual_stack__mapped_and_plain),
        cmocka_unit_test(message__results__truncated_and_no_room),
        cmocka_unit_test(message__bad_calls__their_codes),
        cmocka_unit_test(message__bad_control__inval),
        cmocka_unit_test(message__errors_of_datagrams__as_of_the_slots),
        cmocka_unit_test(message__overlapped__told_at_completion),
    };
    return cmocka_run_group_tests_name("spi_message", tests, start, t_host_stop);
}
