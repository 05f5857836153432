/*
 * The thread pool: work items, and callbacks at the end of overlapped operations. Rules IOCP-1, IOCP-21, IOCP-32.
 */
#include "kernel.h"

#define WORK_ITEMS 200

struct work {
    volatile LONG ran;
    HANDLE done;
    HANDLE go;
    DWORD caller;
    volatile LONG by_caller;
};

static DWORD WINAPI work_count(LPVOID context)
{
    struct work *work = (struct work *)context;
    if (GetCurrentThreadId() == work->caller) {
        __atomic_fetch_add(&work->by_caller, 1, __ATOMIC_SEQ_CST);
    }
    if (__atomic_add_fetch(&work->ran, 1, __ATOMIC_SEQ_CST) == WORK_ITEMS) {
        SetEvent(work->done);
    }
    return 0;
}

static void CALLBACK simple_count(PTP_CALLBACK_INSTANCE instance, PVOID context)
{
    (void)instance;
    (void)work_count(context);
}

static void pool__work_items__each_runs_once_on_another_thread(struct t_run *t)
{
    static struct work work;
    unsigned i;
    memset(&work, 0, sizeof work);
    work.done = t_event(t);
    work.caller = GetCurrentThreadId();
    T_DO(work.done != NULL);
    for (i = 0; i < WORK_ITEMS; i++) {
        T_TRUE(i % 2 == 0 ? QueueUserWorkItem(work_count, &work, WT_EXECUTEDEFAULT)
                          : TrySubmitThreadpoolCallback(simple_count, &work, NULL));
    }
    T_EQ(WaitForSingleObject(work.done, T_WAIT_MS), WAIT_OBJECT_0);
    Sleep(T_QUIET_MS);
    T_EQ(work.ran, WORK_ITEMS);
    T_EQ(work.by_caller, 0);
}

static DWORD WINAPI work_wait(LPVOID context)
{
    struct work *work = (struct work *)context;
    __atomic_fetch_add(&work->ran, 1, __ATOMIC_SEQ_CST);
    (void)WaitForSingleObject(work->go, 2 * T_WAIT_MS);
    return 0;
}

static DWORD WINAPI work_release(LPVOID context)
{
    struct work *work = (struct work *)context;
    SetEvent(work->go);
    SetEvent(work->done);
    return 0;
}

static void pool__items_that_wait_for_a_later_one__later_one_runs(struct t_run *t)
{
    static struct work work;
    unsigned i;
    memset(&work, 0, sizeof work);
    work.done = t_event(t);
    work.go = t_event(t);
    T_DO(work.done != NULL && work.go != NULL);
    for (i = 0; i < 12; i++) {
        T_TRUE(QueueUserWorkItem(work_wait, &work, WT_EXECUTELONGFUNCTION));
    }
    T_TRUE(QueueUserWorkItem(work_release, &work, WT_EXECUTELONGFUNCTION));
    T_EQ(WaitForSingleObject(work.done, T_WAIT_MS), WAIT_OBJECT_0);
}

/* ---- BindIoCompletionCallback ---- */

static struct bound {
    HANDLE done;
    DWORD code;
    DWORD bytes;
    LPOVERLAPPED overlapped;
} bound;

static void CALLBACK bound_done(DWORD code, DWORD bytes, LPOVERLAPPED overlapped)
{
    bound.code = code;
    bound.bytes = bytes;
    bound.overlapped = overlapped;
    SetEvent(bound.done);
}

