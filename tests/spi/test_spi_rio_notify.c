/** @file Registered I/O: notifications by event and by completion port. */
#include "t_rio.h"

#include <string.h>

#define CONTEXT(n) ((PVOID)(uintptr_t)(n))

/* A datagram socket and a completion queue that notifies. */
struct side {
    SOCKET a, b;
    WSAEVENT event; /* NULL: by port */
    HANDLE port;
    WSAOVERLAPPED ov;
    RIO_CQ cq;
    RIO_RQ rq;
};

static RIO_NOTIFICATION_COMPLETION by_event(WSAEVENT event, BOOL reset)
{
    RIO_NOTIFICATION_COMPLETION notify = {.Type = RIO_EVENT_COMPLETION};

    notify.Event.EventHandle = event;
    notify.Event.NotifyReset = reset;
    return notify;
}

static void side_open(struct side *side, RIO_NOTIFICATION_COMPLETION *notify)
{
    side->a = t_bound(AF_INET, SOCK_DGRAM);
    side->b = t_rio_bound(AF_INET);
    side->cq = t_rio.RIOCreateCompletionQueue(64, notify);
    assert_true(side->cq != RIO_INVALID_CQ);
    side->rq = t_rio_rq(side->b, 16, 16, side->cq, 0);
}

static void side_event(struct side *side, BOOL reset)
{
    RIO_NOTIFICATION_COMPLETION notify;

    *side = (struct side){.event = t_event_new()};
    notify = by_event(side->event, reset);
    side_open(side, &notify);
    memset(&notify, 0xff, sizeof notify); /* RIOX-38: it was copied */
}

static void side_port(struct side *side, HANDLE port, uintptr_t key)
{
    RIO_NOTIFICATION_COMPLETION notify = {.Type = RIO_IOCP_COMPLETION};

    *side = (struct side){.port = port};
    memset(&side->ov, 0x3c, sizeof side->ov);
    notify.Iocp.IocpHandle = port;
    notify.Iocp.CompletionKey = CONTEXT(key);
    notify.Iocp.Overlapped = &side->ov;
    side_open(side, &notify);
}

static void side_close(struct side *side)
{
    t_close(side->a);
    t_close(side->b);
    t_rio.RIOCloseCompletionQueue(side->cq);
    if (side->event)
        t_event_free(side->event);
}

static void side_receive(struct side *side, DWORD flags, unsigned context)
{
    RIO_BUF data = t_rio_slice(context * 16, 16);

    assert_true(t_rio.RIOReceive(side->rq, &data, 1, flags, CONTEXT(context)));
}

static void side_put(struct side *side)
{
    assert_int_equal(t_sendto(side->a, "!", 1, t_addr(AF_INET, t_port(side->b))), 1);
}

/* A while without the event. */
static void event_stays_away(WSAEVENT event)
{
    assert_false(t_event_wait(event, 50));
}

static void event__completion_comes__set_once_for_each_notify(void **state)
{
    struct side side;

    (void)state;
    side_event(&side, TRUE);
    for (unsigned i = 0; i < 4; i++)
        side_receive(&side, 0, i);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    assert_int_equal(t_rio.RIONotify(side.cq), WSAEALREADY); /* RIOX-134 */
    event_stays_away(side.event);
    side_put(&side);
    assert_true(t_event_wait(side.event, 5000));
    t_rio_expect(side.cq, 0, 0, 1);
    t_event_reset(side.event);
    side_put(&side);
    side_put(&side);
    event_stays_away(side.event); /* RIOX-136 */
    t_rio_expect(side.cq, 1, 0, 1);
    t_rio_expect(side.cq, 2, 0, 1);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    event_stays_away(side.event);
    side_put(&side);
    assert_true(t_event_wait(side.event, 5000));
    t_rio_expect(side.cq, 3, 0, 1);
    side_close(&side);
}

static void event__queue_not_empty__set_at_once(void **state)
{
    struct side side;

    (void)state;
    side_event(&side, TRUE);
    side_receive(&side, 0, 1);
    side_put(&side);
    t_sleep_ms(20);
    assert_int_equal(t_rio.RIONotify(side.cq), 0); /* RIOX-137 */
    assert_true(t_event_wait(side.event, 5000));
    assert_int_equal(t_rio.RIONotify(side.cq), 0); /* the earlier one was given; nothing was dequeued */
    assert_true(t_event_wait(side.event, 5000));
    t_rio_expect(side.cq, 1, 0, 1);
    side_close(&side);
}

