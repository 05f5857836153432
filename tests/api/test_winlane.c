/*
 * The whole line: API, provider, channel, lwIP, and a link in memory between two instances of the stack.
 * WINLANE_CONFIG names configs/wire-pair.ini: 10.88.0.1 and fd88::1 are one end, 10.88.0.2 and fd88::2 the other.
 */
#include "t_api.h"

#include <stdio.h>
#include <string.h>

struct end {
    int family;
    SOCKADDR_STORAGE addr;
    int bytes;
};

static struct end end_of(int family, int which, u_short port)
{
    static const char *const text[2][2] = {{"10.88.0.1", "10.88.0.2"}, {"fd88::1", "fd88::2"}};
    struct addrinfo *found = NULL;
    struct end end = {.family = family};
    assert_int_equal(getaddrinfo(text[family == AF_INET6][which], NULL, NULL, &found), 0);
    memcpy(&end.addr, found->ai_addr, found->ai_addrlen);
    end.bytes = (int)found->ai_addrlen;
    ((SOCKADDR_IN *)(void *)&end.addr)->sin_port = htons(port); /* at the same place in both families */
    freeaddrinfo(found);
    return end;
}

static SOCKET bound(int family, int type, int which, struct end *end)
{
    SOCKET s = socket(family, type, 0);
    *end = end_of(family, which, 0);
    assert_true(s != INVALID_SOCKET);
    assert_int_equal(bind(s, (struct sockaddr *)&end->addr, end->bytes), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&end->addr, &end->bytes), 0);
    return s;
}

static void pair_of(int family, SOCKET ends[2])
{
    struct end there;
    struct end here;
    struct end peer = {0};
    SOCKET listener = bound(family, SOCK_STREAM, 1, &there);
    assert_int_equal(listen(listener, 5), 0);
    ends[0] = bound(family, SOCK_STREAM, 0, &here);
    assert_int_equal(connect(ends[0], (struct sockaddr *)&there.addr, there.bytes), 0);
    peer.bytes = sizeof peer.addr;
    ends[1] = accept(listener, (struct sockaddr *)&peer.addr, &peer.bytes);
    assert_true(ends[1] != INVALID_SOCKET);
    assert_int_equal(peer.bytes, here.bytes);
    assert_memory_equal(&peer.addr, &here.addr, (size_t)here.bytes);
    assert_int_equal(closesocket(listener), 0);
}

#define STREAM_BYTES 1000000

struct sender {
    SOCKET s;
    int seed;
};

static char pattern(int seed, int at)
{
    return (char)(at * 7 + (at >> 8) + seed);
}

static DWORD WINAPI send_pattern(LPVOID argument)
{
    struct sender *sender = (struct sender *)argument;
    char room[1500];
    int done = 0;
    while (done < STREAM_BYTES) {
        int n = STREAM_BYTES - done < (int)sizeof room ? STREAM_BYTES - done : (int)sizeof room;
        int i;
        for (i = 0; i < n; i++) {
            room[i] = pattern(sender->seed, done + i);
        }
        if (send(sender->s, room, n, 0) != n) {
            return (DWORD)WSAGetLastError();
        }
        done += n;
    }
    return shutdown(sender->s, SD_SEND) == 0 ? 0 : (DWORD)WSAGetLastError();
}

static void receive_pattern(SOCKET s, int seed)
{
    char room[1700];
    int done = 0;
    int n;
    while ((n = recv(s, room, sizeof room, 0)) > 0) {
        int i;
        for (i = 0; i < n; i++) {
            if (room[i] != pattern(seed, done + i)) {
                fail_msg("byte %d differs", done + i);
            }
        }
        done += n;
    }
    assert_int_equal(n, 0);
    assert_int_equal(done, STREAM_BYTES);
}

static void stream_both_ways(int family)
{
    struct sender senders[2];
    HANDLE threads[2];
    SOCKET ends[2];
    unsigned i;
    pair_of(family, ends);
    for (i = 0; i < 2; i++) {
        senders[i].s = ends[i];
        senders[i].seed = (int)i * 99;
        threads[i] = CreateThread(NULL, 0, send_pattern, &senders[i], 0, NULL);
        receive_pattern(ends[1 - i], (int)i * 99);
    }
    for (i = 0; i < 2; i++) {
        DWORD code = 1;
        assert_int_equal(WaitForSingleObject(threads[i], 20000), WAIT_OBJECT_0);
        assert_true(GetExitCodeThread(threads[i], &code));
        assert_int_equal(code, 0);
        CloseHandle(threads[i]);
        assert_int_equal(closesocket(ends[i]), 0);
    }
}

