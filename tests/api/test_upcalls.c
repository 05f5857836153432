/*
 * What a provider may call, and the handle table behind it. Rules WPU-1 to WPU-35, WSPCLOSESOCKET-7.
 */
#include "t_api.h"

#include <stdlib.h>
#include <string.h>

#define MANY 100000
#define ENTRY_ID 1001

static const WSPUPCALLTABLE *up;

static int start(void **state)
{
    if (t_api_start(state) != 0 || socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET) {
        return 1;
    }
    up = t_api_upcalls();
    return 0;
}

static void handle__create_query_close__gone_once(void **state)
{
    int error = 0;
    DWORD_PTR context = 0;
    DWORD_PTR wide = ~(DWORD_PTR)0x1234; /* CF-12: a pointer's width */
    SOCKET s = up->lpWPUCreateSocketHandle(ENTRY_ID, wide, &error);
    (void)state;
    assert_true(s != INVALID_SOCKET && s != 0 && s < 0x80000000u && (s & 3) == 0);
    assert_true((SOCKET)(int)s == s);
    assert_int_equal(up->lpWPUQuerySocketHandleContext(s, &context, &error), 0);
    assert_int_equal(context, wide);
    assert_int_equal(up->lpWPUCloseSocketHandle(s, &error), 0);
    assert_int_equal(up->lpWPUCloseSocketHandle(s, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAENOTSOCK);
    context = 5;
    error = 0;
    assert_int_equal(up->lpWPUQuerySocketHandleContext(s, &context, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAENOTSOCK);
    assert_int_equal(context, 5);
    assert_true(up->lpWPUCreateSocketHandle(4242, 1, &error) == INVALID_SOCKET);
    assert_int_equal(error, WSAEINVAL);
}

static void handles__very_many__distinct_and_stale_when_closed(void **state)
{
    static SOCKET s[MANY];
    const unsigned many = t_api_kernel_handles ? MANY / 10 : MANY; /* each is some calls into another process there */
    int error = 0;
    DWORD_PTR context;
    unsigned i;
    (void)state;
    for (i = 0; i < many; i++) {
        s[i] = up->lpWPUCreateSocketHandle(ENTRY_ID, i + 1, &error);
        assert_true(s[i] != INVALID_SOCKET);
    }
    for (i = 0; i < many; i++) { /* every handle leads to its own context: they are distinct */
        assert_int_equal(up->lpWPUQuerySocketHandleContext(s[i], &context, &error), 0);
        assert_int_equal(context, i + 1);
    }
    for (i = 0; i < many; i++) {
        assert_int_equal(up->lpWPUCloseSocketHandle(s[i], &error), 0);
    }
    for (i = 0; i < many; i += 7) { /* slots are reused, old values stay dead */
        SOCKET fresh = up->lpWPUCreateSocketHandle(ENTRY_ID, 9, &error);
        if (fresh == s[i] && t_api_kernel_handles) {
            assert_int_equal(up->lpWPUCloseSocketHandle(fresh, &error), 0);
        }
        assert_int_equal(up->lpWPUQuerySocketHandleContext(s[i], &context, &error), SOCKET_ERROR);
        if (fresh == s[i] && t_api_kernel_handles) {
            continue; /* the kernel gives a value out again at once */
        }
        assert_true(fresh != s[i]);
        assert_int_equal(up->lpWPUCloseSocketHandle(fresh, &error), 0);
    }
}

#define STRESS_HANDLES 64
static _Atomic SOCKET shared[STRESS_HANDLES];
static _Atomic unsigned stop;

/* The context of a handle is the handle's number in `shared`, shifted: any mix-up of slots shows. */
static DWORD WINAPI query_all(LPVOID unused)
{
    unsigned wrong = 0;
    (void)unused;
    while (!stop) {
        unsigned i;
        for (i = 0; i < STRESS_HANDLES; i++) {
            DWORD_PTR context = 0;
            int error = 0;
            SOCKET s = shared[i];
            if (s != 0 && up->lpWPUQuerySocketHandleContext(s, &context, &error) == 0) {
                wrong += context != (DWORD_PTR)i << 8;
            }
        }
    }
    return wrong;
}

static void handles__queried_while_reopened__never_anothers_context(void **state)
{
    HANDLE threads[2];
    const unsigned rounds = t_api_kernel_handles ? 200 : 2000;
    unsigned round;
    unsigned i;
    int error = 0;
    (void)state;
    stop = 0;
    for (i = 0; i < 2; i++) {
        threads[i] = CreateThread(NULL, 0, query_all, NULL, 0, NULL);
        assert_non_null(threads[i]);
    }
    for (round = 0; round < rounds; round++) {
        for (i = 0; i < STRESS_HANDLES; i++) {
            SOCKET old = shared[i];
            if (old != 0) {
                assert_int_equal(up->lpWPUCloseSocketHandle(old, &error), 0);
            }
            shared[i] = up->lpWPUCreateSocketHandle(ENTRY_ID, (DWORD_PTR)i << 8, &error);
        }
    }
    stop = 1;
    for (i = 0; i < 2; i++) {
        DWORD wrong = 99;
        assert_int_equal(WaitForSingleObject(threads[i], 30000), WAIT_OBJECT_0);
        assert_true(GetExitCodeThread(threads[i], &wrong));
        assert_int_equal(wrong, 0);
        CloseHandle(threads[i]);
    }
}

static void events__through_upcalls__same_objects(void **state)
{
    int error = 0;
    WSAEVENT event = up->lpWPUCreateEvent(&error);
    (void)state;
    assert_non_null(event);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    WSASetLastError(1);
    assert_true(up->lpWPUSetEvent(event, &error));
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_EVENT_0);
    assert_true(up->lpWPUResetEvent(event, &error));
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_TIMEOUT);
    assert_true(up->lpWPUCloseEvent(event, &error));
    assert_false(up->lpWPUSetEvent(event, &error));
    assert_int_equal(error, WSA_INVALID_HANDLE);
    assert_int_equal(WSAGetLastError(), 1); /* upcalls have their own place for errors */
}

