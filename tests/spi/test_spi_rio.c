/** @file Registered I/O: the table, registrations, queues, and what is refused. */
#include "t_ext.h"
#include "t_rio.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 65536u

/* --- The table ------------------------------------------------------------------ */

static const GUID rio_guid = WSAID_MULTIPLE_RIO;

static void table__any_socket__all_functions(void **state)
{
    static const struct {
        int af, type;
        DWORD flags;
    } rows[] = {{AF_INET, SOCK_STREAM, 0},
                {AF_INET6, SOCK_DGRAM, WSA_FLAG_OVERLAPPED},
                {AF_INET, SOCK_DGRAM, WSA_FLAG_REGISTERED_IO}};
    RIO_EXTENSION_FUNCTION_TABLE table;
    void (*functions[13])(void);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SOCKET s = t_socket_flags(rows[i].af, rows[i].type, rows[i].flags);
        DWORD returned = 0;

        memset(&table, i == 0 ? 0xcc : 0, sizeof table);
        assert_int_equal(t_rio_table(s, &rio_guid, sizeof rio_guid, &table, sizeof table, &returned), 0);
        t_close(s);
        assert_int_equal(returned, sizeof table);
        assert_int_equal(table.cbSize, sizeof table);
        assert_int_equal(sizeof table, sizeof(void *) * 14);
        memcpy(functions, &table.RIOReceive, sizeof functions);
        for (size_t f = 0; f < 13; f++)
            assert_non_null(functions[f]);
        assert_memory_equal(&table.RIOReceive, &t_rio.RIOReceive,
                            sizeof functions); /* the provider's, not a socket's */
    }
}

static void table__bad_arguments__codes_and_nothing_written(void **state)
{
    static const GUID other = WSAID_ACCEPTEX;
    SOCKET s = t_socket(AF_INET, SOCK_DGRAM);
    struct {
        RIO_EXTENSION_FUNCTION_TABLE table;
        char beyond[16];
    } out;
    unsigned char id[17] = {0}, *bytes = (unsigned char *)&out;
    DWORD returned = 0;

    (void)state;
    memset(&out, 0x5a, sizeof out);
    memcpy(id, &rio_guid, sizeof rio_guid);
    t_fails(t_rio_table(s, &rio_guid, sizeof rio_guid, &out, sizeof out.table - 1, &returned), WSAEFAULT);
    t_fails(t_rio_table(s, &rio_guid, sizeof rio_guid, NULL, sizeof out.table, &returned), WSAEFAULT);
    t_fails(t_rio_table(s, NULL, sizeof rio_guid, &out, sizeof out, &returned), WSAEFAULT);
    t_fails(t_rio_table(s, &other, sizeof other, &out, sizeof out, &returned), WSAEINVAL);
    t_fails(t_rio_table(s, id, 15, &out, sizeof out, &returned), WSAEINVAL);
    t_fails(t_rio_table(s, id, 17, &out, sizeof out, &returned), WSAEINVAL);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(bytes[i], 0x5a);
    assert_int_equal(t_rio_table(s, id, 16, &out, sizeof out, &returned), 0);
    assert_int_equal(returned, sizeof out.table);
    assert_int_equal(out.beyond[0], 0x5a);
    t_close(s);
}

/* --- Registered memory -------------------------------------------------------------- */

/* A queue pair of a datagram socket that sends to itself. */
struct self {
    SOCKET s;
    RIO_CQ cq;
    RIO_RQ rq;
    RIO_BUF to; /* at the region's end */
};

static struct self self_open(void)
{
    struct self self = {.s = t_rio_bound(AF_INET), .cq = t_rio_cq(64)};

    self.rq = t_rio_rq(self.s, 8, 8, self.cq, 0x5e1f);
    self.to = t_rio_name(T_RIO_REGION - 64, t_addr(AF_INET, t_port(self.s)));
    return self;
}

static void self_close(struct self *self)
{
    t_close(self->s);
    t_rio.RIOCloseCompletionQueue(self->cq);
}

static BOOL self_send(struct self *self, RIO_BUF data, uintptr_t context)
{
    return t_rio.RIOSendEx(self->rq, &data, 1, NULL, &self->to, NULL, NULL, 0, (PVOID)context);
}

static BOOL self_receive(struct self *self, RIO_BUF data, uintptr_t context)
{
    return t_rio.RIOReceive(self->rq, &data, 1, 0, (PVOID)context);
}

/* Bytes of one slice arrive in another one. */
static void self_move(struct self *self, RIO_BUF from, RIO_BUF to)
{
    RIORESULT results[2];

    assert_true(self_receive(self, to, 1));
    assert_true(self_send(self, from, 2));
    t_rio_take(self->cq, results, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(results[i].Status, 0);
        assert_int_equal(results[i].BytesTransferred, from.Length);
        assert_int_equal(results[i].SocketContext, 0x5e1f);
        assert_int_equal(results[i].RequestContext, results[i].RequestContext == 1 ? 1 : 2);
    }
    assert_int_not_equal(results[0].RequestContext, results[1].RequestContext);
}

