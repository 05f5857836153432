/*
 * Hand-overs that must not lose a wake-up: doorbell (edges A, D), reply ring
 * (C), waiter (J, K), event queue (J, L). Sleeps are unbounded, so a lost
 * wake-up stops the test, which the watchdog reports.
 *
 * Usage: stress_handoff bell|reply|waiter|event spin|sleep COUNT
 * spin: the receiver looks for a while before it sleeps, the sender runs ahead.
 * sleep: the receiver goes to sleep at once, the sender waits for each one and
 * then a random moment, so as to hit the way into the sleep.
 */
#include "t_stress.h"

#include "ipc/bell.h"
#include "ipc/notify.h"
#include "ipc/ready.h"
#include "ipc/ring.h"
#include "ipc/waiter.h"
#include "stack/assert.h"
#include "stack/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_AHEAD 60u /* less than the rings have slots */
#define LOOKS 2000u

struct handoff {
    struct stk_region region;
    const struct handoff_kind *kind;
    bool sleeping;
    uint32_t count;
    uint32_t waiter;
    uint64_t sleeps;
    _Alignas(64) STK_U32 taken; /* by the receiver */
};

/* One way of handing over. */
struct handoff_kind {
    const char *name;
    void (*setup)(struct handoff *handoff);
    bool (*give)(struct handoff *handoff, uint32_t number); /* sender; false: no room yet */
    uint32_t (*look)(struct handoff *handoff);              /* receiver: how many came since */
    void (*sleep)(struct handoff *handoff);                 /* receiver: until more may have come */
};

/* --- Doorbell ------------------------------------------------------------------ */

static void bell_setup(struct handoff *handoff)
{
    atomic_store(&handoff->region.abi->rings_active, 1);
}

static bool bell_give(struct handoff *handoff, uint32_t number)
{
    struct stk_sub_abi sub = {.op = STK_SUB_KICK, .seq = number};
    if (!stk_sub_push(&handoff->region.rings[0], &sub)) {
        return false;
    }
    stk_bell_ring(&handoff->region);
    return true;
}

static uint32_t bell_look(struct handoff *handoff)
{
    struct stk_sub_abi sub;
    uint32_t came = 0;
    while (stk_sub_pop(&handoff->region.rings[0], &sub)) {
        came++;
        STK_ASSERT(sub.seq == atomic_load_explicit(&handoff->taken, memory_order_relaxed) + came);
    }
    return came;
}

static void bell_sleep(struct handoff *handoff)
{
    if (stk_bell_sleep_begin(&handoff->region, STK_BELL_FUTEX)) {
        stk_bell_sleep(&handoff->region, -1);
        stk_bell_sleep_end(&handoff->region);
        handoff->sleeps++;
    }
}

/* --- Reply ring ------------------------------------------------------------------- */

static void reply_setup(struct handoff *handoff)
{
    (void)handoff;
}

static bool reply_give(struct handoff *handoff, uint32_t number)
{
    struct stk_rep_abi rep = {.seq = number, .value = ~(uint64_t)number};
    return stk_rep_push(&handoff->region.rings[0], &rep);
}

static uint32_t reply_look(struct handoff *handoff)
{
    struct stk_rep_abi rep;
    uint32_t came = 0;
    while (stk_rep_pop(&handoff->region.rings[0], &rep)) {
        came++;
        STK_ASSERT(rep.seq == atomic_load_explicit(&handoff->taken, memory_order_relaxed) + came);
        STK_ASSERT(rep.value == ~(uint64_t)rep.seq);
    }
    return came;
}

static void reply_sleep(struct handoff *handoff)
{
    stk_rep_sleep(&handoff->region.rings[0], -1);
    handoff->sleeps++;
}

/* --- Readiness: the receive FIFO's tail counts ------------------------------------- */

static bool tail_give(struct handoff *handoff, uint32_t number)
{
    atomic_store_explicit(&handoff->region.socks[0].rx_tail, number, memory_order_release);
    stk_notify(&handoff->region, 0);
    return true;
}

static uint32_t tail_look(struct handoff *handoff)
{
    struct stk_sock_abi *sock = &handoff->region.socks[0];
    if ((stk_sock_abi_ready(sock) & STK_READY_IN) == 0) {
        return 0;
    }
    uint64_t head = atomic_load_explicit(&sock->rx_head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&sock->rx_tail, memory_order_acquire);
    atomic_store_explicit(&sock->rx_head, tail, memory_order_release);
    return (uint32_t)(tail - head);
}

static void waiter_setup(struct handoff *handoff)
{
    handoff->waiter = stk_waiter_take(&handoff->region, 1);
}