static void stream__ipv4_megabyte_each_way__byte_exact(void **state)
{
    (void)state;
    stream_both_ways(AF_INET);
}

static void stream__ipv6_megabyte_each_way__byte_exact(void **state)
{
    (void)state;
    stream_both_ways(AF_INET6);
}

static void datagrams__both_families_many_sizes__echoed(void **state)
{
    static const int sizes[] = {0, 1, 1400, 1473, 9000, 20000};
    static const int families[] = {AF_INET, AF_INET6};
    static char out[20000];
    static char in[20001];
    unsigned f, i;
    (void)state;
    memset(out, 'u', sizeof out);
    for (f = 0; f < 2; f++) {
        struct end here, there, from;
        SOCKET a = bound(families[f], SOCK_DGRAM, 0, &here);
        SOCKET b = bound(families[f], SOCK_DGRAM, 1, &there);
        for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            print_message("family %d size %d\n", families[f], sizes[i]);
            assert_int_equal(sendto(a, out, sizes[i], 0, (struct sockaddr *)&there.addr, there.bytes), sizes[i]);
            from.bytes = sizeof from.addr;
            assert_int_equal(recvfrom(b, in, sizeof in, 0, (struct sockaddr *)&from.addr, &from.bytes), sizes[i]);
            assert_memory_equal(&from.addr, &here.addr, (size_t)here.bytes);
            assert_memory_equal(in, out, (size_t)sizes[i]);
        }
        assert_int_equal(closesocket(a), 0);
        assert_int_equal(closesocket(b), 0);
    }
}