static void buffers__any_memory__ids_and_bytes_at_the_offset(void **state)
{
    struct self self = self_open();
    char on_stack[333], *on_heap = malloc(1001);
    RIO_BUFFERID stack_id, heap_id, again_id;

    (void)state;
    assert_non_null(on_heap);
    memset(on_stack, 's', sizeof on_stack);
    stack_id = t_rio.RIORegisterBuffer(on_stack + 1, sizeof on_stack - 2);
    heap_id = t_rio.RIORegisterBuffer(on_heap, 1001);
    again_id = t_rio.RIORegisterBuffer(on_heap + 1, 1000);
    assert_true(stack_id != RIO_INVALID_BUFFERID && heap_id != RIO_INVALID_BUFFERID);
    assert_true(again_id != RIO_INVALID_BUFFERID && again_id != heap_id);
    memset(on_heap, 'h', 1001);
    self_move(&self, (RIO_BUF){stack_id, 3, 17}, (RIO_BUF){heap_id, 984, 17});
    assert_memory_equal(on_heap + 983, "hsssssssssssssssss", 18);
    t_rio.RIODeregisterBuffer(heap_id); /* the other one of the same memory goes on: RIOX-18 */
    memset(on_stack, 't', sizeof on_stack);
    self_move(&self, (RIO_BUF){stack_id, 0, 331}, (RIO_BUF){again_id, 669, 331});
    assert_int_equal(on_heap[669], 'h');
    for (int i = 670; i < 1001; i++)
        assert_int_equal(on_heap[i], 't');
    t_rio.RIODeregisterBuffer(stack_id);
    t_rio.RIODeregisterBuffer(again_id);
    self_close(&self);
    free(on_heap);
}

static void buffers__not_memory__codes(void **state)
{
    char *pages = t_pages_new(3 * PAGE);

    (void)state;
    assert_true(t_rio.RIORegisterBuffer(pages, 0) == RIO_INVALID_BUFFERID);
    assert_int_equal(t_last_error(), WSAEINVAL);
    t_pages_protect(pages + PAGE, PAGE, T_PAGES_NONE);
    const struct {
        char *at;
        DWORD bytes;
    } rows[] = {{NULL, 16},
                {pages + PAGE, 1},
                {pages, PAGE + 1},
                {pages, 3 * PAGE},
                {pages + 2 * PAGE - 1, 2},
                {pages + 2 * PAGE, 0xffffffff},
                {(char *)(uintptr_t)-16, 32}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        RIO_BUFFERID id = t_rio.RIORegisterBuffer(rows[i].at, rows[i].bytes);

        if (id != RIO_INVALID_BUFFERID)
            fail_msg("row %u was registered", (unsigned)i);
        assert_int_equal(t_last_error(), WSAEFAULT);
    }
    t_pages_free(pages, 3 * PAGE);
}

static void buffers__read_only__sends_and_does_not_receive(void **state)
{
    struct self self = self_open();
    char *pages = t_pages_new(PAGE);
    RIO_BUFFERID id;

    (void)state;
    memcpy(pages, "constant", 8);
    t_pages_protect(pages, PAGE, T_PAGES_READ);
    id = t_rio.RIORegisterBuffer(pages, PAGE);
    assert_true(id != RIO_INVALID_BUFFERID);
    t_rio_fails(self_receive(&self, (RIO_BUF){id, 0, 8}, 1), WSAEFAULT);
    self_move(&self, (RIO_BUF){id, 0, 8}, t_rio_slice(100, 8));
    assert_memory_equal(t_rio_region + 100, "constant", 8);
    t_rio.RIODeregisterBuffer(id);
    self_close(&self);
    t_pages_free(pages, PAGE);
}

static void buffers__bad_slices__refused_and_no_slot_used(void **state)
{
    struct self self = self_open();
    RIO_BUFFERID gone = t_rio.RIORegisterBuffer(t_rio_region, 100);
    RIO_BUFFERID next;
    size_t i;

    (void)state;
    assert_true(gone != RIO_INVALID_BUFFERID);
    t_rio.RIODeregisterBuffer(gone);
    t_rio.RIODeregisterBuffer(gone); /* RIOX-28 */
    t_rio.RIODeregisterBuffer(RIO_INVALID_BUFFERID);
    t_rio.RIODeregisterBuffer(NULL);
    t_rio.RIODeregisterBuffer((RIO_BUFFERID)(uintptr_t)0x123456789);
    t_rio.RIODeregisterBuffer((RIO_BUFFERID)self.cq);
    next = t_rio.RIORegisterBuffer(t_rio_region, 100); /* the same entry, another generation */
    assert_true(next != gone);
    const RIO_BUF rows[] = {
        {gone, 0, 1},
        {RIO_INVALID_BUFFERID, 0, 1},
        {NULL, 0, 0},
        {(RIO_BUFFERID)(uintptr_t)0x7777, 0, 1},
        {(RIO_BUFFERID)(uintptr_t)-1, 0, 1},
        {(RIO_BUFFERID)self.cq, 0, 1},
        {(RIO_BUFFERID)self.rq, 0, 1},
        {(RIO_BUFFERID)t_rio_region, 0, 1},
        {next, 100, 1},
        {next, 0, 101},
        {next, 101, 0},
        {next, 0xffffffff, 1},
        {next, 50, 0xffffffff},
        {t_rio_id, 0xfffffff0, 0x10},
        {t_rio_id, T_RIO_REGION, 1},
    };
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        BOOL accepted = self_send(&self, rows[i], 1);
        int code = t_last_error();

        if (accepted || code != WSAEINVAL)
            fail_msg("row %u: sent %d, code %d", (unsigned)i, accepted, code);
        t_rio_fails(self_receive(&self, rows[i], 1), WSAEINVAL);
    }
    t_rio_quiet(self.cq);
    for (i = 0; i < 8; i++) /* RIOX-83 */
        assert_true(self_receive(&self, (RIO_BUF){next, 100, 0}, i));
    t_rio.RIODeregisterBuffer(next);
    self_close(&self);
}