static void complete_request__states__fields_and_event(void **state)
{
    int error = 0;
    WSAOVERLAPPED overlapped = {.Internal = WSS_OPERATION_IN_PROGRESS};
    SOCKET s = up->lpWPUCreateSocketHandle(ENTRY_ID, 1, &error);
    WSAEVENT event = WSACreateEvent();
    (void)state;
    overlapped.hEvent = (HANDLE)((uintptr_t)event | 1); /* the lowest bit is a wish about ports */
    assert_int_equal(WPUCompleteOverlappedRequest(s, &overlapped, 0, 17, &error), 0);
    assert_int_equal(overlapped.InternalHigh, 17);
    assert_int_not_equal(overlapped.Internal, WSS_OPERATION_IN_PROGRESS);
    assert_int_equal(WSAWaitForMultipleEvents(1, &event, FALSE, 0, FALSE), WSA_WAIT_EVENT_0);
    assert_int_equal(up->lpWPUCloseSocketHandle(s, &error), 0);
    assert_int_equal(WPUCompleteOverlappedRequest(s, &overlapped, 0, 17, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEINVAL);
    WSACloseEvent(event);
}

/* WPU-27. */
static void complete_request__codes__what_a_port_tells(void **state)
{
    static const struct {
        DWORD code;
        DWORD win32;
        DWORD status;
    } rows[] = {
        {0, 0, 0},
        {WSAECONNRESET, ERROR_NETNAME_DELETED, 0xc000020d},
        {WSA_OPERATION_ABORTED, ERROR_OPERATION_ABORTED, 0xc0000120},
        {WSAEMSGSIZE, ERROR_MORE_DATA, 0x80000005},
        {WSAETIMEDOUT, ERROR_SEM_TIMEOUT, 0xc00000b5},
        {WSAECONNREFUSED, ERROR_CONNECTION_REFUSED, 0xc0000236},
        {WSAECONNABORTED, ERROR_CONNECTION_ABORTED, 0xc0000241},
        {11999, ERROR_GEN_FAILURE, 0xc0000001}, /* a code that no table has */
    };
    int error = 0;
    SOCKET s = up->lpWPUCreateSocketHandle(ENTRY_ID, 1, &error);
    HANDLE port = CreateIoCompletionPort((HANDLE)s, NULL, 55, 0);
    unsigned i;
    (void)state;
    assert_non_null(port);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WSAOVERLAPPED overlapped = {.Internal = WSS_OPERATION_IN_PROGRESS};
        LPOVERLAPPED got = NULL;
        ULONG_PTR key = 0;
        DWORD bytes = 0;
        BOOL done;
        assert_int_equal(WPUCompleteOverlappedRequest(s, &overlapped, rows[i].code, 17, &error), 0);
        assert_int_equal((DWORD)overlapped.Internal, rows[i].status);
        SetLastError(0);
        done = GetQueuedCompletionStatus(port, &bytes, &key, &got, 0);
        assert_int_equal(GetLastError(), rows[i].win32);
        assert_int_equal(done, rows[i].win32 == 0);
        assert_ptr_equal(got, &overlapped);
        assert_int_equal(bytes, 17);
        assert_int_equal(key, 55);
    }
    assert_int_equal(up->lpWPUCloseSocketHandle(s, &error), 0);
    assert_true(CloseHandle(port));
}