static void connect_by__name_and_list__connected(void **state)
{
    static char node[] = "10.88.0.2";
    static char service[8];
    struct end there, here, local, remote;
    SOCKET listener = bound(AF_INET, SOCK_STREAM, 1, &there);
    SOCKET s = bound(AF_INET, SOCK_STREAM, 0, &here);
    struct end closed = end_of(AF_INET, 1, 9);
    struct end six = end_of(AF_INET6, 1, 9);
    DWORD local_bytes = sizeof local.addr;
    DWORD remote_bytes = sizeof remote.addr;
    union {
        SOCKET_ADDRESS_LIST list;
        char room[sizeof(SOCKET_ADDRESS_LIST) + 2 * sizeof(SOCKET_ADDRESS)];
    } to = {0};
    (void)state;
    snprintf(service, sizeof service, "%u", ntohs(((SOCKADDR_IN *)(void *)&there.addr)->sin_port));
    assert_int_equal(listen(listener, 5), 0);
    assert_false(WSAConnectByNameA(s, NULL, service, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_int_equal(WSAGetLastError(), WSAEINVAL);
    assert_false(WSAConnectByNameA(INVALID_SOCKET, node, service, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_int_equal(WSAGetLastError(), WSAENOTSOCK);
    /* DS-21: the socket is not bound. */
    assert_false(WSAConnectByNameA(s, node, service, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_int_equal(WSAGetLastError(), WSAEINVAL);
    assert_int_equal(closesocket(s), 0);
    s = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(WSAConnectByNameA(s, node, service, &local_bytes, (LPSOCKADDR)&local.addr, &remote_bytes,
                                  (LPSOCKADDR)&remote.addr, NULL, NULL));
    assert_int_equal(local_bytes, (DWORD)here.bytes);
    assert_int_equal(remote_bytes, (DWORD)there.bytes);
    assert_int_equal(local.addr.ss_family, AF_INET);
    assert_memory_equal(&remote.addr, &there.addr, (size_t)there.bytes);
    assert_int_equal(closesocket(s), 0);
    s = socket(AF_INET, SOCK_STREAM, 0);
    to.list.iAddressCount = 1;
    to.list.Address[0].lpSockaddr = (LPSOCKADDR)&six.addr;
    to.list.Address[0].iSockaddrLength = six.bytes;
    assert_false(WSAConnectByList(s, &to.list, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_int_equal(WSAGetLastError(), WSAEHOSTUNREACH);
    to.list.Address[0].lpSockaddr = (LPSOCKADDR)&closed.addr;
    to.list.Address[0].iSockaddrLength = closed.bytes;
    assert_false(WSAConnectByList(s, &to.list, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_int_equal(WSAGetLastError(), WSAECONNREFUSED);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(listener), 0);
}

static DWORD WINAPI send_later(LPVOID s)
{
    Sleep(40);
    return send(*(SOCKET *)s, "z", 1, 0) == 1 ? 0 : 1;
}

/* Rule WS2-10: what a provider's waiting leaves in the thread is not the program's. */
/* Rule WS2-25: the name is converted, all else is passed on, the token of a duplicate too. */
static void wsasocket__ansi_info__passed_on_whole(void **state)
{
    WSAPROTOCOL_INFOA info;
    WSAPROTOCOL_INFOA got;
    int bytes = sizeof info;
    SOCKET first = socket(AF_INET6, SOCK_DGRAM, 0);
    SOCKET s;
    (void)state;
    assert_int_equal(getsockopt(first, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&info, &bytes), 0);
    strcpy(info.szProtocol, "another name");
    s = WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED);
    assert_true(s != INVALID_SOCKET);
    bytes = sizeof got;
    assert_int_equal(getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOA, (char *)&got, &bytes), 0);
    assert_memory_equal(&got, &info, offsetof(WSAPROTOCOL_INFOA, szProtocol));
    assert_string_equal(got.szProtocol, "another name");
    info.dwProviderReserved = 1; /* no token that was given out */
    assert_no_socket(WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, 0), WSAEINVAL);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(first), 0);
}

static void success__after_a_wait__last_error_zero(void **state)
{
    SOCKET ends[2];
    HANDLE thread;
    fd_set r;
    struct timeval later = {5, 0};
    char byte;
    (void)state;
    pair_of(AF_INET, ends); /* asks for addresses, which sets the last error (WS2-63) */
    thread = CreateThread(NULL, 0, send_later, &ends[0], 0, NULL);
    WSASetLastError(4321);
    FD_ZERO(&r);
    FD_SET(ends[1], &r);
    assert_int_equal(select(0, &r, NULL, NULL, &later), 1);
    assert_int_equal(WSAGetLastError(), 0);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    assert_int_equal(WSAGetLastError(), 0);
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    CloseHandle(thread);
    thread = CreateThread(NULL, 0, send_later, &ends[0], 0, NULL);
    WSASetLastError(4321);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1); /* blocks */
    assert_int_equal(WSAGetLastError(), 0);
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    CloseHandle(thread);
    WSASetLastError(4321);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 0);
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(WSAGetLastError(), 0);
}

static void connect__nobody_listens__refused(void **state)
{
    struct end here;
    struct end there = end_of(AF_INET, 1, 9);
    SOCKET s = bound(AF_INET, SOCK_STREAM, 0, &here);
    (void)state;
    assert_fails(connect(s, (struct sockaddr *)&there.addr, there.bytes), WSAECONNREFUSED);
    assert_int_equal(closesocket(s), 0);
}

static void select__stream__readable_after_send(void **state)
{
    SOCKET ends[2];
    fd_set r, w;
    struct timeval now = {0, 0};
    struct timeval later = {5, 0};
    (void)state;
    pair_of(AF_INET, ends);
    FD_ZERO(&r);
    FD_SET(ends[1], &r);
    assert_int_equal(select(0, &r, NULL, NULL, &now), 0);
    assert_int_equal(r.fd_count, 0);
    FD_ZERO(&w);
    FD_SET(ends[0], &w);
    assert_int_equal(select(0, NULL, &w, NULL, &later), 1);
    assert_int_equal(send(ends[0], "x", 1, 0), 1);
    FD_SET(ends[1], &r);
    assert_int_equal(select(0, &r, NULL, NULL, &later), 1);
    assert_true(FD_ISSET(ends[1], &r));
    closesocket(ends[0]);
    closesocket(ends[1]);
}

static void event_select__read_and_close__signalled(void **state)
{
    SOCKET ends[2];
    char byte;
    WSAEVENT event = WSACreateEvent();
    WSANETWORKEVENTS record;
    (void)state;
    pair_of(AF_INET, ends);
    assert_int_equal(WSAEventSelect(ends[1], event, FD_READ | FD_CLOSE), 0);
    assert_int_equal(send(ends[0], "x", 1, 0), 1);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WSAEnumNetworkEvents(ends[1], event, &record), 0);
    assert_int_equal(record.lNetworkEvents, FD_READ);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    assert_fails(recv(ends[1], &byte, 1, 0), WSAEWOULDBLOCK);
    closesocket(ends[0]);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(WSAEnumNetworkEvents(ends[1], event, &record), 0);
    assert_true(record.lNetworkEvents & FD_CLOSE);
    assert_int_equal(record.iErrorCode[FD_CLOSE_BIT], 0);
    closesocket(ends[1]);
    WSACloseEvent(event);
}

static unsigned routine_runs;
static DWORD routine_bytes;

static void CALLBACK routine(DWORD error, DWORD transferred, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)flags;
    assert_int_equal(error, 0);
    assert_non_null(overlapped);
    routine_bytes = transferred;
    routine_runs++;
}

static void overlapped__event_and_routine__complete(void **state)
{
    SOCKET ends[2];
    char room[16] = {0};
    WSABUF buffer = {sizeof room, room};
    WSAOVERLAPPED overlapped = {0};
    DWORD n = 0;
    DWORD flags = 0;
    (void)state;
    pair_of(AF_INET, ends);
    overlapped.hEvent = WSACreateEvent();
    assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, NULL), WSA_IO_PENDING);
    assert_false(WSAGetOverlappedResult(ends[1], &overlapped, &n, FALSE, &flags));
    assert_int_equal(WSAGetLastError(), WSA_IO_INCOMPLETE);
    assert_int_equal(send(ends[0], "hello", 5, 0), 5);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 5000, FALSE), WSA_WAIT_EVENT_0);
    assert_true(WSAGetOverlappedResult(ends[1], &overlapped, &n, FALSE, &flags));
    assert_int_equal(n, 5);
    assert_memory_equal(room, "hello", 5);
    flags = 0;
    routine_runs = 0;
    assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, routine), WSA_IO_PENDING);
    assert_int_equal(send(ends[0], "abc", 3, 0), 3);
    assert_int_equal(SleepEx(5000, TRUE), WAIT_IO_COMPLETION);
    assert_int_equal(routine_runs, 1);
    assert_int_equal(routine_bytes, 3);
    WSAResetEvent(overlapped.hEvent);
    flags = 0;
    assert_fails(WSARecv(ends[1], &buffer, 1, NULL, &flags, &overlapped, NULL), WSA_IO_PENDING);
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 5000, FALSE), WSA_WAIT_EVENT_0);
    closesocket(ends[0]);
    WSACloseEvent(overlapped.hEvent);
}