static void buffers__deregistered_with_requests__they_complete(void **state)
{
    struct self self = self_open();
    char *pages = t_pages_new(PAGE);
    RIO_BUFFERID id = t_rio.RIORegisterBuffer(pages, PAGE);

    (void)state;
    assert_true(self_receive(&self, (RIO_BUF){id, 10, 100}, 1));
    t_rio.RIODeregisterBuffer(id);
    t_rio_fails(self_receive(&self, (RIO_BUF){id, 10, 100}, 2), WSAEINVAL);
    memcpy(t_rio_region, "late", 4);
    assert_true(self_send(&self, t_rio_slice(0, 4), 3));
    for (int i = 0; i < 2; i++) {
        RIORESULT result;

        t_rio_take(self.cq, &result, 1);
        assert_int_equal(result.Status, 0);
        assert_int_equal(result.BytesTransferred, 4);
    }
    assert_memory_equal(pages + 10, "late", 4);
    self_close(&self);
    t_pages_free(pages, PAGE);
}

static void buffers__many_rounds__nothing_is_used_up(void **state)
{
    struct self self = self_open();
    RIO_BUFFERID last = RIO_INVALID_BUFFERID;
    const char *wanted = getenv("T_SPI_ROUNDS"); /* RIOX-31 */
    int rounds = wanted ? (int)strtol(wanted, NULL, 10) : 2000;

    (void)state;
    for (int i = 0; i < rounds; i++) {
        RIO_BUFFERID id = t_rio.RIORegisterBuffer(t_rio_region + i % 2000, 4096);

        assert_true(id != RIO_INVALID_BUFFERID && id != last);
        if (i % 500 == 0)
            self_move(&self, (RIO_BUF){id, 0, 4}, (RIO_BUF){id, 8, 4});
        t_rio.RIODeregisterBuffer(id);
        last = id;
    }
    self_close(&self);
}

static void *register_rounds(void *arg)
{
    char own[256];

    (void)arg;
    for (int i = 0; i < 200; i++) {
        RIO_BUFFERID id = t_rio.RIORegisterBuffer(own, sizeof own);

        if (id == RIO_INVALID_BUFFERID)
            abort();
        t_rio.RIODeregisterBuffer(id);
    }
    return NULL;
}

static void buffers__registered_beside_traffic__nobody_is_disturbed(void **state)
{
    struct self self = self_open();
    struct t_task tasks[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        t_task_start(&tasks[i], register_rounds, NULL);
    for (int i = 0; i < 100; i++) {
        memset(t_rio_region, i, 64);
        self_move(&self, t_rio_slice(0, 64), t_rio_slice(256, 64));
        assert_memory_equal(t_rio_region, t_rio_region + 256, 64);
    }
    for (int i = 0; i < 2; i++)
        t_task_join(&tasks[i]);
    self_close(&self);
}

/* --- Completion queues ---------------------------------------------------------------- */

#define CQ_FAILS(size, notify, code)                                                     \
    do {                                                                                 \
        assert_true(t_rio.RIOCreateCompletionQueue((size), (notify)) == RIO_INVALID_CQ); \
        assert_int_equal(t_last_error(), (code));                                        \
    } while (0)

static void cq__bad_arguments__codes(void **state)
{
    char *pages = t_pages_new(PAGE);
    RIO_NOTIFICATION_COMPLETION notify = {.Type = RIO_EVENT_COMPLETION};

    (void)state;
    CQ_FAILS(0, NULL, WSAEINVAL);
    CQ_FAILS(RIO_MAX_CQ_SIZE + 1, NULL, WSAEINVAL);
    CQ_FAILS(16, &notify, WSAEINVAL); /* no event */
    notify.Event.EventHandle = INVALID_HANDLE_VALUE;
    CQ_FAILS(16, &notify, WSAEINVAL);
    notify.Type = (RIO_NOTIFICATION_COMPLETION_TYPE)3;
    CQ_FAILS(16, &notify, WSAEINVAL);
    notify.Type = (RIO_NOTIFICATION_COMPLETION_TYPE)0;
    CQ_FAILS(16, &notify, WSAEINVAL);
    notify = (RIO_NOTIFICATION_COMPLETION){.Type = RIO_IOCP_COMPLETION};
    notify.Iocp.IocpHandle = (HANDLE)(uintptr_t)8;
    CQ_FAILS(16, &notify, WSAEINVAL); /* no OVERLAPPED */
    notify.Iocp.Overlapped = &notify;
    notify.Iocp.IocpHandle = NULL;
    CQ_FAILS(16, &notify, WSAEINVAL);
    notify.Iocp.IocpHandle = INVALID_HANDLE_VALUE;
    CQ_FAILS(16, &notify, WSAEINVAL);
    t_pages_protect(pages, PAGE, T_PAGES_NONE);
    CQ_FAILS(16, (PRIO_NOTIFICATION_COMPLETION)(void *)pages, WSAEFAULT);
    t_pages_free(pages, PAGE);
}

static void cq__stale_and_foreign__corrupt_or_refused(void **state)
{
    RIO_CQ closed = t_rio_cq(8);
    RIORESULT results[4];

    (void)state;
    assert_int_equal(t_rio.RIODequeueCompletion(closed, results, 4), 0);
    assert_int_equal(t_rio.RIODequeueCompletion(closed, results, 0), 0);
    t_rio.RIOCloseCompletionQueue(closed);
    const RIO_CQ rows[] = {closed,
                           RIO_INVALID_CQ,
                           (RIO_CQ)t_rio_id,
                           (RIO_CQ)(uintptr_t)0x4242,
                           (RIO_CQ)(uintptr_t)-1,
                           (RIO_CQ)(void *)results};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(t_rio.RIODequeueCompletion(rows[i], results, 4), RIO_CORRUPT_CQ);
        assert_int_equal(t_rio.RIONotify(rows[i]), WSAEINVAL);
        t_rio_fails(t_rio.RIOResizeCompletionQueue(rows[i], 16), WSAEINVAL);
        t_rio.RIOCloseCompletionQueue(rows[i]);
    }
}