/* WPU-28: what is completed outside a call is told whatever the modes, but for the low bit. */
static void complete_request__low_bit_and_modes__who_is_told(void **state)
{
    int error = 0;
    SOCKET s = up->lpWPUCreateSocketHandle(ENTRY_ID, 1, &error);
    HANDLE port = CreateIoCompletionPort((HANDLE)s, NULL, 55, 0);
    WSAEVENT event = WSACreateEvent();
    unsigned round;
    (void)state;
    assert_non_null(port);
    for (round = 0; round < 2; round++) {
        WSAOVERLAPPED overlapped = {.Internal = WSS_OPERATION_IN_PROGRESS};
        LPOVERLAPPED got = NULL;
        ULONG_PTR key;
        DWORD bytes;
        overlapped.hEvent = (HANDLE)((uintptr_t)event | 1);
        assert_int_equal(WPUCompleteOverlappedRequest(s, &overlapped, 0, 1, &error), 0);
        assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
        assert_false(GetQueuedCompletionStatus(port, &bytes, &key, &got, 0));
        assert_null(got);
        assert_true(ResetEvent(event));
        overlapped.hEvent = event;
        assert_int_equal(WPUCompleteOverlappedRequest(s, &overlapped, 0, 1, &error), 0);
        assert_int_equal(WaitForSingleObject(event, 0), WAIT_OBJECT_0);
        assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 0));
        assert_ptr_equal(got, &overlapped);
        assert_true(ResetEvent(event));
        assert_true(SetFileCompletionNotificationModes((HANDLE)s, 3));
    }
    assert_int_equal(up->lpWPUCloseSocketHandle(s, &error), 0);
    assert_true(CloseHandle(port));
    WSACloseEvent(event);
}

static DWORD_PTR apc_seen;

static void CALLBACK apc(DWORD_PTR context)
{
    apc_seen = context;
}