static DWORD WINAPI close_later(LPVOID argument)
{
    Sleep(30);
    return (DWORD)closesocket(*(SOCKET *)argument);
}

static void accept__closed_by_other_thread__ends(void **state)
{
    struct end end;
    SOCKET listener = bound(AF_INET, SOCK_STREAM, 0, &end);
    HANDLE thread;
    (void)state;
    assert_int_equal(listen(listener, 1), 0);
    thread = CreateThread(NULL, 0, close_later, &listener, 0, NULL);
    assert_true(accept(listener, NULL, NULL) == INVALID_SOCKET);
    assert_true(WSAGetLastError() == WSAEINTR || WSAGetLastError() == WSAENOTSOCK ||
                WSAGetLastError() == WSAECONNABORTED); /* WSPC-9 */
    assert_int_equal(WaitForSingleObject(thread, 5000), WAIT_OBJECT_0);
    CloseHandle(thread);
}

static void sockets__two_thousand_opened_and_closed__handles_return(void **state)
{
    static SOCKET s[500];
    unsigned round, i;
    (void)state;
    for (round = 0; round < 4; round++) {
        for (i = 0; i < 500; i++) {
            s[i] = socket(AF_INET, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);
            assert_true(s[i] != INVALID_SOCKET);
        }
        for (i = 0; i < 500; i++) {
            assert_int_equal(closesocket(s[i]), 0);
            assert_fails(closesocket(s[i]), WSAENOTSOCK);
        }
    }
}