static void cq__resized__completions_stay_in_order(void **state)
{
    struct self self = self_open();
    RIORESULT results[8];

    (void)state;
    for (uintptr_t i = 0; i < 4; i++) {
        t_rio_region[i] = (char)i;
        assert_true(self_send(&self, t_rio_slice((ULONG)i, 1), 100 + i));
    }
    t_rio_take(self.cq, results, 1);
    assert_int_equal(results[0].RequestContext, 100);
    t_sleep_ms(20); /* the others are in it */
    t_rio_fails(t_rio.RIOResizeCompletionQueue(self.cq, 0), WSAEINVAL);
    t_rio_fails(t_rio.RIOResizeCompletionQueue(self.cq, RIO_MAX_CQ_SIZE + 1), WSAEINVAL);
    t_rio_fails(t_rio.RIOResizeCompletionQueue(self.cq, 15), WSAETOOMANYREFS); /* charged: 8 + 8 */
    assert_true(t_rio.RIOResizeCompletionQueue(self.cq, 16));
    assert_true(t_rio.RIOResizeCompletionQueue(self.cq, 4096));
    for (uintptr_t i = 1; i < 4; i++)
        t_rio_expect(self.cq, 100 + i, 0, 1);
    self_close(&self);
}

/* --- Request queues ---------------------------------------------------------------------- */

static int rq_code(SOCKET s, ULONG receives, ULONG receive_buffers, ULONG sends, ULONG send_buffers, RIO_CQ receive_cq,
                   RIO_CQ send_cq)
{
    RIO_RQ rq = t_rio.RIOCreateRequestQueue(s, receives, receive_buffers, sends, send_buffers, receive_cq, send_cq,
                                            NULL);

    return rq == RIO_INVALID_RQ ? t_last_error() : 0;
}

static void rq__bad_arguments__codes(void **state)
{
    SOCKET s = t_rio_socket(AF_INET, SOCK_DGRAM), plain = t_socket(AF_INET, SOCK_DGRAM);
    SOCKET listener = t_rio_socket(AF_INET, SOCK_STREAM);
    RIO_CQ cq = t_rio_cq(64), closed = t_rio_cq(8);

    (void)state;
    t_rio.RIOCloseCompletionQueue(closed);
    assert_int_equal(t_spi.lpWSPBind(listener, t_addr(AF_INET, 0), t_addr_size(AF_INET), &t_err), 0);
    assert_int_equal(t_spi.lpWSPListen(listener, 1, &t_err), 0);
    assert_int_equal(rq_code(plain, 1, 1, 1, 1, cq, cq), WSAEOPNOTSUPP);
    assert_int_equal(rq_code(listener, 1, 1, 1, 1, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(INVALID_SOCKET, 1, 1, 1, 1, cq, cq), WSAENOTSOCK);
    assert_int_equal(rq_code((SOCKET)0x6660, 1, 1, 1, 1, cq, cq), WSAENOTSOCK);
    assert_int_equal(rq_code(s, 0, 1, 0, 1, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 0, 1, 1, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 1, 1, 0, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 2, 1, 1, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 1, 1, 2, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 0, 2, 1, 1, cq, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 1, 1, 1, RIO_INVALID_CQ, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 1, 0, 1, cq, RIO_INVALID_CQ), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 1, 1, 1, closed, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 1, 1, 1, 1, (RIO_CQ)t_rio_id, cq), WSAEINVAL);
    assert_int_equal(rq_code(s, 65, 1, 0, 0, cq, cq), WSAENOBUFS);
    assert_int_equal(rq_code(s, 0x7fffffff, 1, 0, 0, cq, cq), WSAENOBUFS);
    assert_int_equal(rq_code(s, 1, 1, 0, 0, cq, cq), 0);         /* RIOX-63 */
    assert_int_equal(rq_code(s, 1, 1, 1, 1, cq, cq), WSAEINVAL); /* RIOX-67 */
    t_close(s);
    assert_int_equal(rq_code(s, 1, 1, 1, 1, cq, cq), WSAENOTSOCK);
    t_close(plain);
    t_close(listener);
    t_rio.RIOCloseCompletionQueue(cq);
}

