/** @file WSARecvMsg and WSASendMsg: control messages, flags, forms of completion. Real stack: the facts are the packets'. */
#include "t_message.h"

/* MSG-3, MSG-6, MSG-7. */
static void message__no_option__name_and_no_control(void **state)
{
    SOCKET there = t_bound(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    struct t_box box;

    (void)state;
    assert_int_equal(t_sendto(s, "hello", 5, t_addr(AF_INET, t_port(there))), 5);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 5);
    assert_memory_equal(box.data, "hello", 5);
    assert_int_equal(box.msg.Control.len, 0);
    assert_int_equal(box.msg.dwFlags, 0);
    assert_int_equal(box.msg.namelen, sizeof(SOCKADDR_IN));
    assert_memory_equal(&box.name, t_addr(AF_INET, t_port(s)), 8);
    assert_int_equal(t_sendto(s, "again", 5, t_addr(AF_INET, t_port(there))), 5);
    t_box_make(&box);
    box.msg.name = NULL;
    box.msg.Control = (WSABUF){0, NULL};
    assert_int_equal(t_hear(there, &box), 5);
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
    struct t_box box;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(t_option_set(there, IPPROTO_IP, options[i], 1), 0);
    t_box_make(&box);
    box.msg.Control.len = 0;
    memset(&source, 0, sizeof source);
    memcpy(&source.ipi_addr, wanted, sizeof wanted);
    t_control_add(&box, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    t_control_int(&box, IPPROTO_IP, IP_TTL, 77);
    t_control_int(&box, IPPROTO_IP, IP_TOS, 0x48);
    t_control_int(&box, IPPROTO_IP, IP_ECN, 2);
    t_say(s, &box, t_addr(AF_INET, t_port(there)), (int)sizeof(SOCKADDR_IN), "facts");
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 5);
    assert_memory_equal(&((SOCKADDR_IN *)&box.name)->sin_addr, wanted, sizeof wanted);
    assert_int_equal(t_number_of(&box, IPPROTO_IP, IP_TTL), 77);
    assert_int_equal(t_number_of(&box, IPPROTO_IP, IP_TOS), 0x4a);
    assert_int_equal(t_number_of(&box, IPPROTO_IP, IP_ECN), 2);
    memcpy(&told, t_data_of(&box, IPPROTO_IP, IP_PKTINFO), sizeof told);
    assert_memory_equal(&told.ipi_addr, "\177\0\0\1", 4);
    assert_true(told.ipi_ifindex != 0);
    assert_int_equal(box.msg.Control.len, WSA_CMSG_SPACE(sizeof told) + 3 * WSA_CMSG_SPACE(sizeof(int)));
    /* The next one is as the socket has it. */
    assert_int_equal(t_sendto(s, "plain", 5, t_addr(AF_INET, t_port(there))), 5);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 5);
    assert_int_equal(t_number_of(&box, IPPROTO_IP, IP_TTL), t_option_get(s, IPPROTO_IP, IP_TTL));
    assert_int_equal(t_number_of(&box, IPPROTO_IP, IP_TOS), 0);
    t_close(s);
    t_close(there);
}

