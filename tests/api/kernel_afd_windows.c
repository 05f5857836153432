/*
 * Polls through the device under Windows' own sockets, as libuv, wepoll and mio make them: past Winsock, by
 * NtDeviceIoControlFile on a handle of \Device\Afd or on a socket. What is expected is what public programs rely on and
 * public conformance suites observe. Rule WPU-22.
 */
#include "kernel.h"

#include <winternl.h>

#define AFD_POLL 0x12024u
#define RECEIVE 0x1u
#define EXPEDITED 0x2u
#define SEND 0x4u
#define DISCONNECT 0x8u
#define ABORT 0x10u
#define LOCAL_CLOSE 0x20u
#define CONNECT 0x40u
#define ACCEPT 0x80u
#define CONNECT_FAIL 0x100u
#define EVERYTHING 0x1ffu

#define FOR_EVER INT64_MAX
#define SOON (-1000000) /* 100 ms */
#define NT_TIMEOUT ((NTSTATUS)0x102)
#define NT_CANCELLED ((NTSTATUS)0xc0000120)
#define NT_INVALID_HANDLE ((NTSTATUS)0xc0000008)
#define NT_INVALID_PARAMETER ((NTSTATUS)0xc000000d)
#define NT_REFUSED ((NTSTATUS)0xc0000236)
#define POLLED 3
#define KEY 77

struct afd_poll {
    LARGE_INTEGER timeout;
    ULONG count;
    ULONG exclusive;
    struct {
        HANDLE handle;
        ULONG events;
        NTSTATUS status;
    } sockets[POLLED];
};

typedef NTSTATUS(NTAPI *create_fn)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, PLARGE_INTEGER, ULONG,
                                   ULONG, ULONG, ULONG, PVOID, ULONG);
typedef NTSTATUS(NTAPI *control_fn)(HANDLE, HANDLE, PVOID, PVOID, PIO_STATUS_BLOCK, ULONG, PVOID, ULONG, PVOID, ULONG);
typedef NTSTATUS(NTAPI *cancel_fn)(HANDLE, PIO_STATUS_BLOCK, PIO_STATUS_BLOCK);

/* A poll, with what it is told by. */
struct asked {
    IO_STATUS_BLOCK iosb;
    HANDLE event;
    struct afd_poll poll;
};

static FARPROC ntdll(const char *name)
{
    return GetProcAddress(GetModuleHandleA("ntdll.dll"), name);
}

static ULONG bytes_for(ULONG count)
{
    return (ULONG)(offsetof(struct afd_poll, sockets) + count * sizeof((struct afd_poll *)NULL)->sockets[0]);
}

static HANDLE device_open(struct t_run *t)
{
    static WCHAR name[] = L"\\Device\\Afd\\T";
    UNICODE_STRING path = {sizeof name - sizeof name[0], sizeof name, name};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &path};
    create_fn create = (create_fn)(uintptr_t)ntdll("NtCreateFile");
    IO_STATUS_BLOCK status = {0};
    HANDLE device = NULL;
    if (create(&device, SYNCHRONIZE, &attributes, &status, NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0,
               NULL, 0) != 0) {
        t_skip(t, "no Afd device here");
        return NULL;
    }
    return device;
}

static void asked_set(struct asked *asked, int64_t timeout, SOCKET s, ULONG events)
{
    HANDLE event = asked->event;
    memset(asked, 0, sizeof *asked);
    asked->event = event;
    asked->iosb.Status = (NTSTATUS)0x55;
    asked->poll.timeout.QuadPart = timeout;
    asked->poll.count = 1;
    asked->poll.sockets[0].handle = (HANDLE)s;
    asked->poll.sockets[0].events = events;
}

static NTSTATUS ask_with(HANDLE file, struct asked *asked, PVOID routine, PVOID context)
{
    control_fn control = (control_fn)(uintptr_t)ntdll("NtDeviceIoControlFile");
    ULONG bytes = bytes_for(asked->poll.count);
    return control(file, asked->event, routine, context, &asked->iosb, AFD_POLL, &asked->poll, bytes, &asked->poll,
                   bytes);
}

static NTSTATUS ask(HANDLE file, struct asked *asked)
{
    return ask_with(file, asked, NULL, NULL);
}

