/*
 * What only Linux's library is asked: fork (the child's Winsock is not initialised, the parent's is unharmed), handles that
 * are not the kernel's, FormatMessage. Over the fake provider, or with an argument over Winlane itself.
 */
#include "t_api.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int child_result(SOCKET s)
{
    char byte = 0;
    WSADATA data;
    if (send(s, &byte, 1, 0) != SOCKET_ERROR || WSAGetLastError() != WSANOTINITIALISED) {
        return 1;
    }
    if (closesocket(s) != SOCKET_ERROR || WSAGetLastError() != WSANOTINITIALISED) {
        return 2;
    }
    if (WSACleanup() != SOCKET_ERROR || WSAGetLastError() != WSANOTINITIALISED) {
        return 3;
    }
    return WSAStartup(MAKEWORD(2, 2), &data) == WSASYSNOTREADY ? 0 : 4;
}

static void fork__live_sockets__child_not_initialised_parent_unharmed(void **state)
{
    SOCKET ends[2];
    char byte = 'x';
    int status = 0;
    pid_t child;
    (void)state;
    t_api_pair(ends);
    child = fork();
    if (child == 0) {
        exit(child_result(ends[0])); /* with exit handlers: they must not touch what is the parent's */
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(send(ends[0], &byte, 1, 0), 1);
    assert_int_equal(recv(ends[1], &byte, 1, 0), 1);
    assert_int_equal(closesocket(ends[0]), 0);
    assert_int_equal(closesocket(ends[1]), 0);
}

static void socket__closed_as_handle__closed_once(void **state)
{
    SOCKET s = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_true(CloseHandle((HANDLE)s));
    assert_int_equal(closesocket(s), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSAENOTSOCK);
    assert_false(CloseHandle((HANDLE)s));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
}

/* Other systems end the program here. */
static void port__null_pointers__invalid_parameter(void **state)
{
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    OVERLAPPED_ENTRY entry;
    OVERLAPPED overlapped = {.Internal = STATUS_PENDING};
    LPOVERLAPPED got;
    ULONG_PTR key;
    DWORD bytes;
    ULONG removed;
    (void)state;
    assert_non_null(port);
    assert_true(PostQueuedCompletionStatus(port, 1, 2, NULL));
    assert_false(GetQueuedCompletionStatus(port, NULL, &key, &got, 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetQueuedCompletionStatus(port, &bytes, NULL, &got, 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetQueuedCompletionStatus(port, &bytes, &key, NULL, 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetQueuedCompletionStatusEx(port, NULL, 1, &removed, 0, FALSE));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetQueuedCompletionStatusEx(port, &entry, 1, NULL, 0, FALSE));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetOverlappedResult(NULL, NULL, &bytes, FALSE));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetOverlappedResult(NULL, &overlapped, NULL, FALSE));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetOverlappedResult(NULL, &overlapped, &bytes, FALSE));
    assert_int_equal(GetLastError(), ERROR_IO_INCOMPLETE);
    assert_false(QueueUserWorkItem(NULL, NULL, 0));
    assert_false(TrySubmitThreadpoolCallback(NULL, NULL, NULL));
    assert_false(BindIoCompletionCallback(NULL, NULL, 0));
    assert_null(CreateThreadpoolIo(NULL, NULL, NULL, NULL));
    assert_true(GetQueuedCompletionStatus(port, &bytes, &key, &got, 0)); /* the packet is still there */
    assert_true(CloseHandle(port));
}

/* Rule WSPASYNCSELECT-3: a queue has its limit, and room again when a message was taken. */
static void window__full_queue__posting_fails(void **state)
{
    HWND window = CreateWindowExA(0, "STATIC", "t", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
    MSG msg;
    unsigned i;
    (void)state;
    assert_non_null(window);
    for (i = 0; i <= WL_MESSAGES_MAX && PostMessageA(window, WM_USER, i, 0); i++) {
    }
    assert_int_equal(i, WL_MESSAGES_MAX);
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_QUOTA);
    assert_true(PeekMessageA(&msg, window, WM_USER, WM_USER, PM_REMOVE));
    assert_int_equal(msg.wParam, 0);
    assert_true(PostMessageA(window, WM_USER, 0, 0));
    assert_true(DestroyWindow(window));
}