static void rq__raw_socket__not_supported(void **state)
{
    LPWSAPROTOCOL_INFOW info = t_info(AF_INET, SOCK_RAW);
    SOCKET s = t_spi.lpWSPSocket(AF_INET, SOCK_RAW, IPPROTO_ICMP, info, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO,
                                 &t_err);
    RIO_CQ cq = t_rio_cq(8);

    (void)state;
    if (s == INVALID_SOCKET) { /* no right to open one */
        assert_int_equal(t_err, WSAEACCES);
    } else {
        assert_int_equal(rq_code(s, 1, 1, 1, 1, cq, cq), WSAEOPNOTSUPP);
        t_close(s);
    }
    t_rio.RIOCloseCompletionQueue(cq);
}

static void rq__unready_sockets__made_and_refuse_data(void **state)
{
    SOCKET udp = t_rio_socket(AF_INET6, SOCK_DGRAM), tcp = t_rio_socket(AF_INET, SOCK_STREAM);
    RIO_CQ cq = t_rio_cq(16);
    RIO_RQ udp_rq = t_rio_rq(udp, 2, 2, cq, 1), tcp_rq = t_rio_rq(tcp, 2, 2, cq, 2);
    SOCKET receiver = t_bound(AF_INET6, SOCK_DGRAM);
    RIO_BUF data = t_rio_slice(0, 3), to = t_rio_name(64, t_addr(AF_INET6, t_port(receiver)));
    char text[8];

    (void)state;
    t_rio_fails(t_rio.RIOReceive(udp_rq, &data, 1, 0, NULL), WSAEINVAL); /* RIOX-71 */
    t_rio_fails(t_rio.RIOSend(udp_rq, &data, 1, 0, NULL), WSAENOTCONN);  /* RIOX-128 */
    t_rio_fails(t_rio.RIOSend(tcp_rq, &data, 1, 0, NULL), WSAENOTCONN);  /* RIOX-70 */
    t_rio_fails(t_rio.RIOReceive(tcp_rq, &data, 1, 0, NULL), WSAENOTCONN);
    memcpy(t_rio_region, "abc", 3);
    assert_true(t_rio.RIOSendEx(udp_rq, &data, 1, NULL, &to, NULL, NULL, 0, (PVOID)(uintptr_t)9));
    t_rio_expect(cq, 9, 0, 3);
    assert_int_equal(t_recvfrom(receiver, text, sizeof text, NULL), 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_not_equal(t_port(udp), 0); /* it was bound */
    assert_true(t_rio.RIOReceive(udp_rq, &data, 1, 0, NULL));
    t_close(udp);
    t_close(tcp);
    t_close(receiver);
    t_rio.RIOCloseCompletionQueue(cq);
}

static void rq__charges__fill_the_queue_and_come_back(void **state)
{
    SOCKET a = t_rio_bound(AF_INET), b = t_rio_bound(AF_INET), c = t_rio_bound(AF_INET);
    RIO_CQ one = t_rio_cq(10), two = t_rio_cq(10);
    RIO_BUF data = t_rio_slice(0, 16);
    RIORESULT results[8];
    RIO_RQ rq;

    (void)state;
    assert_int_equal(rq_code(a, 6, 1, 5, 1, one, one), WSAENOBUFS);
    assert_int_equal(rq_code(a, 11, 1, 5, 1, one, two), WSAENOBUFS);
    rq = t_rio.RIOCreateRequestQueue(a, 6, 1, 4, 1, one, one, NULL); /* exactly full */
    assert_true(rq != RIO_INVALID_RQ);
    assert_int_equal(rq_code(b, 1, 1, 0, 1, one, two), WSAENOBUFS);
    assert_int_equal(rq_code(b, 10, 1, 10, 1, two, one), WSAENOBUFS);
    assert_int_equal(rq_code(b, 3, 1, 3, 1, two, two), 0);          /* nothing was charged by what failed */
    t_rio_fails(t_rio.RIOResizeRequestQueue(rq, 7, 4), WSAENOBUFS); /* RIOX-74 */
    assert_true(t_rio.RIOResizeCompletionQueue(one, 12));
    assert_true(t_rio.RIOResizeRequestQueue(rq, 8, 4));
    for (uintptr_t i = 0; i < 8; i++)
        assert_true(t_rio.RIOReceive(rq, &data, 1, 0, (PVOID)i));
    t_rio_fails(t_rio.RIOReceive(rq, &data, 1, 0, NULL), WSAENOBUFS); /* RIOX-60 */
    t_rio_fails(t_rio.RIOResizeRequestQueue(rq, 7, 4), WSAETOOMANYREFS);
    t_rio_fails(t_rio.RIOResizeRequestQueue(rq, 0, 0), WSAEINVAL);
    t_close(a);
    assert_int_equal(rq_code(c, 12, 1, 0, 1, one, one), WSAENOBUFS); /* its completions were not dequeued */
    t_rio_take(one, results, 8);
    for (uintptr_t i = 0; i < 8; i++) {
        assert_int_equal(results[i].RequestContext, i);
        assert_int_equal(results[i].Status, WSA_OPERATION_ABORTED); /* RIOX-106 */
    }
    t_rio_fails(t_rio.RIOResizeRequestQueue(rq, 8, 4), WSAEINVAL);
    assert_int_equal(rq_code(c, 12, 1, 0, 1, one, one), 0); /* RIOX-42 */
    t_close(b);
    t_close(c);
    t_rio.RIOCloseCompletionQueue(one);
    t_rio.RIOCloseCompletionQueue(two);
}

static void rq__directions_without_room__nobufs(void **state)
{
    SOCKET s = t_rio_bound(AF_INET);
    RIO_CQ cq = t_rio_cq(8);
    RIO_RQ rq = t_rio_rq(s, 0, 2, cq, 0);
    RIO_BUF data = t_rio_slice(0, 4);

    (void)state;
    t_rio_fails(t_rio.RIOReceive(rq, &data, 1, 0, NULL), WSAENOBUFS); /* RIOX-61 */
    t_rio_fails(t_rio.RIOReceiveEx(rq, &data, 1, NULL, NULL, NULL, NULL, 0, NULL), WSAENOBUFS);
    assert_true(t_rio.RIOResizeRequestQueue(rq, 2, 0));
    assert_true(t_rio.RIOReceive(rq, &data, 1, 0, NULL));
    t_rio_fails(t_rio.RIOSend(rq, &data, 1, 0, NULL), WSAENOBUFS);
    t_close(s);
    t_rio.RIOCloseCompletionQueue(cq);
}

static void rq__socket_closed__requests_are_refused(void **state)
{
    struct self self = self_open();
    RIO_BUF data = t_rio_slice(0, 4);

    (void)state;
    assert_int_equal(t_option_get(self.s, SOL_SOCKET, SO_TYPE), SOCK_DGRAM); /* RIOX-77 */
    assert_int_equal(t_option_set(self.s, SOL_SOCKET, SO_RCVBUF, 100000), 0);
    t_close(self.s);
    const RIO_RQ rows[] = {self.rq,          RIO_INVALID_RQ,        (RIO_RQ)self.cq,
                           (RIO_RQ)t_rio_id, (RIO_RQ)(uintptr_t)-1, (RIO_RQ)(uintptr_t)0x99};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        t_rio_fails(t_rio.RIOReceive(rows[i], &data, 1, 0, NULL), WSAEINVAL);
        t_rio_fails(t_rio.RIOSendEx(rows[i], &data, 1, NULL, NULL, NULL, NULL, 0, NULL), WSAEINVAL);
        t_rio_fails(t_rio.RIOSend(rows[i], NULL, 0, RIO_MSG_COMMIT_ONLY, NULL), WSAEINVAL);
        t_rio_fails(t_rio.RIOResizeRequestQueue(rows[i], 1, 1), WSAEINVAL);
    }
    t_rio.RIOCloseCompletionQueue(self.cq);
}

