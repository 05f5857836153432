/*
 * Completion ports: who waits, in what order, how many run, and arguments that are wrong.
 * Rules IOCP-1, IOCP-7, IOCP-8, IOCP-13, IOCP-37.
 */
#include "kernel.h"

#define WAITERS 3

/* A thread that takes packets of a port. */
struct taker {
    HANDLE port;
    HANDLE taken; /* set with each packet */
    volatile LONG running;
    struct t_packet packet;
};

/* Long enough for a thread that was started to have begun to wait. */
static void let_it_wait(void)
{
    Sleep(T_QUIET_MS);
}

static DWORD WINAPI take_one(LPVOID context)
{
    struct taker *taker = (struct taker *)context;
    taker->packet = t_packet_take(taker->port, T_WAIT_MS);
    SetEvent(taker->taken);
    return 0;
}

static bool taker_start(struct t_run *t, struct taker *taker, HANDLE port, LPTHREAD_START_ROUTINE main)
{
    memset(taker, 0, sizeof *taker);
    taker->port = port;
    taker->taken = t_event(t);
    return taker->taken != NULL && t_thread(t, main, taker) != NULL;
}

static void port__three_threads_wait__last_come_first_served(struct t_run *t)
{
    static struct taker takers[WAITERS];
    HANDLE port = t_port_make(t);
    unsigned i;
    T_DO(port != NULL);
    for (i = 0; i < WAITERS; i++) {
        T_DO(taker_start(t, &takers[i], port, take_one));
        let_it_wait();
    }
    for (i = 0; i < WAITERS; i++) {
        struct taker *next = &takers[WAITERS - 1 - i];
        T_TRUE(PostQueuedCompletionStatus(port, i, 100 + i, NULL));
        T_EQ(WaitForSingleObject(next->taken, T_WAIT_MS), WAIT_OBJECT_0);
        T_EQ(next->packet.ok, TRUE);
        T_EQ(next->packet.key, 100 + i);
        T_EQ(next->packet.bytes, i);
    }
}

static void port__many_packets__in_the_order_of_posting(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    OVERLAPPED_ENTRY entries[7];
    ULONG posted = 0;
    ULONG taken = 0;
    ULONG removed;
    ULONG i;
    T_DO(port != NULL);
    /* The front moves while the queue grows. */
    while (taken < 500) {
        for (i = 0; i < 11 && posted < 500; i++) {
            T_TRUE(PostQueuedCompletionStatus(port, posted, posted + 1, NULL));
            posted++;
        }
        T_TRUE(GetQueuedCompletionStatusEx(port, entries, T_COUNT(entries), &removed, 0, FALSE));
        T_TRUE(removed >= 1 && removed <= T_COUNT(entries));
        for (i = 0; i < removed; i++, taken++) {
            T_EQ(entries[i].lpCompletionKey, taken + 1);
            T_EQ(entries[i].dwNumberOfBytesTransferred, taken);
        }
    }
    T_NO_PACKET(port);
}

/* ---- the port's value ---- */

static volatile LONG release; /* a taker that runs looks at this, and does not sleep */

static DWORD WINAPI take_and_run(LPVOID context)
{
    struct taker *taker = (struct taker *)context;
    taker->packet = t_packet_take(taker->port, T_WAIT_MS);
    __atomic_store_n(&taker->running, 1, __ATOMIC_SEQ_CST);
    SetEvent(taker->taken);
    while (__atomic_load_n(&release, __ATOMIC_SEQ_CST) == 0) {
    }
    return 0;
}