static void event__reset_by_notify__or_not(void **state)
{
    struct side side;

    (void)state;
    side_event(&side, TRUE);
    t_event_set(side.event);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    event_stays_away(side.event); /* RIOX-139 */
    t_event_set(side.event);
    assert_int_equal(t_rio.RIONotify(side.cq), WSAEALREADY);
    assert_true(t_event_wait(side.event, 0)); /* one that is not armed anew resets nothing */
    side_close(&side);
    side_event(&side, FALSE);
    t_event_set(side.event);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    assert_true(t_event_wait(side.event, 0)); /* RIOX-140 */
    side_close(&side);
}

static void event__dont_notify__is_dequeued_and_does_not_fire(void **state)
{
    struct side side;

    (void)state;
    side_event(&side, TRUE);
    side_receive(&side, RIO_MSG_DONT_NOTIFY, 1);
    side_receive(&side, RIO_MSG_DONT_NOTIFY, 2);
    side_receive(&side, 0, 3);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    side_put(&side);
    side_put(&side);
    event_stays_away(side.event); /* RIOX-97 */
    t_rio_expect(side.cq, 1, 0, 1);
    assert_int_equal(t_rio.RIONotify(side.cq), WSAEALREADY);
    event_stays_away(side.event); /* RIOX-138: one is in it, and it counts as none */
    side_put(&side);
    assert_true(t_event_wait(side.event, 5000));
    t_rio_expect(side.cq, 2, 0, 1);
    t_rio_expect(side.cq, 3, 0, 1);
    side_close(&side);
}

static void event__polled_beside__found_empty_and_armed_again(void **state)
{
    struct side side;
    RIORESULT result;

    (void)state;
    side_event(&side, TRUE);
    side_receive(&side, 0, 1);
    side_receive(&side, 0, 2);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    side_put(&side);
    t_rio_expect(side.cq, 1, 0, 1); /* RIOX-144 */
    assert_true(t_event_wait(side.event, 5000));
    assert_int_equal(t_rio.RIODequeueCompletion(side.cq, &result, 1), 0); /* RIOX-145 */
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    side_put(&side);
    assert_true(t_event_wait(side.event, 5000));
    t_rio_expect(side.cq, 2, 0, 1);
    side_close(&side);
}

static void event__queue_closed__is_not_set(void **state)
{
    struct side side;

    (void)state;
    side_event(&side, TRUE);
    side_receive(&side, 0, 1);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    t_rio.RIOCloseCompletionQueue(side.cq); /* RIOX-57, RIOX-147 */
    side_put(&side);
    event_stays_away(side.event);
    assert_int_equal(t_rio.RIONotify(side.cq), WSAEINVAL);
    side_close(&side);
}

static void event__two_queues_of_one_event__both_set_it(void **state)
{
    struct side one, two = {.a = 0};
    RIO_NOTIFICATION_COMPLETION notify;

    (void)state;
    side_event(&one, FALSE);
    notify = by_event(one.event, FALSE);
    side_open(&two, &notify); /* RIOX-40 */
    side_receive(&one, 0, 1);
    side_receive(&two, 0, 2);
    assert_int_equal(t_rio.RIONotify(one.cq), 0);
    assert_int_equal(t_rio.RIONotify(two.cq), 0);
    side_put(&two);
    assert_true(t_event_wait(one.event, 5000));
    t_event_reset(one.event);
    t_rio_expect(two.cq, 2, 0, 1);
    t_rio_quiet(one.cq);
    side_put(&one);
    assert_true(t_event_wait(one.event, 5000));
    t_rio_expect(one.cq, 1, 0, 1);
    side_close(&two);
    side_close(&one);
}

static void notify__polled_queue__invalid(void **state)
{
    RIO_CQ cq = t_rio_cq(8);

    (void)state;
    assert_int_equal(t_rio.RIONotify(cq), WSAEINVAL); /* RIOX-135 */
    t_rio.RIOCloseCompletionQueue(cq);
}