/* The events of one socket; waits for them as a program does. 0: none within the time. */
static ULONG events_of(struct t_run *t, HANDLE file, SOCKET s, ULONG wanted, NTSTATUS *why)
{
    struct asked asked = {.event = t_event(t)};
    NTSTATUS got;
    asked_set(&asked, -10000 * (int64_t)T_WAIT_MS, s, wanted);
    got = ask(file, &asked);
    if (got == (NTSTATUS)STATUS_PENDING) {
        (void)WaitForSingleObject(asked.event, INFINITE);
        got = asked.iosb.Status;
    }
    if (why != NULL) {
        *why = asked.poll.sockets[0].status;
    }
    return got == 0 && asked.poll.count == 1 && asked.poll.sockets[0].handle == (HANDLE)s ? asked.poll.sockets[0].events
                                                                                          : 0;
}

static void afd__stream__each_state_told(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    char byte;
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    T_EQ(events_of(t, device, ends[1], EVERYTHING, NULL), SEND | CONNECT);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(events_of(t, device, ends[1], RECEIVE, NULL), RECEIVE);
    T_EQ(events_of(t, device, ends[1], EVERYTHING, NULL), RECEIVE | SEND | CONNECT);
    T_EQ(recv(ends[1], &byte, 1, 0), 1);
    T_EQ(send(ends[0], "u", 1, MSG_OOB), 1);
    T_EQ(events_of(t, device, ends[1], EXPEDITED, NULL), EXPEDITED);
    T_EQ(recv(ends[1], &byte, 1, MSG_OOB), 1);
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(events_of(t, device, ends[1], DISCONNECT | ABORT, NULL), DISCONNECT);
    T_EQ(events_of(t, (HANDLE)ends[1], ends[1], EVERYTHING, NULL), SEND | CONNECT | DISCONNECT);
    t_reset(t, ends[1]);
    T_EQ(events_of(t, device, ends[0], ABORT, NULL), ABORT);
    T_EQ(events_of(t, device, ends[0], EVERYTHING & ~(ULONG)DISCONNECT, NULL) & ABORT, ABORT);
}

static void afd__listener_and_connects__told(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET listener = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET client = t_socket(t, AF_INET, SOCK_STREAM);
    SOCKET lost = t_socket(t, AF_INET, SOCK_STREAM);
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct asked asked = {.event = t_event(t)};
    NTSTATUS why = 1;
    u_long on = 1;
    int bytes = sizeof at;
    T_DO(device != NULL && listener != INVALID_SOCKET && client != INVALID_SOCKET && lost != INVALID_SOCKET);
    t->objects[t->object_count++] = device;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    T_OK(bind(listener, (const struct sockaddr *)&at, sizeof at));
    T_OK(listen(listener, 1));
    T_OK(getsockname(listener, (struct sockaddr *)&at, &bytes));
    T_OK(ioctlsocket(client, (long)FIONBIO, &on));
    /* Nothing to tell before there is a connection; then the connection and room for data. */
    asked_set(&asked, FOR_EVER, client, EVERYTHING);
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_EQ(WaitForSingleObject(asked.event, T_QUIET_MS), WAIT_TIMEOUT);
    (void)connect(client, (const struct sockaddr *)&at, sizeof at);
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.poll.sockets[0].events & CONNECT, CONNECT);
    T_EQ(events_of(t, device, listener, EVERYTHING, NULL), ACCEPT);
    T_OK(t_close(t, listener));
    T_OK(ioctlsocket(lost, (long)FIONBIO, &on));
    (void)connect(lost, (const struct sockaddr *)&at, sizeof at);
    T_EQ(events_of(t, device, lost, EVERYTHING, &why), CONNECT_FAIL);
    T_EQ(why, NT_REFUSED);
    T_EQ(events_of(t, device, lost, SEND | CONNECT_FAIL, &why), CONNECT_FAIL);
}

static void afd__datagrams__told(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    struct asked asked = {.event = t_event(t)};
    T_DO(device != NULL && t_udp_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    T_EQ(events_of(t, device, ends[1], SEND, NULL), SEND);
    asked_set(&asked, FOR_EVER, ends[1], RECEIVE | ABORT);
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.iosb.Status, 0);
    T_EQ(asked.iosb.Information, bytes_for(1));
    T_EQ(asked.poll.count, 1);
    T_EQ(asked.poll.sockets[0].events, RECEIVE);
}