static void pool__bound_socket__routine_is_called(struct t_run *t)
{
    SOCKET ends[2];
    struct t_post post;
    HANDLE port = t_port_make(t);
    memset(&bound, 0, sizeof bound);
    bound.done = WSACreateEvent();
    T_DO(bound.done != NULL && port != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = bound.done;
    T_TRUE(BindIoCompletionCallback((HANDLE)ends[0], bound_done, 0));
    T_FALSE(BindIoCompletionCallback((HANDLE)ends[0], bound_done, 0), ERROR_INVALID_PARAMETER);
    T_FALSE(CreateIoCompletionPort((HANDLE)ends[0], port, 1, 0) != NULL, ERROR_INVALID_PARAMETER);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "hello", 5));
    T_EQ(WaitForSingleObject(bound.done, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(bound.overlapped == &post.overlapped);
    T_EQ(bound.bytes, 5);
    T_EQ(bound.code, 0);
    T_TRUE(ResetEvent(bound.done));
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)ends[0], NULL));
    T_EQ(WaitForSingleObject(bound.done, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(bound.code, ERROR_OPERATION_ABORTED);
}

static void pool__not_a_file__invalid_handle(struct t_run *t)
{
    HANDLE event = t_event(t);
    T_DO(event != NULL);
    T_FALSE(BindIoCompletionCallback(event, bound_done, 0), ERROR_INVALID_HANDLE);
}

/* ---- CreateThreadpoolIo ---- */

#define IO_CALLS 8

static struct io_log {
    HANDLE done;
    HANDLE go; /* callbacks wait for it if there is one */
    volatile LONG calls;
    PTP_IO io;
    ULONG result[IO_CALLS];
    ULONG_PTR bytes[IO_CALLS];
    PVOID overlapped[IO_CALLS];
    volatile LONG wrong;
} io_log;

static void CALLBACK io_done(PTP_CALLBACK_INSTANCE instance, PVOID context, PVOID overlapped, ULONG result,
                             ULONG_PTR bytes, PTP_IO io)
{
    LONG i = __atomic_load_n(&io_log.calls, __ATOMIC_SEQ_CST);
    if (instance == NULL || context != &io_log || io != io_log.io || i >= IO_CALLS) {
        io_log.wrong++;
        return;
    }
    if (io_log.go != NULL) {
        (void)WaitForSingleObject(io_log.go, T_WAIT_MS);
    }
    io_log.result[i] = result;
    io_log.bytes[i] = bytes;
    io_log.overlapped[i] = overlapped;
    __atomic_store_n(&io_log.calls, i + 1, __ATOMIC_SEQ_CST);
    SetEvent(io_log.done);
}

static bool io_begin(struct t_run *t, SOCKET ends[2])
{
    memset(&io_log, 0, sizeof io_log);
    io_log.done = t_event(t);
    if (io_log.done == NULL || !t_pair(t, AF_INET, ends)) {
        return false;
    }
    io_log.io = CreateThreadpoolIo((HANDLE)ends[0], io_done, &io_log, NULL);
    return io_log.io != NULL;
}

static void io__receives__callback_with_code_bytes_and_structure(struct t_run *t)
{
    SOCKET ends[2];
    struct t_post post;
    T_DO(io_begin(t, ends));
    StartThreadpoolIo(io_log.io);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "abc", 3));
    WaitForThreadpoolIoCallbacks(io_log.io, FALSE);
    T_EQ(io_log.calls, 1);
    T_EQ(io_log.result[0], NO_ERROR);
    T_EQ(io_log.bytes[0], 3);
    T_TRUE(io_log.overlapped[0] == &post.overlapped);
    StartThreadpoolIo(io_log.io);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    t_reset(t, ends[1]);
    WaitForThreadpoolIoCallbacks(io_log.io, FALSE);
    T_EQ(io_log.calls, 2);
    T_EQ(io_log.result[1], ERROR_NETNAME_DELETED);
    T_EQ(io_log.wrong, 0);
    CloseThreadpoolIo(io_log.io);
}

static void io__call_fails__taken_back_and_nobody_waits(struct t_run *t)
{
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    struct t_post post;
    T_DO(s != INVALID_SOCKET);
    memset(&io_log, 0, sizeof io_log);
    io_log.io = CreateThreadpoolIo((HANDLE)s, io_done, &io_log, NULL);
    T_TRUE(io_log.io != NULL);
    StartThreadpoolIo(io_log.io);
    T_EQ(t_post_recv(s, &post, 64, NULL), WSAENOTCONN);
    CancelThreadpoolIo(io_log.io);
    WaitForThreadpoolIoCallbacks(io_log.io, FALSE);
    T_EQ(io_log.calls, 0);
    CloseThreadpoolIo(io_log.io);
}

static void io__skip_on_success__no_callback(struct t_run *t)
{
    SOCKET ends[2];
    struct t_post post;
    T_DO(io_begin(t, ends));
    T_TRUE(SetFileCompletionNotificationModes((HANDLE)ends[0], FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    StartThreadpoolIo(io_log.io);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), 0);
    CancelThreadpoolIo(io_log.io);
    Sleep(T_QUIET_MS);
    T_EQ(io_log.calls, 0);
    WaitForThreadpoolIoCallbacks(io_log.io, FALSE);
    CloseThreadpoolIo(io_log.io);
}

/* The socket goes first, as programs do it; what is pending is called back as aborted. */
static void io__socket_closed_with_a_receive__called_back(struct t_run *t)
{
    SOCKET ends[2];
    struct t_post post;
    T_DO(io_begin(t, ends));
    StartThreadpoolIo(io_log.io);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_OK(t_close(t, ends[0]));
    WaitForThreadpoolIoCallbacks(io_log.io, FALSE);
    T_EQ(io_log.calls, 1);
    T_TRUE(io_log.result[0] == ERROR_OPERATION_ABORTED || io_log.result[0] == ERROR_CONNECTION_ABORTED ||
           io_log.result[0] == ERROR_NETNAME_DELETED);
    CloseThreadpoolIo(io_log.io);
}

static void io__waited_for_with_cancel__running_callback_ends_first(struct t_run *t)
{
    SOCKET ends[2];
    struct t_post post;
    T_DO(io_begin(t, ends));
    StartThreadpoolIo(io_log.io);
    T_EQ(t_post_recv(ends[0], &post, 64, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(WaitForSingleObject(io_log.done, T_WAIT_MS), WAIT_OBJECT_0);
    WaitForThreadpoolIoCallbacks(io_log.io, TRUE);
    T_EQ(io_log.calls, 1);
    CloseThreadpoolIo(io_log.io);
}

static const struct t_cases cases[] = {
    T_CASE(pool__work_items__each_runs_once_on_another_thread),
    T_CASE(pool__items_that_wait_for_a_later_one__later_one_runs),
    T_CASE(pool__bound_socket__routine_is_called),
    T_CASE(pool__not_a_file__invalid_handle),
    T_CASE(io__receives__callback_with_code_bytes_and_structure),
    T_CASE(io__call_fails__taken_back_and_nobody_waits),
    T_CASE(io__skip_on_success__no_callback),
    T_CASE(io__socket_closed_with_a_receive__called_back),
    T_CASE(io__waited_for_with_cancel__running_callback_ends_first),
};

const struct t_group t_group_kernel_pool = {"kernel_pool", cases, T_COUNT(cases), false};