#define HANDLES_MAX (1u << 20)

/* Rules A.1.6, OVL-27: as many events as there are handles; the next one cannot be made, nor a socket. */
static void events__no_handle_left__invalid_event(void **state)
{
    WSAEVENT *events = (WSAEVENT *)calloc(HANDLES_MAX, sizeof *events);
    unsigned made = 0;
    (void)state;
    assert_non_null(events);
    while (made < HANDLES_MAX && (events[made] = WSACreateEvent()) != WSA_INVALID_EVENT) {
        made++;
    }
    assert_in_range(made, 1, HANDLES_MAX - 1);
    assert_int_equal(WSAGetLastError(), WSA_NOT_ENOUGH_MEMORY);
    assert_true(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET);
    assert_true(WSACloseEvent(events[--made]));
    events[made] = WSACreateEvent();
    assert_true(events[made] != WSA_INVALID_EVENT);
    made++;
    while (made > 0) {
        assert_true(WSACloseEvent(events[--made]));
    }
    free(events);
}

/* Every code of the rules' section 6.5 has a sentence of its own, FormatMessage's and gai_strerror's. */
static void codes_have_sentences(void)
{
    static const struct {
        int first, last;
    } ranges[] = {{6, 6},         {8, 8},         {87, 87},       {995, 997},     {10004, 10004},
                  {10009, 10009}, {10013, 10014}, {10022, 10022}, {10024, 10024}, {10035, 10071},
                  {10091, 10093}, {10101, 10112}, {11001, 11031}};
    char room[200];
    unsigned count = 0;
    unsigned i;
    int code;
    for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        for (code = ranges[i].first; code <= ranges[i].last; code++) {
            print_message("%d\n", code);
            assert_true(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, (DWORD)code, 0, room, sizeof room, NULL) > 10);
            assert_true(strncmp(room, gai_strerrorA(code), strlen(gai_strerrorA(code))) == 0);
            count++;
        }
    }
    assert_int_equal(count, 95);
    assert_string_equal(gai_strerrorA(424242), "Unknown error.");
}

static void messages__of_codes__sentences(void **state)
{
    const DWORD one_line = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
    const DWORD allocate = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER;
    char room[100] = {0};
    char *block = NULL;
    DWORD n;
    (void)state;
    n = FormatMessage(one_line, NULL, WSAECONNREFUSED, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), room, 100, NULL);
    assert_string_equal(room, "The connection was refused. ");
    assert_int_equal(n, strlen(room));
    n = FormatMessage(allocate, NULL, WSAENOTSOCK, 0, (LPSTR)&block, 0, NULL);
    assert_string_equal(block, "The handle is not a socket.\r\n");
    assert_int_equal(n, strlen(block));
    assert_null(LocalFree(block));
    assert_int_equal(FormatMessage(FORMAT_MESSAGE_FROM_SYSTEM, NULL, WSAENOTSOCK, 0, room, 5, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(FormatMessage(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 424242, 0, room, 100, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_NOT_FOUND);
    assert_int_equal(_stricmp("AF_INET6", "af_inet6"), 0);
    assert_int_equal(strcpy_s(room, 4, "four"), ERANGE);
    assert_string_equal(room, "");
    codes_have_sentences();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fork__live_sockets__child_not_initialised_parent_unharmed, t_api_start,
                                        t_api_stop),
        cmocka_unit_test_setup_teardown(socket__closed_as_handle__closed_once, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(port__null_pointers__invalid_parameter, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(window__full_queue__posting_fails, t_api_start, t_api_stop),
        cmocka_unit_test_setup_teardown(events__no_handle_left__invalid_event, t_api_start, t_api_stop),
        cmocka_unit_test(messages__of_codes__sentences),
    };
    (void)argv;
    return cmocka_run_group_tests(tests, argc > 1 ? t_api_use_winlane : t_api_use_fake, NULL);
}