/* As mio and wepoll do: the status block is the OVERLAPPED that the port gives. */
static void afd__device_on_a_port__packets_in_the_call_and_later(struct t_run *t)
{
    HANDLE device = device_open(t);
    HANDLE port = t_port_make(t);
    SOCKET ends[2];
    struct asked asked = {.event = NULL};
    LPOVERLAPPED as_overlapped = (LPOVERLAPPED)(void *)&asked.iosb;
    T_DO(device != NULL && port != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    T_TRUE(CreateIoCompletionPort(device, port, KEY, 0) == port);
    T_TRUE(SetFileCompletionNotificationModes(device, FILE_SKIP_SET_EVENT_ON_HANDLE));
    asked_set(&asked, FOR_EVER, ends[1], SEND);
    T_EQ(ask_with(device, &asked, NULL, &asked.iosb), 0);
    T_PACKET(port, KEY, as_overlapped, bytes_for(1));
    asked_set(&asked, FOR_EVER, ends[1], RECEIVE | LOCAL_CLOSE);
    T_EQ(ask_with(device, &asked, NULL, &asked.iosb), (NTSTATUS)STATUS_PENDING);
    T_EQ(t_packet_take(port, T_QUIET_MS).ok, FALSE);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_PACKET(port, KEY, as_overlapped, bytes_for(1));
    T_EQ(asked.poll.sockets[0].events, RECEIVE);
    /* Without a context nobody is told. */
    asked_set(&asked, FOR_EVER, ends[1], RECEIVE);
    T_EQ(ask(device, &asked), 0);
    T_EQ(t_packet_take(port, 0).ok, FALSE);
}

/* As libuv does: a socket that is associated with the port serves for polls of others. */
static void afd__on_another_socket__its_port_is_told(struct t_run *t)
{
    HANDLE port;
    SOCKET ends[2];
    SOCKET peer[2];
    struct asked asked = {.event = NULL};
    T_DO(t_port_pair(t, peer, &port) && t_pair(t, AF_INET, ends));
    asked_set(&asked, FOR_EVER, ends[1], RECEIVE);
    T_EQ(ask_with((HANDLE)peer[0], &asked, NULL, &asked.iosb), (NTSTATUS)STATUS_PENDING);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_PACKET(port, 42, (LPOVERLAPPED)(void *)&asked.iosb, bytes_for(1));
    T_EQ(asked.poll.sockets[0].events, RECEIVE);
}

static void afd__time__none_passed_or_far(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    struct asked asked = {.event = t_event(t)};
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    asked_set(&asked, 0, ends[1], RECEIVE);
    T_EQ(ask(device, &asked), 0);
    T_EQ(asked.poll.count, 0);
    T_EQ(asked.iosb.Information, bytes_for(0));
    asked_set(&asked, 1, ends[1], RECEIVE); /* long ago */
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.iosb.Status, NT_TIMEOUT);
    asked_set(&asked, SOON, ends[1], RECEIVE);
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.iosb.Status, NT_TIMEOUT);
    T_EQ(asked.poll.count, 0);
    /* One with a time that ends before it. */
    asked_set(&asked, -100000000, ends[1], RECEIVE);
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.iosb.Status, 0);
}