static void port__one_may_run__second_packet_waits_for_it(struct t_run *t)
{
    static struct taker takers[2];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    HANDLE both[2];
    DWORD first;
    T_TRUE(port != NULL);
    t->objects[t->object_count++] = port;
    release = 0;
    T_DO(taker_start(t, &takers[0], port, take_and_run) && taker_start(t, &takers[1], port, take_and_run));
    let_it_wait();
    T_TRUE(PostQueuedCompletionStatus(port, 1, 1, NULL));
    T_TRUE(PostQueuedCompletionStatus(port, 2, 2, NULL));
    both[0] = takers[0].taken;
    both[1] = takers[1].taken;
    first = WaitForMultipleObjects(2, both, FALSE, T_WAIT_MS);
    let_it_wait();
    {
        LONG other = first <= 1 ? __atomic_load_n(&takers[1 - first].running, __ATOMIC_SEQ_CST) : 1;
        __atomic_store_n(&release, 1, __ATOMIC_SEQ_CST);
        T_EQ(WaitForMultipleObjects(2, both, TRUE, T_WAIT_MS), WAIT_OBJECT_0);
        T_EQ(other, 0);
        T_EQ(takers[first].packet.key, 1);
        T_EQ(takers[1 - first].packet.key, 2);
    }
}

enum sleeper_place { SLEEP_FOR_EVENT, SLEEP_IN_RECV, SLEEP_FOR_TIME };

struct sleeper {
    struct taker taker;
    enum sleeper_place place;
    HANDLE event;
    SOCKET s;
};

static DWORD WINAPI take_and_sleep(LPVOID context)
{
    struct sleeper *sleeper = (struct sleeper *)context;
    char byte;
    sleeper->taker.packet = t_packet_take(sleeper->taker.port, T_WAIT_MS);
    SetEvent(sleeper->taker.taken);
    if (sleeper->place == SLEEP_FOR_EVENT) {
        (void)WaitForSingleObject(sleeper->event, 2 * T_WAIT_MS);
    } else if (sleeper->place == SLEEP_IN_RECV) {
        (void)recv(sleeper->s, &byte, 1, 0);
    } else {
        while (__atomic_load_n(&release, __ATOMIC_SEQ_CST) == 0) {
            Sleep(20);
        }
    }
    return 0;
}

static const struct sleeper_row {
    const char *name;
    enum sleeper_place place;
} sleeper_rows[] = {
    {"event", SLEEP_FOR_EVENT},
    {"recv", SLEEP_IN_RECV},
    {"time", SLEEP_FOR_TIME},
};

/* A running thread that sleeps makes room for another one. */
static void port__one_may_run_and_sleeps_in_ROW__another_one_runs(struct t_run *t)
{
    static struct sleeper sleepers[2];
    const struct sleeper_row *row = (const struct sleeper_row *)t->row;
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    HANDLE both[2];
    SOCKET ends[2];
    unsigned i;
    DWORD got;
    T_TRUE(port != NULL);
    t->objects[t->object_count++] = port;
    T_DO(t_pair(t, AF_INET, ends));
    release = 0;
    for (i = 0; i < 2; i++) {
        memset(&sleepers[i], 0, sizeof sleepers[i]);
        sleepers[i].place = row->place;
        sleepers[i].event = t_event(t);
        sleepers[i].s = ends[0];
        sleepers[i].taker.port = port;
        sleepers[i].taker.taken = both[i] = t_event(t);
        T_DO(t_thread(t, take_and_sleep, &sleepers[i]) != NULL);
    }
    let_it_wait();
    T_TRUE(PostQueuedCompletionStatus(port, 1, 1, NULL));
    T_TRUE(PostQueuedCompletionStatus(port, 2, 2, NULL));
    got = WaitForMultipleObjects(2, both, TRUE, T_WAIT_MS);
    __atomic_store_n(&release, 1, __ATOMIC_SEQ_CST);
    T_EQ(got, WAIT_OBJECT_0);
    SetEvent(sleepers[0].event);
    SetEvent(sleepers[1].event);
    T_DO(t_send_all(t, ends[1], "ab", 2));
}

/* ---- the end of a port ---- */

