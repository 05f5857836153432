/**
 * @file Memory that is short: every allocation of a call fails in turn. The call says so with its own code, and nothing is
 * left behind. The linker puts the functions of this file before the allocator's, in the provider, the in-memory stack and
 * the host.
 */
#include "t_rio.h"

#include <mswsock.h>
#include <stdlib.h>
#include <string.h>

/* Allocations that still succeed; negative: all do. Of the calling thread. */
static _Thread_local int memory_left = -1;
static _Thread_local bool memory_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool memory_fails(void)
{
    if (memory_left < 0)
        return false;
    if (memory_left-- > 0)
        return false;
    memory_left = -1; /* one failure a call */
    memory_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return memory_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return memory_fails() ? NULL : __real_realloc(old, size);
}

/* --- Calls ------------------------------------------------------------------------- */

#define LIST 40 /* buffers: more than the provider keeps room for without memory */

struct memory_call {
    struct t_task thread;
    const struct memory_row *row;
    struct t_pair pair;
    int left;
    bool failed;
    int result;
    INT code;
};

struct memory_row {
    const char *name;
    int (*call)(struct memory_call *call);
    INT codes[3];
};

static int on_socket(struct memory_call *call)
{
    LPWSAPROTOCOL_INFOW info = t_info(AF_INET, SOCK_STREAM);
    SOCKET s = t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, info, 0, 0, &t_err);

    (void)call;
    memory_left = -1;
    if (s == INVALID_SOCKET)
        return SOCKET_ERROR;
    t_close(s);
    return 0;
}

static int on_select(struct memory_call *call)
{
    struct timeval now = {0, 0};
    fd_set read = {.fd_count = 2, .fd_array = {call->pair.a, call->pair.b}};
    int result = t_spi.lpWSPSelect(0, &read, NULL, NULL, &now, &t_err);

    if (result == SOCKET_ERROR)
        assert_int_equal(read.fd_count, 2); /* WSPSELECT-3: untouched */
    return result;
}

static LPFN_WSAPOLL poll_function;

/* Asked for by the test before its threads run. */
static void poll_find(SOCKET s)
{
    static const GUID wanted = WSAID_WSAPOLL;
    GUID id = wanted;
    DWORD got = 0;

    assert_int_equal(t_spi.lpWSPIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &poll_function,
                                      sizeof poll_function, &got, NULL, NULL, NULL, &t_err),
                     0);
}

static int on_poll(struct memory_call *call)
{
    WSAPOLLFD list[2] = {{.fd = call->pair.a, .events = POLLIN}, {.fd = call->pair.b, .events = POLLIN}};
    int result = poll_function(list, 2, 0);

    t_err = t_last_error();
    return result;
}

static int on_duplicate(struct memory_call *call)
{
    WSAPROTOCOL_INFOW info;
    SOCKET twin;

    if (t_spi.lpWSPDuplicateSocket(call->pair.a, t_process_id(), &info, &t_err) == SOCKET_ERROR)
        return SOCKET_ERROR;
    twin = t_spi.lpWSPSocket(AF_INET, SOCK_STREAM, IPPROTO_TCP, &info, 0, 0, &t_err);
    memory_left = -1;
    if (twin == INVALID_SOCKET)
        return SOCKET_ERROR;
    t_close(twin);
    return 0;
}

static int on_send_list(struct memory_call *call)
{
    WSABUF list[LIST];
    DWORD sent = 0;

    for (int i = 0; i < LIST; i++)
        list[i] = (WSABUF){1, t_bytes("x")};
    return t_spi.lpWSPSend(call->pair.a, list, LIST, &sent, 0, NULL, NULL, NULL, &t_err);
}

static int on_overlapped(struct memory_call *call)
{
    WSAOVERLAPPED ov = {.hEvent = NULL};
    DWORD got = 0, flags = 0;
    WSABUF list[LIST];
    char bytes[LIST];

    for (int i = 0; i < LIST; i++)
        list[i] = (WSABUF){1, &bytes[i]};
    if (t_spi.lpWSPRecv(call->pair.b, list, LIST, &got, &flags, &ov, NULL, NULL, &t_err) == 0)
        return 0;
    memory_left = -1;
    if (t_err != WSA_IO_PENDING)
        return SOCKET_ERROR;
    assert_int_equal(t_send(call->pair.a, "y", 1), 1);
    while (!t_spi.lpWSPGetOverlappedResult(call->pair.b, &ov, &got, TRUE, &flags, &t_err))
        assert_int_equal(t_err, WSA_IO_INCOMPLETE);
    return 0;
}