static void afd__cancelled__by_structure_by_file_and_by_close(struct t_run *t)
{
    cancel_fn cancel_one = (cancel_fn)(uintptr_t)ntdll("NtCancelIoFileEx");
    HANDLE device = device_open(t);
    SOCKET ends[2];
    IO_STATUS_BLOCK done = {0};
    struct asked first = {.event = t_event(t)};
    struct asked second = {.event = t_event(t)};
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    asked_set(&first, FOR_EVER, ends[1], RECEIVE);
    asked_set(&second, FOR_EVER, ends[1], RECEIVE);
    T_EQ(ask(device, &first), (NTSTATUS)STATUS_PENDING);
    T_EQ(ask(device, &second), (NTSTATUS)STATUS_PENDING);
    T_EQ(cancel_one(device, &first.iosb, &done), 0);
    T_EQ(WaitForSingleObject(first.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(first.iosb.Status, NT_CANCELLED);
    T_EQ(WaitForSingleObject(second.event, 0), WAIT_TIMEOUT);
    T_TRUE(cancel_one(device, &first.iosb, &done) < 0);
    T_TRUE(CancelIoEx(device, NULL));
    T_EQ(WaitForSingleObject(second.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(second.iosb.Status, NT_CANCELLED);
    asked_set(&first, FOR_EVER, ends[1], RECEIVE);
    T_EQ(ask(device, &first), (NTSTATUS)STATUS_PENDING);
    T_TRUE(CloseHandle(device));
    T_EQ(WaitForSingleObject(first.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(first.iosb.Status, NT_CANCELLED);
    /* The socket and its own requests have nothing to do with it. */
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(events_of(t, (HANDLE)ends[0], ends[1], RECEIVE, NULL), RECEIVE);
}

static void afd__requests_of_the_socket_cancelled__poll_stays(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    struct asked asked = {.event = t_event(t)};
    struct t_post post;
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    asked_set(&asked, FOR_EVER, ends[1], DISCONNECT);
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_EQ(t_post_recv(ends[1], &post, 1, t_event(t)), WSA_IO_PENDING);
    T_TRUE(CancelIoEx((HANDLE)ends[1], NULL));
    T_EQ(WaitForSingleObject(post.overlapped.hEvent, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(WaitForSingleObject(asked.event, T_QUIET_MS), WAIT_TIMEOUT);
    T_OK(shutdown(ends[0], SD_SEND));
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.poll.sockets[0].events, DISCONNECT);
}

static void afd__polled_socket_closed__local_close(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    struct asked asked = {.event = t_event(t)};
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    asked_set(&asked, FOR_EVER, ends[1], 0); /* told whatever was asked */
    T_EQ(ask(device, &asked), (NTSTATUS)STATUS_PENDING);
    T_OK(t_close(t, ends[1]));
    T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(asked.iosb.Status, 0);
    T_EQ(asked.poll.count, 1);
    T_EQ(asked.poll.sockets[0].events, LOCAL_CLOSE);
}

static void afd__exclusive__ends_the_exclusive_one_before(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    struct asked first = {.event = t_event(t)};
    struct asked second = {.event = t_event(t)};
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    asked_set(&first, FOR_EVER, ends[1], RECEIVE);
    asked_set(&second, FOR_EVER, ends[1], RECEIVE);
    first.poll.exclusive = second.poll.exclusive = 1;
    T_EQ(ask(device, &first), (NTSTATUS)STATUS_PENDING);
    T_EQ(ask(device, &second), (NTSTATUS)STATUS_PENDING);
    T_EQ(WaitForSingleObject(first.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(first.iosb.Status, 0);
    T_EQ(WaitForSingleObject(second.event, T_QUIET_MS), WAIT_TIMEOUT);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(WaitForSingleObject(second.event, T_WAIT_MS), WAIT_OBJECT_0);
    T_EQ(second.poll.sockets[0].events, RECEIVE);
}

static void afd__several_sockets__the_ready_ones(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET a[2];
    SOCKET b[2];
    struct asked asked = {.event = t_event(t)};
    int i;
    T_DO(device != NULL && t_pair(t, AF_INET, a) && t_pair(t, AF_INET, b));
    t->objects[t->object_count++] = device;
    for (i = 0; i < 2; i++) {
        asked_set(&asked, FOR_EVER, a[1], RECEIVE);
        asked.poll.sockets[1].handle = (HANDLE)b[0];
        asked.poll.sockets[1].events = i == 0 ? RECEIVE : RECEIVE | SEND;
        asked.poll.sockets[2].handle = (HANDLE)b[1];
        asked.poll.sockets[2].events = RECEIVE;
        asked.poll.count = 3;
        T_EQ(ask(device, &asked), i == 0 ? (NTSTATUS)STATUS_PENDING : 0);
        if (i == 0) {
            T_EQ(send(b[0], "x", 1, 0), 1);
            T_EQ(WaitForSingleObject(asked.event, T_WAIT_MS), WAIT_OBJECT_0);
        }
        T_EQ(asked.iosb.Information, bytes_for((ULONG)i + 1));
        T_EQ(asked.poll.count, i + 1);
        T_TRUE(asked.poll.sockets[0].handle == (HANDLE)(i == 0 ? b[1] : b[0]));
        T_EQ(asked.poll.sockets[0].events, i == 0 ? RECEIVE : SEND);
        T_TRUE(i == 0 || asked.poll.sockets[1].handle == (HANDLE)b[1]);
    }
}

static PIO_STATUS_BLOCK routine_told;

static VOID NTAPI routine(PVOID context, PIO_STATUS_BLOCK iosb, ULONG reserved)
{
    (void)reserved;
    routine_told = *(int *)context == 5 ? iosb : NULL;
}

static void afd__routine__runs_in_an_alertable_wait(struct t_run *t)
{
    HANDLE device = device_open(t);
    SOCKET ends[2];
    struct asked asked = {.event = NULL};
    int five = 5;
    T_DO(device != NULL && t_pair(t, AF_INET, ends));
    t->objects[t->object_count++] = device;
    routine_told = NULL;
    asked_set(&asked, FOR_EVER, ends[1], RECEIVE);
    T_EQ(ask_with(device, &asked, (PVOID)(uintptr_t)routine, &five), (NTSTATUS)STATUS_PENDING);
    T_EQ(SleepEx(0, TRUE), 0);
    T_EQ(send(ends[0], "x", 1, 0), 1);
    T_EQ(SleepEx(T_WAIT_MS, TRUE), WAIT_IO_COMPLETION);
    T_TRUE(routine_told == &asked.iosb);
    T_EQ(asked.poll.sockets[0].events, RECEIVE);
}

static void afd__bad_arguments__an_error(struct t_run *t)
{
    control_fn control = (control_fn)(uintptr_t)ntdll("NtDeviceIoControlFile");
    HANDLE device = device_open(t);
    SOCKET s = t_socket(t, AF_INET, SOCK_STREAM);
    HANDLE file = CreateFileA("NUL", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    struct asked asked = {.event = t_event(t)};
    T_DO(device != NULL && s != INVALID_SOCKET && file != INVALID_HANDLE_VALUE);
    t->objects[t->object_count++] = device;
    t->objects[t->object_count++] = file;
    asked_set(&asked, 0, s, RECEIVE);
    T_EQ(control((HANDLE)s, asked.event, NULL, NULL, &asked.iosb, AFD_POLL, &asked.poll, bytes_for(1), NULL, 0),
         NT_INVALID_PARAMETER);
    T_EQ(control((HANDLE)s, asked.event, NULL, NULL, &asked.iosb, AFD_POLL, &asked.poll, bytes_for(1) - 1, &asked.poll,
                 bytes_for(1) - 1),
         NT_INVALID_PARAMETER);
    asked.poll.count = 2;
    T_EQ(control(device, asked.event, NULL, NULL, &asked.iosb, AFD_POLL, &asked.poll, bytes_for(1), &asked.poll,
                 bytes_for(1)),
         NT_INVALID_PARAMETER);
    asked.poll.sockets[1].handle = (HANDLE)(uintptr_t)0xabacab;
    T_EQ(ask(device, &asked), NT_INVALID_HANDLE);
    asked.poll.sockets[1].handle = file; /* no socket */
    T_TRUE(ask(device, &asked) < 0);
    asked.poll.count = 1;
    T_TRUE(ask(file, &asked) < 0);
    T_TRUE(ask((HANDLE)(uintptr_t)0xabacab, &asked) < 0);
    T_EQ(ask(device, &asked), 0);
}

static const struct t_cases cases[] = {
    T_CASE(afd__stream__each_state_told),
    T_CASE(afd__listener_and_connects__told),
    T_CASE(afd__datagrams__told),
    T_CASE(afd__device_on_a_port__packets_in_the_call_and_later),
    T_CASE(afd__on_another_socket__its_port_is_told),
    T_CASE(afd__time__none_passed_or_far),
    T_CASE(afd__cancelled__by_structure_by_file_and_by_close),
    T_CASE(afd__requests_of_the_socket_cancelled__poll_stays),
    T_CASE(afd__polled_socket_closed__local_close),
    T_CASE(afd__exclusive__ends_the_exclusive_one_before),
    T_CASE(afd__several_sockets__the_ready_ones),
    T_CASE(afd__routine__runs_in_an_alertable_wait),
    T_CASE(afd__bad_arguments__an_error),
};

const struct t_group t_group_kernel_afd = {"kernel_afd", cases, T_COUNT(cases), false};