static void port__closed_while_threads_wait__abandoned(struct t_run *t)
{
    static struct taker takers[WAITERS];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    unsigned i;
    T_TRUE(port != NULL);
    for (i = 0; i < WAITERS; i++) {
        T_DO(taker_start(t, &takers[i], port, take_one));
    }
    let_it_wait();
    T_TRUE(CloseHandle(port));
    for (i = 0; i < WAITERS; i++) {
        T_EQ(WaitForSingleObject(takers[i].taken, T_WAIT_MS), WAIT_OBJECT_0);
        T_EQ(takers[i].packet.ok, FALSE);
        T_EQ(takers[i].packet.error, ERROR_ABANDONED_WAIT_0);
        T_TRUE(takers[i].packet.overlapped == NULL);
    }
}

static void port__closed_with_packets__socket_goes_on(struct t_run *t)
{
    SOCKET ends[2];
    HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
    HANDLE event = t_event(t);
    struct t_post post[2];
    DWORD bytes = 0;
    T_DO(port != NULL && event != NULL && t_pair(t, AF_INET, ends));
    T_TRUE(CreateIoCompletionPort((HANDLE)ends[0], port, 1, 0) == port);
    T_EQ(t_post_recv(ends[0], &post[0], 1, event), WSA_IO_PENDING);
    T_EQ(t_post_recv(ends[0], &post[1], 1, NULL), WSA_IO_PENDING);
    T_DO(t_send_all(t, ends[1], "x", 1));
    T_EQ(WaitForSingleObject(event, T_WAIT_MS), WAIT_OBJECT_0);
    T_TRUE(PostQueuedCompletionStatus(port, 1, 1, NULL));
    T_TRUE(CloseHandle(port));
    T_EQ(t_packet_take(port, 0).error, ERROR_INVALID_HANDLE);
    T_FALSE(PostQueuedCompletionStatus(port, 1, 1, NULL), ERROR_INVALID_HANDLE);
    T_FALSE(CloseHandle(port), ERROR_INVALID_HANDLE);
    T_DO(t_send_all(t, ends[1], "y", 1));
    T_TRUE(GetOverlappedResult((HANDLE)ends[0], &post[1].overlapped, &bytes, TRUE));
    T_EQ(bytes, 1);
}

/* ---- arguments ---- */

static void port__handles_that_are_none__invalid_handle(struct t_run *t)
{
    HANDLE wrong[4];
    OVERLAPPED_ENTRY entry;
    ULONG removed;
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    unsigned i;
    wrong[0] = NULL;
    wrong[1] = INVALID_HANDLE_VALUE;
    wrong[2] = t_event(t);
    wrong[3] = (HANDLE)s;
    T_DO(wrong[2] != NULL && s != INVALID_SOCKET);
    for (i = 0; i < T_COUNT(wrong); i++) {
        struct t_packet packet = t_packet_take(wrong[i], 0);
        T_EQ(packet.ok, FALSE);
        T_EQ(packet.error, ERROR_INVALID_HANDLE);
        T_TRUE(packet.overlapped == NULL);
        T_FALSE(GetQueuedCompletionStatusEx(wrong[i], &entry, 1, &removed, 0, FALSE), ERROR_INVALID_HANDLE);
        T_FALSE(PostQueuedCompletionStatus(wrong[i], 0, 0, NULL), ERROR_INVALID_HANDLE);
    }
}