static void cycles__fifty_with_traffic__each_works(void **state)
{
    unsigned i;
    (void)state;
    for (i = 0; i < 50; i++) {
        SOCKET ends[2];
        char byte = 'x';
        assert_int_equal(t_api_start(NULL), 0);
        pair_of(AF_INET, ends);
        assert_int_equal(send(ends[0], &byte, 1, 0), 1);
        assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
        if (i % 2 == 0) {
            closesocket(ends[0]);
            closesocket(ends[1]);
        } /* else the cleanup resets them */
        assert_int_equal(WSACleanup(), 0);
    }
}

/* ---- leaving without WSACleanup: this program runs itself with one of these words ---- */

static DWORD WINAPI receive_for_ever(LPVOID argument)
{
    char byte;
    (void)recv(*(SOCKET *)argument, &byte, 1, 0);
    return 0;
}

static int leave(const char *how)
{
    static SOCKET ends[2];
    static char room[50000];
    static WSAOVERLAPPED overlapped;
    static WSABUF buffer = {sizeof room, room};
    DWORD flags = 0;
    (void)t_api_start(NULL);
    pair_of(AF_INET, ends);
    if (send(ends[0], room, sizeof room, 0) != (int)sizeof room) {
        return 1;
    }
    if (strcmp(how, "after-close") == 0) {
        return closesocket(ends[0]) == 0 ? 0 : 2;
    }
    if (strcmp(how, "pending") == 0) {
        return WSARecv(ends[0], &buffer, 1, NULL, &flags, &overlapped, NULL) == SOCKET_ERROR &&
                       WSAGetLastError() == WSA_IO_PENDING
                   ? 0
                   : 3;
    }
    if (strcmp(how, "blocked-thread") == 0) {
        HANDLE thread = CreateThread(NULL, 0, receive_for_ever, &ends[0], 0, NULL);
        Sleep(20);
        return thread != NULL ? 0 : 4;
    }
    return 0;
}

static void exit__without_cleanup__bounded_and_clean(void **state)
{
    static const char *const ways[] = {"after-close", "live", "pending", "blocked-thread"};
    unsigned i;
    (void)state;
    for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        print_message("%s\n", ways[i]);
        assert_int_equal(t_api_run_self(ways[i], 15000), 0);
    }
}

#define ENTRIES 6

/* Six entries of one provider, and its library as a catalogue elsewhere can name it. */
static void remember(WSAPROTOCOL_INFOW infos[ENTRIES], WCHAR path[600])
{
    DWORD bytes = ENTRIES * sizeof infos[0];
    int chars = 600;
    int error = 0;
    assert_int_equal(WSCEnumProtocols(NULL, infos, &bytes, &error), ENTRIES);
    assert_int_equal(WSCGetProviderPath(&infos[0].ProviderId, path, &chars, &error), 0);
    if (path[0] == L'.') { /* in the program's folder: the loader finds it by its name */
        memmove(path, path + 2, ((size_t)chars - 2) * sizeof path[0]);
    }
}

static void assert_mixed(SOCKET r, SOCKET w, SOCKET e)
{
    struct timeval now = {0, 0};
    fd_set set[3];
    SOCKET in[3] = {r, w, e};
    unsigned i;
    for (i = 0; i < 3; i++) {
        FD_ZERO(&set[i]);
        if (in[i] != INVALID_SOCKET) {
            FD_SET(in[i], &set[i]);
        }
    }
    assert_fails(select(0, &set[0], &set[1], &set[2], &now), WSAENOTSOCK);
    for (i = 0; i < 3; i++) {
        assert_int_equal(set[i].fd_count, in[i] != INVALID_SOCKET);
        assert_true(in[i] == INVALID_SOCKET || FD_ISSET(in[i], &set[i]));
    }
}

/*
 * Rules RT-9, WS2-40, WS2-41, WS2-44: the first socket's provider is asked, read before write before except, and knows no
 * socket of another one. The provider of the tests would not notice.
 */
