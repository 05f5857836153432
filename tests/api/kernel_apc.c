/*
 * Completion routines: they run on the thread that started the operation, in an alertable wait, one at a time for a
 * socket. Rules OVL2-8 to OVL2-10, WPU-11, WPU-29.
 */
#include "kernel.h"

/* What a routine was told; first member of what its operation needs. */
struct routine {
    WSAOVERLAPPED overlapped;
    WSABUF buffer;
    DWORD flags;
    char data[16];
    unsigned runs;
    DWORD error;
    DWORD bytes;
    DWORD thread;
    /* for those that wait inside */
    SOCKET s;
    struct routine *next;
    unsigned *depth;
    unsigned deepest;
};

static void CALLBACK routine_note(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    struct routine *routine = (struct routine *)(void *)overlapped;
    (void)flags;
    routine->runs++;
    routine->error = error;
    routine->bytes = bytes;
    routine->thread = GetCurrentThreadId();
}

static int post(SOCKET s, struct routine *routine, LPWSAOVERLAPPED_COMPLETION_ROUTINE run)
{
    routine->buffer.buf = routine->data;
    routine->buffer.len = sizeof routine->data;
    routine->s = s;
    return WSARecv(s, &routine->buffer, 1, NULL, &routine->flags, &routine->overlapped, run) == 0 ? 0
                                                                                                  : WSAGetLastError();
}

static void routine__wait_is_not_alertable__does_not_run(struct t_run *t)
{
    SOCKET ends[2];
    struct routine routine = {0};
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(post(ends[0], &routine, routine_note), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "hello", 5));
    Sleep(T_QUIET_MS);
    T_EQ(routine.runs, 0);
    T_EQ(SleepEx(0, FALSE), 0);
    T_EQ(routine.runs, 0);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(routine.runs, 1);
    T_EQ(routine.error, 0);
    T_EQ(routine.bytes, 5);
    T_EQ(routine.thread, GetCurrentThreadId());
    T_SAME(routine.data, "hello", 5);
    T_EQ(SleepEx(0, TRUE), 0);
}

struct wait_row {
    const char *name;
    DWORD (*wait)(HANDLE event);
    DWORD result;
};

static DWORD wait_single(HANDLE event)
{
    return WaitForSingleObjectEx(event, T_WAIT_MS, TRUE);
}

static DWORD wait_multiple(HANDLE event)
{
    return WaitForMultipleObjectsEx(1, &event, FALSE, T_WAIT_MS, TRUE);
}

static DWORD wait_winsock(HANDLE event)
{
    return WSAWaitForMultipleEvents(1, &event, FALSE, T_WAIT_MS, TRUE);
}

static DWORD wait_sleep(HANDLE event)
{
    (void)event;
    return SleepEx(T_WAIT_MS, TRUE);
}

static const struct wait_row waits[] = {
    {"WaitForSingleObjectEx", wait_single, WAIT_IO_COMPLETION},
    {"WaitForMultipleObjectsEx", wait_multiple, WAIT_IO_COMPLETION},
    {"WSAWaitForMultipleEvents", wait_winsock, WSA_WAIT_IO_COMPLETION},
    {"SleepEx", wait_sleep, WAIT_IO_COMPLETION},
};