static void message__ipv6_facts__as_they_were_sent(void **state)
{
    static const int options[] = {IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_RECVTCLASS};
    SOCKET there = t_bound(AF_INET6, SOCK_DGRAM), s = t_bound(AF_INET6, SOCK_DGRAM);
    IN6_PKTINFO told;
    struct t_box box;

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(t_option_set(there, IPPROTO_IPV6, options[i], 1), 0);
    t_box_make(&box);
    box.msg.Control.len = 0;
    t_control_int(&box, IPPROTO_IPV6, IPV6_HOPLIMIT, 33);
    t_control_int(&box, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    t_say(s, &box, t_addr(AF_INET6, t_port(there)), (int)sizeof(SOCKADDR_IN6), "six");
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 3);
    assert_int_equal(box.msg.namelen, sizeof(SOCKADDR_IN6));
    assert_int_equal(t_number_of(&box, IPPROTO_IPV6, IPV6_HOPLIMIT), 33);
    assert_int_equal(t_number_of(&box, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
    memcpy(&told, t_data_of(&box, IPPROTO_IPV6, IPV6_PKTINFO), sizeof told);
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
    struct t_box box;

    (void)state;
    assert_int_equal(t_option_set(there, IPPROTO_IPV6, IPV6_V6ONLY, 0), 0);
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IPV6, IPV6_PKTINFO, 1), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(t_sendto(s, "four", 4, t_addr(AF_INET, t_port(there))), 4);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 4);
    assert_int_equal(box.name.ss_family, AF_INET6);
    memcpy(&told6, t_data_of(&box, IPPROTO_IPV6, IPV6_PKTINFO), sizeof told6);
    assert_memory_equal(&told6.ipi6_addr, mapped, sizeof mapped);
    memcpy(&told4, t_data_of(&box, IPPROTO_IP, IP_PKTINFO), sizeof told4);
    assert_memory_equal(&told4.ipi_addr, mapped + 12, 4);
    /* And back, with the source that the datagram came to. */
    memcpy(&to, &box.name, sizeof to);
    source = told4;
    source.ipi_ifindex = 0;
    t_box_make(&box);
    box.msg.Control.len = 0;
    t_control_add(&box, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    t_say(there, &box, (struct sockaddr *)&to, (int)sizeof to, "back");
    assert_int_equal(t_recv(s, box.data, sizeof box.data), 4);
    t_close(s);
    t_close(there);
}

/* MSG-8, MSG-9. */
static void message__results__truncated_and_no_room(void **state)
{
    SOCKET there = t_socket(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN any = {.sin_family = AF_INET};
    struct t_box box;
    DWORD got = 0;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(t_sendto(s, "too long", 8, t_addr(AF_INET, t_port(there))), 8);
    t_box_make(&box);
    box.buffer.len = 3;
    T_MSG_FAILS(t_recv_msg(there, &box.msg, &got, NULL, NULL), WSAEMSGSIZE);
    assert_int_equal(got, 3);
    assert_memory_equal(box.data, "too", 3);
    assert_true(box.msg.dwFlags & MSG_TRUNC);
    assert_non_null(t_control_of(&box, IPPROTO_IP, IP_PKTINFO));
    assert_int_equal(t_sendto(s, "no room", 7, t_addr(AF_INET, t_port(there))), 7);
    t_box_make(&box);
    box.msg.Control.len = sizeof(WSACMSGHDR);
    T_MSG_FAILS(t_recv_msg(there, &box.msg, &got, NULL, NULL), WSAEMSGSIZE); /* MSG-9 */
    assert_int_equal(got, 7);
    assert_memory_equal(box.data, "no room", 7);
    assert_int_equal(box.msg.dwFlags, MSG_CTRUNC);
    assert_int_equal(box.msg.Control.len, 0);
    t_close(s);
    t_close(there);
}

/* MSG-9: whole messages only, as many as there is room for, in their order; at every size in between. */
static void message__control_of_every_size__whole_ones_only(void **state)
{
    SOCKET there = t_socket(AF_INET, SOCK_DGRAM), s = t_bound(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN any = {.sin_family = AF_INET};
    struct t_box whole, box;
    DWORD got = 0;

    (void)state;
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_RECVTTL, 1), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_RECVTOS, 1), 0);
    assert_int_equal(t_sendto(s, "all", 3, t_addr(AF_INET, t_port(there))), 3);
    t_box_make(&whole);
    assert_int_equal(t_recv_msg(there, &whole.msg, &got, NULL, NULL), 0);
    assert_true(whole.msg.Control.len > 2 * WSA_CMSG_SPACE(sizeof(int)));
    for (ULONG room = 0; room <= whole.msg.Control.len; room++) {
        ULONG fits = 0, end;

        for (WSACMSGHDR *each = WSA_CMSG_FIRSTHDR(&whole.msg); each; each = WSA_CMSG_NXTHDR(&whole.msg, each)) {
            end = (ULONG)((char *)each - whole.msg.Control.buf) + (ULONG)WSA_CMSGHDR_ALIGN(each->cmsg_len);
            if (end > room)
                break;
            fits = end;
        }
        assert_int_equal(t_sendto(s, "all", 3, t_addr(AF_INET, t_port(there))), 3);
        t_box_make(&box);
        memset(box.msg.Control.buf, 0x5a, whole.msg.Control.len);
        box.msg.Control.len = room;
        if (fits == whole.msg.Control.len) {
            assert_int_equal(t_recv_msg(there, &box.msg, &got, NULL, NULL), 0);
            assert_int_equal(box.msg.dwFlags, 0);
        } else {
            T_MSG_FAILS(t_recv_msg(there, &box.msg, &got, NULL, NULL), WSAEMSGSIZE);
            assert_int_equal(box.msg.dwFlags, MSG_CTRUNC);
        }
        assert_int_equal(box.msg.Control.len, fits);
        assert_int_equal(got, 3);
        assert_memory_equal(box.data, "all", 3);
        for (ULONG i = room; i < whole.msg.Control.len; i++)
            assert_int_equal((unsigned char)box.msg.Control.buf[i], 0x5a); /* nothing behind the room */
        for (WSACMSGHDR *each = WSA_CMSG_FIRSTHDR(&box.msg), *same = WSA_CMSG_FIRSTHDR(&whole.msg); each;
             each = WSA_CMSG_NXTHDR(&box.msg, each), same = WSA_CMSG_NXTHDR(&whole.msg, same)) {
            assert_non_null(same);
            assert_int_equal(each->cmsg_len, same->cmsg_len);
            assert_int_equal(each->cmsg_type, same->cmsg_type);
        }
    }
    t_close(s);
    t_close(there);
}