static void select__sockets_of_two_providers__notsock_of_the_first(void **state)
{
    static WSAPROTOCOL_INFOW ours[ENTRIES];
    static WSAPROTOCOL_INFOW fakes[ENTRIES];
    static WCHAR our_path[600];
    static WCHAR fake_path[600];
    char file[T_API_PATH_BYTES];
    char lock[T_API_PATH_BYTES + 8];
    WSAEVENT event = WSACreateEvent();
    SOCKET a, b;
    FILE *stream;
    int error = 0;
    remember(ours, our_path);
    assert_int_equal(t_api_use_fake(state), 0);
    remember(fakes, fake_path);
    t_api_temporary_file(file);
    stream = fopen(file, "w");
    assert_non_null(stream);
    fputs("{\"providers\": []}", stream);
    fclose(stream);
    t_api_environment("WINLANE_CATALOG", file);
    assert_int_equal(WSCInstallProvider(&ours[0].ProviderId, our_path, ours, ENTRIES, &error), 0);
    assert_int_equal(WSCInstallProvider(&fakes[0].ProviderId, fake_path, fakes, ENTRIES, &error), 0);
    assert_int_equal(t_api_start(state), 0);
    fakes[0].dwCatalogEntryId = ours[0].dwCatalogEntryId + ENTRIES; /* behind ours */
    a = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    b = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, &fakes[0], 0, 0);
    assert_true(a != INVALID_SOCKET && b != INVALID_SOCKET);
    assert_mixed(a, b, INVALID_SOCKET);
    assert_mixed(a, INVALID_SOCKET, b);
    assert_mixed(INVALID_SOCKET, a, b);
    assert_int_equal(WSAEventSelect(a, event, FD_READ), 0);
    assert_int_equal(WSAEventSelect(b, event, FD_READ), 0);
    assert_int_equal(closesocket(a), 0);
    assert_int_equal(closesocket(b), 0);
    assert_true(WSACloseEvent(event));
    assert_int_equal(t_api_stop(state), 0);
    assert_int_equal(t_api_use_winlane(state), 0);
    snprintf(lock, sizeof lock, "%s.lock", file);
    (void)remove(lock);
    assert_int_equal(remove(file), 0);
}

/* What a configuration without limits of its own has to carry: endpoints for as many sockets as there may be. */
static void datagram_sockets__thousands_bound__the_last_one_hears(void **state)
{
    static SOCKET many[3000];
    SOCKADDR_IN at = t_api_loopback(0);
    int length = (int)sizeof at;
    char byte = 'x';
    int count = (int)(sizeof many / sizeof many[0]);
    int i;
    (void)state;
    for (i = 0; i < count; i++) {
        many[i] = socket(AF_INET, SOCK_DGRAM, 0);
        assert_true(many[i] != INVALID_SOCKET);
        at.sin_port = 0;
        assert_int_equal(bind(many[i], (SOCKADDR *)&at, (int)sizeof at), 0);
    }
    assert_int_equal(getsockname(many[count - 1], (SOCKADDR *)&at, &length), 0);
    assert_int_equal(sendto(many[0], &byte, 1, 0, (SOCKADDR *)&at, (int)sizeof at), 1);
    assert_int_equal(recv(many[count - 1], &byte, 1, 0), 1);
    for (i = 0; i < count; i++) {
        assert_int_equal(closesocket(many[i]), 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit__without_cleanup__bounded_and_clean),
        cmocka_unit_test(cycles__fifty_with_traffic__each_works),
        cmocka_unit_test_setup_teardown(stream__ipv4_megabyte_each_way__byte_exact, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(stream__ipv6_megabyte_each_way__byte_exact, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(datagrams__both_families_many_sizes__echoed, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(connect_by__name_and_list__connected, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(wsasocket__ansi_info__passed_on_whole, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(success__after_a_wait__last_error_zero, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(connect__nobody_listens__refused, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(select__stream__readable_after_send, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(event_select__read_and_close__signalled, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(overlapped__event_and_routine__complete, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(accept__closed_by_other_thread__ends, t_api_start, t_api_stop),
        cmocka_unit_test(select__sockets_of_two_providers__notsock_of_the_first),
        cmocka_unit_test_setup_teardown(sockets__two_thousand_opened_and_closed__handles_return, t_api_start,
                                        t_api_stop),
        cmocka_unit_test_setup_teardown(datagram_sockets__thousands_bound__the_last_one_hears, t_api_start, t_api_stop),
    };
    if (argc > 1) {
        return leave(argv[1]);
    }
    return cmocka_run_group_tests(tests, t_api_use_winlane, NULL);
}