static void waiter_sleep(struct handoff *handoff)
{
    struct stk_region *region = &handoff->region;
    stk_waiter_add(region, handoff->waiter, 0);
    uint32_t word = stk_waiter_word(region, handoff->waiter);
    stk_waiter_sleepy(region, handoff->waiter);
    if ((stk_sock_abi_ready(&region->socks[0]) & STK_READY_IN) == 0) {
        stk_waiter_sleep(region, handoff->waiter, word, -1);
        handoff->sleeps++;
    }
    stk_waiter_awake(region, handoff->waiter);
    stk_waiter_remove(region, handoff->waiter, 0);
}

static void event_setup(struct handoff *handoff)
{
    atomic_store(&handoff->region.socks[0].armed, STK_READY_IN);
}

static uint32_t event_look(struct handoff *handoff)
{
    uint32_t sock;
    uint32_t came = 0;
    while (stk_event_pop(&handoff->region, &sock)) {
        STK_ASSERT(sock == 0);
        came += tail_look(handoff);
    }
    return came;
}

static void event_sleep(struct handoff *handoff)
{
    stk_event_sleep(&handoff->region, NULL, -1);
    handoff->sleeps++;
}

static const struct handoff_kind kinds[] = {
    {.name = "bell", .setup = bell_setup, .give = bell_give, .look = bell_look, .sleep = bell_sleep},
    {.name = "reply", .setup = reply_setup, .give = reply_give, .look = reply_look, .sleep = reply_sleep},
    {.name = "waiter", .setup = waiter_setup, .give = tail_give, .look = tail_look, .sleep = waiter_sleep},
    {.name = "event", .setup = event_setup, .give = tail_give, .look = event_look, .sleep = event_sleep},
};

/* --- Both ends ------------------------------------------------------------------------ */

static void pause_randomly(uint32_t *seed)
{
    for (uint32_t i = t_random(seed) % 64; i > 0; i--) {
        stk_cpu_relax();
    }
}

static void *receiver_main(void *arg)
{
    struct handoff *handoff = arg;
    uint32_t taken = 0;
    uint32_t quiet = 0;
    uint32_t turns = 0;
    uint32_t seed = 4711;
    uint32_t looks = handoff->sleeping ? 0 : LOOKS;
    while (taken < handoff->count) {
        uint32_t came = handoff->kind->look(handoff);
        if (came != 0) {
            taken += came;
            atomic_store_explicit(&handoff->taken, taken, memory_order_release);
            quiet = 0;
            if (handoff->sleeping) {
                /* The sender learns of it later than the next look would come: let it catch up with the look. */
                pause_randomly(&seed);
            }
        } else if (quiet++ < looks) {
            t_wait_turn(&turns);
        } else {
            handoff->kind->sleep(handoff);
        }
    }
    return NULL;
}

static void sender_main(struct handoff *handoff)
{
    uint32_t seed = 42;
    uint32_t ahead = handoff->sleeping ? 0 : RUN_AHEAD;
    for (uint32_t number = 1; number <= handoff->count; number++) {
        uint32_t turns = 0;
        while (number - 1 - atomic_load_explicit(&handoff->taken, memory_order_acquire) > ahead) {
            t_wait_turn(&turns);
        }
        if (handoff->sleeping) {
            pause_randomly(&seed);
        }
        while (!handoff->kind->give(handoff, number)) {
            t_wait_turn(&turns);
        }
        if (number % 64 == 0) {
            t_progress();
        }
    }
}

int main(int argc, char **argv)
{
    static struct handoff handoff;
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s bell|reply|waiter|event spin|sleep COUNT\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        handoff.kind = strcmp(kinds[i].name, argv[1]) == 0 ? &kinds[i] : handoff.kind;
    }
    STK_ASSERT(handoff.kind != NULL);
    handoff.sleeping = strcmp(argv[2], "sleep") == 0;
    handoff.count = (uint32_t)strtoul(argv[3], NULL, 10);
    STK_ASSERT(handoff.count > 0);
    t_region(&handoff.region, 1, 1);
    handoff.kind->setup(&handoff);
    t_watch(argv[1], 20);
    pthread_t receiver = t_thread(receiver_main, &handoff);
    sender_main(&handoff);
    t_join(receiver);
    t_watch_end();
    STK_ASSERT(atomic_load(&handoff.taken) == handoff.count);
    /* A run that never slept shows nothing about sleeping. */
    STK_ASSERT(!handoff.sleeping || handoff.sleeps > handoff.count / 100);
    (void)printf("%s %s: %u handed over, %llu sleeps\n", argv[1], argv[2], handoff.count,
                 (unsigned long long)handoff.sleeps);
    stk_region_destroy(&handoff.region);
    return 0;
}