static void rq__queue_closed__requests_are_refused_and_completions_dropped(void **state)
{
    struct self self = self_open();
    RIO_BUF data = t_rio_slice(0, 4);
    RIORESULT result;

    (void)state;
    assert_true(self_receive(&self, data, 1));
    t_rio.RIOCloseCompletionQueue(self.cq);
    t_rio_fails(self_receive(&self, data, 2), WSAEINVAL);
    t_rio_fails(self_send(&self, data, 3), WSAEINVAL);
    assert_int_equal(t_rio.RIODequeueCompletion(self.cq, &result, 1), RIO_CORRUPT_CQ);
    assert_int_equal(t_sendto(self.s, "data", 4, t_addr(AF_INET, t_port(self.s))), 4);
    t_close(self.s);
}

static void rq__accepted_sockets__have_the_flag(void **state)
{
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
    struct t_pair plain = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED);
    RIO_CQ cq = t_rio_cq(8);
    RIO_RQ rq = t_rio_rq(pair.b, 2, 2, cq, 7);
    RIO_BUF data = t_rio_slice(0, 5);

    (void)state;
    assert_int_equal(rq_code(plain.b, 1, 1, 1, 1, cq, cq), WSAEOPNOTSUPP);
    assert_true(t_rio.RIOReceive(rq, &data, 1, 0, (PVOID)(uintptr_t)1));
    assert_int_equal(t_send(pair.a, "hello", 5), 5);
    t_rio_expect(cq, 1, 0, 5);
    assert_memory_equal(t_rio_region, "hello", 5);
    t_pair_close(&pair);
    t_pair_close(&plain);
    t_rio.RIOCloseCompletionQueue(cq);
}