static void port__files_that_are_none__refused(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    HANDLE event = t_event(t);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    T_DO(port != NULL && event != NULL && s != INVALID_SOCKET);
    T_FALSE(CreateIoCompletionPort(INVALID_HANDLE_VALUE, port, 1, 0) != NULL, ERROR_INVALID_PARAMETER);
    T_FALSE(CreateIoCompletionPort(NULL, port, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_FALSE(CreateIoCompletionPort(NULL, NULL, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_FALSE(CreateIoCompletionPort(event, port, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_FALSE(CreateIoCompletionPort(port, port, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_OK(t_close(t, s));
    T_FALSE(CreateIoCompletionPort((HANDLE)s, port, 1, 0) != NULL, ERROR_INVALID_HANDLE);
    T_FALSE(SetFileCompletionNotificationModes(event, 1), ERROR_INVALID_HANDLE);
    T_FALSE(SetFileCompletionNotificationModes((HANDLE)s, 1), ERROR_INVALID_HANDLE);
}

static void port__socket_not_made_for_overlapped_calls__invalid_parameter(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    SOCKET s = t_keep(t, WSASocketW(AF_INET, SOCK_STREAM, 0, NULL, 0, 0));
    T_DO(port != NULL && s != INVALID_SOCKET);
    T_FALSE(CreateIoCompletionPort((HANDLE)s, port, 1, 0) != NULL, ERROR_INVALID_PARAMETER);
}

static void entries__no_room__invalid_parameter(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    OVERLAPPED_ENTRY entry;
    ULONG removed = 7;
    T_DO(port != NULL);
    T_TRUE(PostQueuedCompletionStatus(port, 1, 2, NULL));
    T_FALSE(GetQueuedCompletionStatusEx(port, &entry, 0, &removed, 0, FALSE), ERROR_INVALID_PARAMETER);
    T_PACKET(port, 2, NULL, 1);
}

static void entries__nothing_comes__timeout(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    OVERLAPPED_ENTRY entry;
    ULONG removed = 7;
    T_DO(port != NULL);
    T_FALSE(GetQueuedCompletionStatusEx(port, &entry, 1, &removed, 0, FALSE), WAIT_TIMEOUT);
    T_FALSE(GetQueuedCompletionStatusEx(port, &entry, 1, &removed, 20, TRUE), WAIT_TIMEOUT);
    T_TRUE(removed <= 1);
}

static volatile LONG calls;

static void CALLBACK call_count(ULONG_PTR context)
{
    calls += (LONG)context;
}

static void entries__alertable__calls_end_the_wait(struct t_run *t)
{
    HANDLE port = t_port_make(t);
    OVERLAPPED_ENTRY entry;
    ULONG removed = 0;
    T_DO(port != NULL);
    calls = 0;
    T_TRUE(QueueUserAPC(call_count, GetCurrentThread(), 1));
    T_FALSE(GetQueuedCompletionStatusEx(port, &entry, 1, &removed, T_QUIET_MS, FALSE), WAIT_TIMEOUT);
    T_EQ(calls, 0);
    T_FALSE(GetQueuedCompletionStatusEx(port, &entry, 1, &removed, T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_EQ(calls, 1);
    /* A packet that is there comes first. */
    T_TRUE(QueueUserAPC(call_count, GetCurrentThread(), 1));
    T_TRUE(PostQueuedCompletionStatus(port, 3, 4, NULL));
    T_TRUE(GetQueuedCompletionStatusEx(port, &entry, 1, &removed, T_WAIT_MS, TRUE));
    T_EQ(removed, 1);
    T_EQ(entry.lpCompletionKey, 4);
    T_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    T_EQ(calls, 2);
}

static const struct t_cases cases[] = {
    T_CASE(port__three_threads_wait__last_come_first_served),
    T_CASE(port__many_packets__in_the_order_of_posting),
    T_CASE(port__one_may_run__second_packet_waits_for_it),
    T_TABLE(port__one_may_run_and_sleeps_in_ROW__another_one_runs, sleeper_rows),
    T_CASE(port__closed_while_threads_wait__abandoned),
    T_CASE(port__closed_with_packets__socket_goes_on),
    T_CASE(port__handles_that_are_none__invalid_handle),
    T_CASE(port__files_that_are_none__refused),
    T_CASE(port__socket_not_made_for_overlapped_calls__invalid_parameter),
    T_CASE(entries__no_room__invalid_parameter),
    T_CASE(entries__nothing_comes__timeout),
    T_CASE(entries__alertable__calls_end_the_wait),
};

const struct t_group t_group_kernel_port_wait = {"kernel_port_wait", cases, T_COUNT(cases), false};