/* MSG-1, MSG-2, MSG-11, MSG-12, MSG-18, MSG-23. */
static void message__bad_calls__their_codes(void **state)
{
    SOCKET stream = t_socket(AF_INET, SOCK_STREAM), fresh = t_socket(AF_INET, SOCK_DGRAM);
    SOCKET s = t_bound(AF_INET, SOCK_DGRAM);
    WSAOVERLAPPED overlapped = {0};
    struct t_box box;
    DWORD bytes;

    (void)state;
    t_box_make(&box);
    T_MSG_FAILS(t_recv_msg(stream, &box.msg, &bytes, NULL, NULL), WSAEOPNOTSUPP);
    T_MSG_FAILS(t_send_msg(stream, &box.msg, 0, &bytes, NULL, NULL), WSAEOPNOTSUPP);
    T_MSG_FAILS(t_recv_msg(fresh, &box.msg, &bytes, NULL, NULL), WSAEINVAL);
    T_MSG_FAILS(t_recv_msg(s, NULL, &bytes, NULL, NULL), WSAEFAULT);
    T_MSG_FAILS(t_send_msg(s, NULL, 0, &bytes, NULL, NULL), WSAEFAULT);
    T_MSG_FAILS(t_recv_msg((SOCKET)0x7ffffffc, &box.msg, &bytes, NULL, NULL), WSAENOTSOCK);
    T_MSG_FAILS(t_recv_msg(s, &box.msg, NULL, NULL, NULL), WSAEFAULT);
    box.msg.dwFlags = MSG_TRUNC;
    T_MSG_FAILS(t_recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAEOPNOTSUPP);
    box.msg.dwFlags = MSG_PEEK;
    T_MSG_FAILS(t_recv_msg(s, &box.msg, &bytes, &overlapped, NULL), WSAEOPNOTSUPP);
    box.msg.dwFlags = 0;
    box.msg.namelen = 4;
    T_MSG_FAILS(t_recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAEFAULT);
    t_box_make(&box);
    box.msg.Control.buf = NULL;
    T_MSG_FAILS(t_recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAEFAULT);
    T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEFAULT);
    t_box_make(&box);
    box.msg.name = NULL;
    box.msg.namelen = 0;
    box.msg.Control.len = 0;
    T_MSG_FAILS(t_send_msg(s, &box.msg, MSG_TRUNC, &bytes, NULL, NULL), WSAEINVAL);
    T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAENOTCONN); /* MSG-19 */
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
    struct t_box box;
    DWORD bytes;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WSACMSGHDR header = {.cmsg_len = rows[i].length, .cmsg_level = rows[i].level, .cmsg_type = rows[i].type};

        t_box_make(&box);
        memcpy(&box.name, t_addr(AF_INET, t_port(there)), sizeof(SOCKADDR_IN));
        box.msg.namelen = (INT)sizeof(SOCKADDR_IN);
        memcpy(box.control, &header, sizeof header);
        box.msg.Control.len = rows[i].total;
        T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), rows[i].code);
    }
    t_box_make(&box);
    memcpy(&box.name, t_addr(AF_INET, t_port(there)), sizeof(SOCKADDR_IN));
    box.msg.namelen = (INT)sizeof(SOCKADDR_IN);
    box.msg.Control.len = 0;
    memcpy(&source.ipi_addr, foreign, sizeof foreign);
    t_control_add(&box, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEADDRNOTAVAIL);
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
    struct t_box box;
    DWORD bytes;

    (void)state;
    t_close(gone);
    t_box_make(&box);
    box.msg.Control.len = 0;
    memset(&all.sin_addr, 0xff, sizeof all.sin_addr);
    memcpy(&box.name, &all, sizeof all);
    box.msg.namelen = (INT)sizeof all;
    box.buffer.len = 1;
    T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEACCES);
    memcpy(&box.name, t_addr(AF_INET, port), sizeof all);
    box.buffer = (WSABUF){sizeof large, large};
    T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEMSGSIZE);
    box.buffer = (WSABUF){1, box.data};
    assert_int_equal(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), 0);
    t_box_make(&box);
    T_MSG_FAILS(t_recv_msg(s, &box.msg, &bytes, NULL, NULL), WSAECONNRESET);
    t_close(s);
}