static void rq__duplicated_socket__is_refused(void **state)
{
    SOCKET s = t_rio_bound(AF_INET);
    RIO_CQ cq = t_rio_cq(8);
    WSAPROTOCOL_INFOW info;

    (void)state;
    (void)t_rio_rq(s, 1, 1, cq, 0);
    t_fails(t_spi.lpWSPDuplicateSocket(s, t_process_id(), &info, &t_err), WSAEOPNOTSUPP);
    t_close(s);
    t_rio.RIOCloseCompletionQueue(cq);
}

/* --- Requests ------------------------------------------------------------------------------ */

#define REFUSED(call) t_rio_fails(call, WSAEINVAL)

static void requests__bad_arguments__refused(void **state)
{
    struct self self = self_open();
    struct t_pair pair = t_pair_make(AF_INET, WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
    RIO_RQ tcp = t_rio_rq(pair.a, 2, 2, self.cq, 1), udp = self.rq;
    RIO_BUF data = t_rio_slice(0, 4), brief = t_rio_slice(0, 27), tiny = t_rio_slice(0, 3), side = t_rio_slice(64, 64);
    PVOID context = (PVOID)(uintptr_t)1;

    (void)state;
    REFUSED(t_rio.RIOReceive(udp, &data, 2, 0, context)); /* RIOX-84 */
    REFUSED(t_rio.RIOReceive(udp, NULL, 1, 0, context));
    REFUSED(t_rio.RIOReceive(udp, &data, 0, 0, context));
    REFUSED(t_rio.RIOSend(udp, &data, 2, 0, context));
    REFUSED(t_rio.RIOSend(udp, NULL, 1, 0, context));
    REFUSED(t_rio.RIOSend(udp, &data, 0, 0, context));
    REFUSED(t_rio.RIOReceive(tcp, NULL, 0, 0, context)); /* RIOX-87 */
    REFUSED(t_rio.RIOSend(tcp, NULL, 0, 0, context));
    REFUSED(t_rio.RIOReceive(udp, &data, 1, 16, context)); /* RIOX-90 */
    REFUSED(t_rio.RIOSend(udp, &data, 1, 0x80000001, context));
    REFUSED(t_rio.RIOReceive(udp, &data, 1, RIO_MSG_WAITALL, context)); /* RIOX-99 */
    REFUSED(t_rio.RIOSend(udp, &data, 1, RIO_MSG_WAITALL, context));
    REFUSED(t_rio.RIOSend(tcp, &data, 1, RIO_MSG_WAITALL, context));
    REFUSED(t_rio.RIOSend(udp, NULL, 0, RIO_MSG_COMMIT_ONLY | RIO_MSG_DEFER, NULL)); /* RIOX-91 */
    REFUSED(t_rio.RIOSend(udp, NULL, 0, RIO_MSG_COMMIT_ONLY | RIO_MSG_DONT_NOTIFY, NULL));
    REFUSED(t_rio.RIOSend(udp, NULL, 0, RIO_MSG_COMMIT_ONLY, context));
    REFUSED(t_rio.RIOSend(udp, &data, 0, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOReceive(udp, &data, 1, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOReceive(udp, NULL, 1, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOSendEx(udp, NULL, 0, NULL, &side, NULL, NULL, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOSendEx(udp, NULL, 0, NULL, NULL, &side, NULL, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOReceiveEx(udp, NULL, 0, &side, NULL, NULL, NULL, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOReceiveEx(udp, NULL, 0, NULL, NULL, NULL, &side, RIO_MSG_COMMIT_ONLY, NULL));
    REFUSED(t_rio.RIOReceiveEx(udp, &data, 1, &brief, NULL, NULL, NULL, 0, context)); /* RIOX-118 */
    REFUSED(t_rio.RIOReceiveEx(udp, &data, 1, NULL, &brief, NULL, NULL, 0, context));
    REFUSED(t_rio.RIOReceiveEx(udp, &data, 1, NULL, NULL, &tiny, NULL, 0, context));
    REFUSED(t_rio.RIOReceiveEx(udp, &data, 1, NULL, NULL, NULL, &tiny, 0, context));
    side.Offset = T_RIO_REGION - 63; /* RIOX-25: not registered to the end */
    REFUSED(t_rio.RIOReceiveEx(udp, &data, 1, NULL, &side, NULL, NULL, 0, context));
    REFUSED(t_rio.RIOReceiveEx(udp, &data, 1, NULL, NULL, &side, NULL, 0, context));
    side.Offset = 64;
    REFUSED(t_rio.RIOSendEx(udp, &data, 1, &side, &self.to, NULL, NULL, 0, context)); /* RIOX-126 */
    REFUSED(t_rio.RIOSendEx(udp, &data, 1, NULL, &brief, NULL, NULL, 0, context));
    t_rio_quiet(self.cq);
    t_pair_close(&pair);
    self_close(&self);
}

static void requests__destinations__codes(void **state)
{
    struct self self = self_open();
    RIO_BUF data = t_rio_slice(0, 4), to;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = 9};

    (void)state;
    t_rio_fails(t_rio.RIOSend(self.rq, &data, 1, 0, NULL), WSAENOTCONN);
    t_rio_fails(t_rio.RIOSendEx(self.rq, &data, 1, NULL, NULL, NULL, NULL, 0, NULL), WSAENOTCONN);
    to = t_rio_name(64, t_addr(AF_INET6, 9));
    t_rio_fails(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &to, NULL, NULL, 0, NULL), WSAEAFNOSUPPORT);
    to = t_rio_name(64, (struct sockaddr *)&any);
    t_rio_fails(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &to, NULL, NULL, 0, NULL), WSAEADDRNOTAVAIL);
    to = t_rio_name(64, t_addr(AF_INET, 0));
    t_rio_fails(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &to, NULL, NULL, 0, NULL), WSAEADDRNOTAVAIL);
    data.Length = 65508;
    t_rio_fails(self_send(&self, data, 1), WSAEMSGSIZE);
    t_rio_quiet(self.cq);
    self_close(&self);
}

static void requests__bad_control__refused(void **state)
{
    struct self self = self_open();
    RIO_BUF data = t_rio_slice(0, 4), control = t_rio_slice(128, 64);
    char *base = t_rio_region + 128;
    ULONG total;
    WSACMSGHDR header = {.cmsg_len = sizeof header + 4, .cmsg_level = IPPROTO_IP, .cmsg_type = IP_TTL};
    static const ULONG totals[] = {0, 7, 65, 0xffffffff, 12};

    (void)state;
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        memcpy(base, &totals[i], sizeof totals[i]);
        REFUSED(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &self.to, &control, NULL, 0, NULL));
    }
    total = (ULONG)(T_RIO_BASE + sizeof header + 4);
    memcpy(base, &total, sizeof total);
    header.cmsg_len += 1; /* beyond the total */
    memcpy(base + T_RIO_BASE, &header, sizeof header);
    REFUSED(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &self.to, &control, NULL, 0, NULL));
    header.cmsg_len = 3;
    memcpy(base + T_RIO_BASE, &header, sizeof header);
    REFUSED(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &self.to, &control, NULL, 0, NULL));
    header.cmsg_len = sizeof header + 4;
    header.cmsg_type = 4711;
    memcpy(base + T_RIO_BASE, &header, sizeof header);
    REFUSED(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &self.to, &control, NULL, 0, NULL));
    t_rio_quiet(self.cq);
    header.cmsg_type = IP_TTL; /* well formed */
    memcpy(base + T_RIO_BASE, &header, sizeof header);
    total = 77;
    memcpy(base + T_RIO_BASE + sizeof header, &total, sizeof total);
    assert_true(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &self.to, &control, NULL, 0, (PVOID)(uintptr_t)5));
    t_rio_expect(self.cq, 5, 0, 4);
    total = T_RIO_BASE; /* no messages */
    memcpy(base, &total, sizeof total);
    assert_true(t_rio.RIOSendEx(self.rq, &data, 1, NULL, &self.to, &control, NULL, 0, (PVOID)(uintptr_t)6));
    t_rio_expect(self.cq, 6, 0, 4);
    self_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(table__any_socket__all_functions, t_rio_fresh),
        cmocka_unit_test_setup(table__bad_arguments__codes_and_nothing_written, t_rio_fresh),
        cmocka_unit_test_setup(buffers__any_memory__ids_and_bytes_at_the_offset, t_rio_fresh),
        cmocka_unit_test_setup(buffers__not_memory__codes, t_rio_fresh),
        cmocka_unit_test_setup(buffers__read_only__sends_and_does_not_receive, t_rio_fresh),
        cmocka_unit_test_setup(buffers__bad_slices__refused_and_no_slot_used, t_rio_fresh),
        cmocka_unit_test_setup(buffers__deregistered_with_requests__they_complete, t_rio_fresh),
        cmocka_unit_test_setup(buffers__many_rounds__nothing_is_used_up, t_rio_fresh),
        cmocka_unit_test_setup(buffers__registered_beside_traffic__nobody_is_disturbed, t_rio_fresh),
        cmocka_unit_test_setup(cq__bad_arguments__codes, t_rio_fresh),
        cmocka_unit_test_setup(cq__stale_and_foreign__corrupt_or_refused, t_rio_fresh),
        cmocka_unit_test_setup(cq__resized__completions_stay_in_order, t_rio_fresh),
        cmocka_unit_test_setup(rq__bad_arguments__codes, t_rio_fresh),
        cmocka_unit_test_setup(rq__raw_socket__not_supported, t_rio_fresh),
        cmocka_unit_test_setup(rq__unready_sockets__made_and_refuse_data, t_rio_fresh),
        cmocka_unit_test_setup(rq__charges__fill_the_queue_and_come_back, t_rio_fresh),
        cmocka_unit_test_setup(rq__directions_without_room__nobufs, t_rio_fresh),
        cmocka_unit_test_setup(rq__socket_closed__requests_are_refused, t_rio_fresh),
        cmocka_unit_test_setup(rq__queue_closed__requests_are_refused_and_completions_dropped, t_rio_fresh),
        cmocka_unit_test_setup(rq__accepted_sockets__have_the_flag, t_rio_fresh),
        cmocka_unit_test_setup(rq__duplicated_socket__is_refused, t_rio_fresh),
        cmocka_unit_test_setup(requests__bad_arguments__refused, t_rio_fresh),
        cmocka_unit_test_setup(requests__destinations__codes, t_rio_fresh),
        cmocka_unit_test_setup(requests__bad_control__refused, t_rio_fresh),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}
