/*
 * WSADuplicateSocket within the process: several descriptors of one socket.
 */
#include "both.h"

static SOCKET share_open(struct t_run *t, WSAPROTOCOL_INFOW *info)
{
    return t_keep(t,
                  WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, info, 0, WSA_FLAG_OVERLAPPED));
}

static SOCKET share_twin(struct t_run *t, SOCKET s)
{
    WSAPROTOCOL_INFOW info;
    return WSADuplicateSocketW(s, GetCurrentProcessId(), &info) == 0 ? share_open(t, &info) : INVALID_SOCKET;
}

/* Rules A.3.27, WSPDUPLICATESOCKET-2. */
static void share__structure_used_twice__inval(struct t_run *t)
{
    WSAPROTOCOL_INFOW info;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_OK(WSADuplicateSocketW(s, GetCurrentProcessId(), &info));
    T_TRUE(info.dwProviderReserved != 0);
    T_TRUE(share_open(t, &info) != INVALID_SOCKET);
    T_NO_SOCKET(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED),
                WSAEINVAL);
}

/* Rule WS2-27: the ANSI form. */
static void share__ansi_structure__second_handle(struct t_run *t)
{
    WSAPROTOCOL_INFOA info;
    SOCKET ends[2];
    SOCKET twin;
    char byte = 0;
    T_DO(t_udp_pair(t, AF_INET, ends));
    T_OK(WSADuplicateSocketA(ends[1], GetCurrentProcessId(), &info));
    T_EQ(info.iSocketType, SOCK_DGRAM);
    twin = t_keep(
        t, WSASocketA(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED));
    T_TRUE(twin != INVALID_SOCKET);
    T_EQ(send(ends[0], "a", 1, 0), 1);
    T_EQ(recv(twin, &byte, 1, 0), 1);
    T_EQ(byte, 'a');
}

/* Rules A.3.28, A.3.32, SHR-5, SHR-8. */
static void share__state__is_one(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET twin;
    char byte;
    T_DO(t_pair(t, AF_INET, ends));
    twin = share_twin(t, ends[1]);
    T_TRUE(twin != INVALID_SOCKET && twin != ends[1]);
    T_OK(t_set_int(twin, IPPROTO_TCP, TCP_NODELAY, 1));
    T_TRUE(t_get_int(ends[1], IPPROTO_TCP, TCP_NODELAY) != 0);
    T_OK(t_set_int(ends[1], SOL_SOCKET, SO_RCVTIMEO, 777));
    T_EQ(t_get_int(twin, SOL_SOCKET, SO_RCVTIMEO), 777);
    T_OK(t_ioctl(ends[1], FIONBIO, 1));
    T_FAILS(recv(twin, &byte, 1, 0), WSAEWOULDBLOCK);
    T_EQ(send(twin, "1", 1, 0), 1);
    T_EQ(send(ends[1], "2", 1, 0), 1);
    T_EQ(recv(ends[0], &byte, 1, 0), 1);
    T_EQ(byte, '1');
    T_OK(shutdown(twin, SD_SEND));
    T_FAILS(send(ends[1], "3", 1, 0), WSAESHUTDOWN);
}

/* Rules A.3.29, CLS-13, SHR-7, WSPCLOSESOCKET-5. */
static void share__closed_one_by_one__connection_ends_with_the_last(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET twins[3];
    char byte;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    for (i = 0; i < 3; i++) {
        twins[i] = share_twin(t, i == 0 ? ends[1] : twins[i - 1]);
        T_TRUE(twins[i] != INVALID_SOCKET);
    }
    T_OK(t_close(t, ends[1]));
    T_OK(t_close(t, twins[1]));
    T_FAILS(send(twins[1], "x", 1, 0), WSAENOTSOCK);
    T_EQ(send(twins[2], "x", 1, 0), 1);
    T_EQ(recv(ends[0], &byte, 1, 0), 1);
    T_OK(t_close(t, twins[2]));
    T_EQ(t_select(ends[0], 'r', T_QUIET_MS), 0);
    T_OK(t_close(t, twins[0]));
    T_EQ(recv(ends[0], &byte, 1, 0), 0);
}