static void port__completion_comes__one_packet_with_key_and_overlapped(void **state)
{
    HANDLE port = t_port_new();
    struct t_packet packet = {.bytes = 77};
    struct side one, two;
    WSAOVERLAPPED before;

    (void)state;
    side_port(&one, port, 0x111);
    side_port(&two, port, 0x222);
    before = one.ov;
    side_receive(&one, 0, 1);
    side_receive(&one, 0, 2);
    side_receive(&two, 0, 3);
    side_put(&one);
    side_put(&one);
    assert_false(t_port_take(port, &packet, 50)); /* nobody asked */
    assert_int_equal(t_rio.RIONotify(one.cq), 0);
    assert_true(t_port_take(port, &packet, 5000)); /* RIOX-141 */
    assert_int_equal(packet.bytes, 0);
    assert_int_equal(packet.key, 0x111);
    assert_ptr_equal(packet.overlapped, &one.ov);
    assert_memory_equal(&one.ov, &before, sizeof before); /* RIOX-142 */
    assert_false(t_port_take(port, &packet, 50));
    assert_int_equal(t_rio.RIONotify(two.cq), 0);
    side_put(&two);
    assert_true(t_port_take(port, &packet, 5000));
    assert_int_equal(packet.key, 0x222);
    assert_ptr_equal(packet.overlapped, &two.ov);
    side_close(&one);
    side_close(&two);
    t_port_free(port);
}

static void port__notified_again_before_the_packet_is_taken__two_packets(void **state)
{
    HANDLE port = t_port_new();
    struct t_packet packet;
    uint64_t until = t_now_ms() + 5000;
    struct side side;
    int code;

    (void)state;
    side_port(&side, port, 1);
    side_receive(&side, 0, 1);
    side_put(&side);
    assert_int_equal(t_rio.RIONotify(side.cq), 0);
    do {
        t_sleep_ms(1);
        code = t_rio.RIONotify(side.cq); /* RIOX-143: as soon as the first one is there */
        assert_true(code == 0 || code == WSAEALREADY);
        assert_true(t_now_ms() < until);
    } while (code != 0);
    assert_true(t_port_take(port, &packet, 5000));
    assert_true(t_port_take(port, &packet, 5000));
    assert_false(t_port_take(port, &packet, 20));
    side_close(&side);
    t_port_free(port);
}

#define WAKES 2000u

/* One thread sends, one waits for the event, drains, asks again: no wake-up is lost. */
static void *send_slowly(void *arg)
{
    struct side *side = arg;

    for (unsigned i = 0; i < WAKES; i++) {
        side_put(side);
        if (i % 16 == 15)
            t_sleep_ms(1);
    }
    return NULL;
}

static void event__asked_after_every_drain__no_wake_up_is_lost(void **state)
{
    unsigned done = 0, posted = 0;
    RIORESULT results[16];
    struct t_task task;
    struct side side;

    (void)state;
    side_event(&side, TRUE);
    for (; posted < 16; posted++)
        side_receive(&side, 0, posted % 16);
    t_task_start(&task, send_slowly, &side);
    while (done < WAKES) {
        ULONG got;
        int code = t_rio.RIONotify(side.cq);

        assert_true(code == 0 || code == WSAEALREADY);
        assert_true(t_event_wait(side.event, 5000));
        while ((got = t_rio.RIODequeueCompletion(side.cq, results, 16)) > 0) {
            assert_true(got <= 16);
            done += got;
            for (ULONG i = 0; i < got; i++)
                side_receive(&side, 0, posted++ % 16);
        }
    }
    assert_int_equal(done, WAKES);
    t_task_join(&task);
    side_close(&side);
}

#define T(name) cmocka_unit_test_setup(name, t_rio_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(event__completion_comes__set_once_for_each_notify),
        T(event__queue_not_empty__set_at_once),
        T(event__reset_by_notify__or_not),
        T(event__dont_notify__is_dequeued_and_does_not_fire),
        T(event__polled_beside__found_empty_and_armed_again),
        T(event__queue_closed__is_not_set),
        T(event__two_queues_of_one_event__both_set_it),
        T(notify__polled_queue__invalid),
        T(port__completion_comes__one_packet_with_key_and_overlapped),
        T(port__notified_again_before_the_packet_is_taken__two_packets),
        T(event__asked_after_every_drain__no_wake_up_is_lost),
    };

    return cmocka_run_group_tests(tests, t_rio_start, t_rio_stop);
}