static int on_interfaces(struct memory_call *call)
{
    INTERFACE_INFO list[8];
    DWORD got = 0;

    return t_spi.lpWSPIoctl(call->pair.a, SIO_GET_INTERFACE_LIST, NULL, 0, list, sizeof list, &got, NULL, NULL, NULL,
                            &t_err);
}

/* RIOX-34: a registration, a completion queue and a request queue, whichever has no memory. */
static int on_registered_io(struct memory_call *call)
{
    SOCKET s;
    RIO_CQ queue;
    RIO_RQ requests = RIO_INVALID_RQ;
    RIO_BUFFERID id;
    char bytes[64];

    memory_left = -1;
    s = t_rio_bound(AF_INET);
    memory_left = call->left;
    queue = t_rio.RIOCreateCompletionQueue(8, NULL);
    id = queue != RIO_INVALID_CQ ? t_rio.RIORegisterBuffer(bytes, sizeof bytes) : RIO_INVALID_BUFFERID;
    if (id != RIO_INVALID_BUFFERID)
        requests = t_rio.RIOCreateRequestQueue(s, 4, 1, 4, 1, queue, queue, NULL);
    t_err = t_last_error();
    memory_left = -1;
    t_rio.RIODeregisterBuffer(id);
    t_close(s);
    t_rio.RIOCloseCompletionQueue(queue);
    return requests == RIO_INVALID_RQ ? SOCKET_ERROR : 0;
}

static const struct memory_row rows[] = {
    {"WSPSocket", on_socket, {WSAENOBUFS, WSAEMFILE, WSAENOBUFS}},
    {"WSPSelect", on_select, {WSAEFAULT, WSAEFAULT, WSAEFAULT}}, /* WSPSELECT-1, A.10.10 */
    {"WSAPoll", on_poll, {WSAENOBUFS, WSAENOBUFS, WSAENOBUFS}},  /* POLL-4 */
    {"WSPDuplicateSocket", on_duplicate, {WSAENOBUFS, WSAENOBUFS, WSAENOBUFS}},
    {"WSPSend of a long list", on_send_list, {WSAENOBUFS, WSAENOBUFS, WSAENOBUFS}},
    {"WSPRecv, overlapped", on_overlapped, {WSAENOBUFS, WSAENOBUFS, WSAENOBUFS}},
    {"SIO_GET_INTERFACE_LIST", on_interfaces, {WSAENOBUFS, WSAENOBUFS, WSAENOBUFS}},
    {"registered I/O", on_registered_io, {WSAENOBUFS, WSAENOBUFS, WSAENOBUFS}},
};

/* Threads are new for each attempt: what the provider keeps for a thread is allocated, too. */
static void *run_one(void *arg)
{
    struct memory_call *call = arg;

    t_err = 0;
    memory_failed = false;
    memory_left = call->left;
    call->result = call->row->call(call);
    memory_left = -1;
    call->failed = memory_failed;
    call->code = call->result == SOCKET_ERROR ? t_err : 0;
    return NULL;
}

static void memory__each_allocation_fails__has_its_code_and_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct memory_call call = {.row = &rows[i]};
        unsigned before;
        int failures = 0;

        if (rows[i].call == on_registered_io)
            t_rio_functions();
        if (i > 0) { /* the first one makes the first socket */
            call.pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
            poll_find(call.pair.a);
        }
        before = t_handles_count();
        for (call.left = 0, call.failed = true; call.failed; call.left++) {
            assert_in_range(call.left, 0, 50);
            t_task_start(&call.thread, run_one, &call);
            t_task_join(&call.thread);
            failures += call.failed;
            if (call.failed && call.result != SOCKET_ERROR)
                continue; /* it got on without */
            if (call.failed && call.code != rows[i].codes[0] && call.code != rows[i].codes[1])
                fail_msg("%s, allocation %d: code %d", rows[i].name, call.left, call.code);
            if (!call.failed && call.result == SOCKET_ERROR)
                fail_msg("%s: code %d with all memory", rows[i].name, call.code);
            assert_int_equal(t_handles_count(), before);
        }
        if (failures == 0)
            fail_msg("%s allocates nothing", rows[i].name);
        if (i > 0)
            t_pair_close(&call.pair);
        t_requests_are(0);
        t_sockets_are(0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory__each_allocation_fails__has_its_code_and_leaves_nothing),
    };

    return cmocka_run_group_tests_name("spi_memory", tests, t_host_start, t_host_stop);
}