/* MSG-10: a group's through the own port, a broadcast through the other port of the link. */
static void message__group_and_broadcast__flags(void **state)
{
    static const unsigned char group[4] = {239, 1, 2, 3}, own[4] = {10, 9, 0, 1};
    SOCKET there = t_socket(AF_INET, SOCK_DGRAM), s = t_socket(AF_INET, SOCK_DGRAM);
    SOCKADDR_IN any = {.sin_family = AF_INET}, to = any;
    struct t_box box;
    IP_MREQ mreq;
    IN_PKTINFO told;
    int value;

    (void)state;
    memcpy(&mreq.imr_interface, own, sizeof own);
    memcpy(&mreq.imr_multiaddr, group, sizeof group);
    memcpy(&value, own, sizeof own);
    assert_int_equal(t_spi.lpWSPBind(there, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_spi.lpWSPBind(s, (struct sockaddr *)&any, (int)sizeof any, &t_err), 0);
    assert_int_equal(t_option_set(there, SOL_SOCKET, SO_RCVTIMEO, 5000), 0);
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_PKTINFO, 1), 0);
    assert_int_equal(
        t_spi.lpWSPSetSockOpt(there, IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&mreq, (int)sizeof mreq, &t_err), 0);
    assert_int_equal(t_option_set(s, IPPROTO_IP, IP_MULTICAST_IF, value), 0);
    assert_int_equal(t_option_set(s, SOL_SOCKET, SO_BROADCAST, 1), 0);
    memcpy(&to, t_addr(AF_INET, t_port(there)), sizeof to);
    memcpy(&to.sin_addr, group, sizeof group);
    assert_int_equal(t_sendto(s, "group", 5, &to), 5);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 5);
    assert_int_equal(box.msg.dwFlags, MSG_MCAST);
    memcpy(&told, t_data_of(&box, IPPROTO_IP, IP_PKTINFO), sizeof told);
    assert_memory_equal(&told.ipi_addr, group, sizeof group);
    memset(&to.sin_addr, 0xff, sizeof to.sin_addr);
    assert_int_equal(t_sendto(s, "all", 3, &to), 3);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 3);
    assert_int_equal(box.msg.dwFlags, MSG_BCAST);
    memcpy(&to.sin_addr, own, sizeof own);
    assert_int_equal(t_sendto(s, "one", 3, &to), 3);
    t_box_make(&box);
    assert_int_equal(t_hear(there, &box), 3);
    assert_int_equal(box.msg.dwFlags, 0);
    t_close(s);
    t_close(there);
}