static void routine__ROW__runs_in_it(struct t_run *t)
{
    const struct wait_row *row = (const struct wait_row *)t->row;
    SOCKET ends[2];
    HANDLE event = t_event(t);
    struct routine routine = {0};
    T_DO(event != NULL && t_pair(t, AF_INET, ends));
    T_EQ(post(ends[0], &routine, routine_note), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(row->wait(event), row->result);
    T_EQ(routine.runs, 1);
    T_EQ(routine.bytes, 1);
}

static void routine__success_at_once__runs_at_the_next_wait(struct t_run *t)
{
    SOCKET ends[2];
    struct routine routine = {0};
    T_DO(t_pair(t, AF_INET, ends));
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(t_select(ends[0], 'r', T_WAIT_MS), 1);
    T_EQ(post(ends[0], &routine, routine_note), 0);
    T_EQ(routine.runs, 0);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(routine.runs, 1);
}

static void routine__event_of_the_structure__is_the_programs(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE event = t_event(t);
    struct routine routine = {0};
    T_DO(event != NULL && t_pair(t, AF_INET, ends));
    routine.overlapped.hEvent = event;
    T_EQ(post(ends[0], &routine, routine_note), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(routine.runs, 1);
    T_EQ(WaitForSingleObject(event, 0), WAIT_TIMEOUT);
}

/* Waits alertably inside: another routine of the socket must not begin meanwhile. */
static void CALLBACK routine_waits(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    struct routine *routine = (struct routine *)(void *)overlapped;
    routine_note(error, bytes, overlapped, flags);
    ++*routine->depth;
    if (*routine->depth > routine->deepest) {
        routine->deepest = *routine->depth;
    }
    (void)SleepEx(T_QUIET_MS, TRUE);
    --*routine->depth;
}

static void routine__of_one_socket__never_nest(struct t_run *t)
{
    SOCKET ends[2];
    struct routine routine[2];
    unsigned depth = 0;
    unsigned i;
    memset(routine, 0, sizeof routine);
    T_DO(t_pair(t, AF_INET, ends));
    for (i = 0; i < 2; i++) {
        routine[i].depth = &depth;
        T_EQ(post(ends[0], &routine[i], routine_waits), WSA_IO_PENDING);
    }
    T_DO(t_send_all(t, ends[1], "0123456789abcdef0123456789abcdef", 32));
    for (i = 0; i < 20 && routine[0].runs + routine[1].runs < 2; i++) {
        (void)SleepEx(T_WAIT_MS / 10, TRUE);
    }
    T_EQ(routine[0].runs, 1);
    T_EQ(routine[1].runs, 1);
    T_EQ(routine[0].deepest, 1);
    T_EQ(routine[1].deepest, 1);
}

static void CALLBACK routine_issues(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped, DWORD flags)
{
    struct routine *routine = (struct routine *)(void *)overlapped;
    routine_note(error, bytes, overlapped, flags);
    if (routine->next != NULL) {
        (void)post(routine->s, routine->next, routine_note);
    }
}

static void routine__issues_the_next__that_one_runs_too(struct t_run *t)
{
    SOCKET ends[2];
    struct routine second = {0};
    struct routine first = {.next = &second};
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(post(ends[0], &first, routine_issues), WSA_IO_PENDING);
    T_EQ(send(ends[1], "a", 1, 0), 1);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(first.runs, 1);
    T_EQ(send(ends[1], "b", 1, 0), 1);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(second.runs, 1);
    T_EQ(second.data[0], 'b');
}

static void routine__cancelled__told_of_it(struct t_run *t)
{
    SOCKET ends[2];
    struct routine routine = {0};
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(post(ends[0], &routine, routine_note), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)ends[0], &routine.overlapped));
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(routine.runs, 1);
    T_EQ(routine.error, WSA_OPERATION_ABORTED);
}

static void routine__closesocket__told_of_it(struct t_run *t)
{
    SOCKET ends[2];
    struct routine routine = {0};
    T_DO(t_pair(t, AF_INET, ends));
    T_EQ(post(ends[0], &routine, routine_note), WSA_IO_PENDING);
    T_OK(t_close(t, ends[0]));
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(routine.runs, 1);
    T_TRUE(routine.error != 0);
}

struct issuer {
    SOCKET s;
    struct routine routine;
    int code;
    DWORD waited;
    HANDLE issued;
};

static DWORD WINAPI issuer_main(LPVOID context)
{
    struct issuer *issuer = (struct issuer *)context;
    issuer->code = post(issuer->s, &issuer->routine, routine_note);
    SetEvent(issuer->issued);
    issuer->waited = SleepEx(T_WAIT_MS, TRUE);
    return 0;
}

static void routine__of_another_thread__runs_there(struct t_run *t)
{
    static struct issuer issuer;
    SOCKET ends[2];
    HANDLE thread;
    memset(&issuer, 0, sizeof issuer);
    T_DO(t_pair(t, AF_INET, ends));
    issuer.s = ends[0];
    issuer.issued = t_event(t);
    thread = t_thread(t, issuer_main, &issuer);
    T_DO(thread != NULL);
    T_EQ(WaitForSingleObject(issuer.issued, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(issuer.code, WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(SleepEx(T_QUIET_MS, TRUE), 0);
    T_EQ(WaitForSingleObject(thread, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(issuer.waited, WAIT_IO_COMPLETION);
    T_EQ(issuer.routine.runs, 1);
    T_EQ(issuer.routine.thread, GetThreadId(thread));
}

static const struct t_cases cases[] = {
    T_CASE(routine__wait_is_not_alertable__does_not_run),
    T_TABLE(routine__ROW__runs_in_it, waits),
    T_CASE(routine__success_at_once__runs_at_the_next_wait),
    T_CASE(routine__event_of_the_structure__is_the_programs),
    T_CASE(routine__of_one_socket__never_nest),
    T_CASE(routine__issues_the_next__that_one_runs_too),
    T_CASE(routine__cancelled__told_of_it),
    T_CASE(routine__closesocket__told_of_it),
    T_CASE(routine__of_another_thread__runs_there),
};

const struct t_group t_group_kernel_apc = {"kernel_apc", cases, T_COUNT(cases), false};