/* Rules A.3.30, EVT-11, SHR-6. */
static void share__registered_by_either__the_newest_counts(struct t_run *t)
{
    SOCKET ends[2];
    SOCKET twin;
    WSAEVENT first = t_event(t);
    WSAEVENT second = t_event(t);
    WSANETWORKEVENTS record = {0, {0}};
    T_DO(t_pair(t, AF_INET, ends));
    twin = share_twin(t, ends[1]);
    T_TRUE(twin != INVALID_SOCKET);
    T_OK(WSAEventSelect(ends[1], first, FD_READ));
    T_OK(WSAEventSelect(twin, second, FD_READ));
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WaitForSingleObject(second, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(WaitForSingleObject(first, T_QUIET_MS), WAIT_TIMEOUT);
    T_OK(WSAEnumNetworkEvents(ends[1], NULL, &record));
    T_EQ(record.lNetworkEvents, FD_READ);
}

static void share__bad_arguments__have_their_codes(struct t_run *t)
{
    WSAPROTOCOL_INFOW info;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_FAILS(WSADuplicateSocketW(s, GetCurrentProcessId(), NULL), WSAEFAULT);
    T_FAILS(WSADuplicateSocketW(s, 0, &info), WSAEINVAL);
    T_FAILS(WSADuplicateSocketA(s, GetCurrentProcessId(), NULL), WSAEFAULT);
}

struct share_use {
    SOCKET s;
    unsigned moved;
    int kind;
    int code;
};

/* What a thread does with its own descriptor until it is closed. */
static DWORD WINAPI share_use(LPVOID context)
{
    struct share_use *use = (struct share_use *)context;
    WSAPOLLFD one = {use->s, POLLIN, 0};
    char room[64] = "0123456789";
    int result = 0;
    unsigned i;
    for (i = 0; i < 300 && result != SOCKET_ERROR; i++) {
        switch (use->kind % 4) {
        case 0:
            result = send(use->s, room, 10, 0);
            use->moved += result > 0 ? (unsigned)result : 0;
            break;
        case 1:
            result = WSAPoll(&one, 1, 1);
            break;
        case 2:
            result = t_select(use->s, 'w', 1);
            break;
        default:
            result = setsockopt(use->s, SOL_SOCKET, SO_KEEPALIVE, room, 4);
            break;
        }
    }
    use->code = result == SOCKET_ERROR ? WSAGetLastError() : 0;
    return closesocket(use->s) == 0 ? 0 : 1;
}

/* Eight threads, a descriptor each, which all close: every byte arrives, then the end. */
static void share__eight_threads_with_their_own__every_byte_then_the_end(struct t_run *t)
{
    static struct share_use uses[8];
    static char room[4096];
    SOCKET ends[2];
    HANDLE threads[8];
    unsigned moved = 0;
    unsigned got = 0;
    int n;
    int i;
    T_DO(t_pair(t, AF_INET, ends));
    for (i = 0; i < 8; i++) {
        WSAPROTOCOL_INFOW info;
        T_OK(WSADuplicateSocketW(ends[1], GetCurrentProcessId(), &info));
        uses[i] = (struct share_use){
            WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED), 0, i,
            0};
        T_TRUE(uses[i].s != INVALID_SOCKET);
    }
    for (i = 0; i < 8; i++) {
        threads[i] = t_thread(t, share_use, &uses[i]);
        T_TRUE(threads[i] != NULL);
    }
    T_OK(t_close(t, ends[1]));
    while ((n = recv(ends[0], room, sizeof room, 0)) > 0) {
        got += (unsigned)n;
    }
    T_EQ(n, 0);
    for (i = 0; i < 8; i++) {
        DWORD left = 1;
        T_EQ(WaitForSingleObject(threads[i], T_WAIT_MS), WAIT_OBJECT_0);
        T_TRUE(GetExitCodeThread(threads[i], &left));
        T_EQ(left, 0);
        T_EQ(uses[i].code, 0);
        moved += uses[i].moved;
    }
    T_EQ(moved, 2 * 300 * 10);
    T_EQ(got, moved);
}

static const struct t_cases cases[] = {
    T_CASE(share__structure_used_twice__inval),
    T_CASE(share__ansi_structure__second_handle),
    T_CASE(share__state__is_one),
    T_CASE(share__closed_one_by_one__connection_ends_with_the_last),
    T_CASE(share__registered_by_either__the_newest_counts),
    T_CASE(share__bad_arguments__have_their_codes),
    T_CASE(share__eight_threads_with_their_own__every_byte_then_the_end),
};

const struct t_group t_group_share = {"share", cases, T_COUNT(cases), false};