/* ECN-1 to ECN-4: a mark each way, by both families; that it met congestion is not the sender's to say. */
static void message__marks__told_and_congestion_refused(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    static const int levels[] = {IPPROTO_IP, IPPROTO_IPV6};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        SOCKET there = t_bound(families[f], SOCK_DGRAM), s = t_bound(families[f], SOCK_DGRAM);
        SOCKET stream = t_socket(families[f], SOCK_STREAM);
        struct t_box box;
        DWORD bytes;

        assert_int_equal(IP_ECN, 50);
        assert_int_equal(t_option_get(there, levels[f], IP_ECN), 0);
        assert_int_equal(t_option_set(there, levels[f], IP_ECN, 1), 0);
        assert_int_equal(t_option_get(there, levels[f], IP_ECN), 1);
        bytes = 1;
        t_fails(t_spi.lpWSPSetSockOpt(stream, levels[f], IP_ECN, (char *)&bytes, (int)sizeof bytes, &t_err),
                WSAENOPROTOOPT);
        for (int mark = 0; mark < 3; mark++) {
            t_box_make(&box);
            box.msg.Control.len = 0;
            t_control_int(&box, levels[f], IP_ECN, mark);
            t_say(s, &box, t_addr(families[f], t_port(there)), t_addr_size(families[f]), "mark");
            t_box_make(&box);
            assert_int_equal(t_hear(there, &box), 4);
            assert_int_equal(t_number_of(&box, levels[f], IP_ECN), mark);
        }
        for (int mark = 3; mark < 6; mark++) {
            t_box_make(&box);
            memcpy(&box.name, t_addr(families[f], t_port(there)), (size_t)t_addr_size(families[f]));
            box.msg.namelen = t_addr_size(families[f]);
            box.msg.Control.len = 0;
            t_control_int(&box, levels[f], IP_ECN, mark);
            T_MSG_FAILS(t_send_msg(s, &box.msg, 0, &bytes, NULL, NULL), WSAEINVAL);
        }
        t_close(stream);
        t_close(s);
        t_close(there);
    }
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
    struct t_box box;

    (void)state;
    assert_int_equal(t_option_set(there, IPPROTO_IP, IP_RECVTTL, 1), 0);
    t_box_make(&box);
    buffers[0] = (WSABUF){2, box.data};
    buffers[1] = (WSABUF){10, box.data + 32};
    box.msg.lpBuffers = buffers;
    box.msg.dwBufferCount = 2;
    T_MSG_FAILS(t_recv_msg(there, &box.msg, NULL, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(t_sendto(s, "hello", 5, t_addr(AF_INET, t_port(there))), 5);
    assert_true(t_event_wait(overlapped.hEvent, 5000));
    assert_true(t_spi.lpWSPGetOverlappedResult(there, &overlapped, &bytes, FALSE, &flags, &t_err));
    assert_int_equal(bytes, 5);
    assert_memory_equal(box.data, "he", 2);
    assert_memory_equal(box.data + 32, "llo", 3);
    assert_int_equal(box.msg.namelen, sizeof(SOCKADDR_IN));
    assert_int_equal(t_number_of(&box, IPPROTO_IP, IP_TTL), t_option_get(s, IPPROTO_IP, IP_TTL));
    t_event_free(overlapped.hEvent);
    memset(&overlapped, 0, sizeof overlapped);
    t_box_make(&box);
    routine_runs = 0;
    T_MSG_FAILS(t_recv_msg(there, &box.msg, NULL, &overlapped, routine), WSA_IO_PENDING);
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
        cmocka_unit_test(message__control_of_every_size__whole_ones_only),
        cmocka_unit_test(message__bad_calls__their_codes),
        cmocka_unit_test(message__bad_control__inval),
        cmocka_unit_test(message__errors_of_datagrams__as_of_the_slots),
        cmocka_unit_test(message__group_and_broadcast__flags),
        cmocka_unit_test(message__marks__told_and_congestion_refused),
        cmocka_unit_test(message__overlapped__told_at_completion),
    };
    return cmocka_run_group_tests_name("spi_message", tests, t_message_start, t_host_stop);
}