static void threads__open_queue_close__routine_runs(void **state)
{
    WSATHREADID id = {0};
    int error = 0;
    (void)state;
    assert_int_equal(up->lpWPUOpenCurrentThread(&id, &error), 0);
    apc_seen = 0;
    assert_int_equal(up->lpWPUQueueApc(&id, apc, 88, &error), 0);
    assert_int_equal(apc_seen, 0);
    assert_int_equal(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    assert_int_equal(apc_seen, 88);
    assert_int_equal(up->lpWPUCloseThread(&id, &error), 0);
    assert_int_equal(up->lpWPUQueueApc(&id, apc, 1, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEFAULT);
    assert_int_equal(up->lpWPUCloseThread(&id, &error), SOCKET_ERROR);
    assert_int_equal(up->lpWPUQueueApc(NULL, apc, 1, &error), SOCKET_ERROR);
}

static void others__asked__as_the_rules_say(void **state)
{
    static WCHAR path[1024];
    int chars = 1024;
    int error = 0;
    LPBLOCKINGCALLBACK callback = (LPBLOCKINGCALLBACK)(uintptr_t)1;
    DWORD_PTR context = 1;
    GUID id = {0};
    static WSAPROTOCOL_INFOW infos[16];
    DWORD bytes = sizeof infos;
    fd_set set;
    (void)state;
    assert_int_equal(WSCEnumProtocols(NULL, infos, &bytes, &error), 6);
    assert_int_equal(up->lpWPUGetProviderPath(&infos[0].ProviderId, path, &chars, &error), 0);
    assert_int_equal(path[chars - 1], 0);
    chars = 2;
    assert_int_equal(up->lpWPUGetProviderPath(&infos[0].ProviderId, path, &chars, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEFAULT);
    assert_true(chars > 2);
    assert_int_equal(up->lpWPUGetProviderPath(&id, path, &chars, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEINVAL);
    assert_true(up->lpWPUModifyIFSHandle(ENTRY_ID, 4, &error) == INVALID_SOCKET);
    assert_int_equal(error, WSAEINVAL);
    assert_int_equal(up->lpWPUQueryBlockingCallback(ENTRY_ID, &callback, &context, &error), 0);
    assert_null(callback);
    assert_int_equal(up->lpWPUQueryBlockingCallback(4242, &callback, &context, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEINVAL);
    assert_int_equal(up->lpWPUQueryBlockingCallback(ENTRY_ID, NULL, &context, &error), SOCKET_ERROR);
    assert_int_equal(error, WSAEFAULT);
    assert_false(up->lpWPUPostMessage(NULL, 1, 2, 3));
    FD_ZERO(&set);
    FD_SET((SOCKET)4, &set);
    assert_int_equal(up->lpWPUFDIsSet(4, &set), 1);
    assert_int_equal(up->lpWPUFDIsSet(8, &set), 0);
}

static void CALLBACK ioctl_routine(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    (void)error, (void)bytes, (void)overlapped, (void)flags;
}

/* WSPIOCTL-12. */
static void ioctl__to_the_provider__arguments_of_both_forms(void **state)
{
    static const LONG codes[] = {(LONG)FIONBIO, (LONG)FIONREAD};
    SOCKET ends[2];
    WSAOVERLAPPED overlapped = {.Internal = 0};
    u_long value = 0;
    u_long other = 0;
    DWORD returned = 0;
    struct fake_counters *seen = t_api_counters();
    (void)state;
    t_api_pair(ends);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(ioctlsocket(ends[0], codes[i], &value), 0);
        assert_int_equal(seen->ioctl_code, (DWORD)codes[i]);
        assert_int_equal(seen->ioctl_in_bytes, 4);
        assert_int_equal(seen->ioctl_out_bytes, 4);
        assert_true(seen->ioctl_one_buffer);
        assert_true(seen->ioctl_synchronous);
    }
    assert_int_equal(WSAIoctl(ends[0], FIONREAD, &value, 4, &other, 4, &returned, &overlapped, ioctl_routine), 0);
    assert_false(seen->ioctl_one_buffer);
    assert_true(seen->ioctl_with_thread); /* the caller of WSAIoctl has none to give */
    closesocket(ends[0]);
    closesocket(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(handle__create_query_close__gone_once, start, t_api_stop),
        cmocka_unit_test_setup_teardown(handles__very_many__distinct_and_stale_when_closed, start, t_api_stop),
        cmocka_unit_test_setup_teardown(handles__queried_while_reopened__never_anothers_context, start, t_api_stop),
        cmocka_unit_test_setup_teardown(events__through_upcalls__same_objects, start, t_api_stop),
        cmocka_unit_test_setup_teardown(complete_request__states__fields_and_event, start, t_api_stop),
        cmocka_unit_test_setup_teardown(complete_request__codes__what_a_port_tells, start, t_api_stop),
        cmocka_unit_test_setup_teardown(complete_request__low_bit_and_modes__who_is_told, start, t_api_stop),
        cmocka_unit_test_setup_teardown(threads__open_queue_close__routine_runs, start, t_api_stop),
        cmocka_unit_test_setup_teardown(others__asked__as_the_rules_say, start, t_api_stop),
        cmocka_unit_test_setup_teardown(ioctl__to_the_provider__arguments_of_both_forms, start, t_api_stop),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
