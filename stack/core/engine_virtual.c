#include "core/engine_virtual.h"

#include "core/engine_priv.h"
#include "ipc/futex.h"
#include "ipc/lock.h"
#include "ipc/notify.h"
#include "stack/clock.h"
#include "stack/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Longest leap: what nobody announces (a link's state) is looked at in between. */
#define LEAP_NS (100 * STK_MS_NS)
/** A program that asks again and again without waiting sees time pass from here on. */
#define LOOKS_MAX 100u
#define LOOK_NS UINT64_C(10000)
/** In real time: how long before something is due a rest ends, and the longest rest. */
#define PACED_SPIN_NS (150 * UINT64_C(1000))
#define PACED_REST_NS (5 * STK_MS_NS)

struct stk_engine_virtual {
    _Atomic uint64_t now_ns;
    STK_U32 lock;
    STK_U32 over;
    uint64_t random;
    uint64_t linger_ns;
    uint64_t end_ns;  /**< STK_NEVER: the ports still have something to come */
    uint32_t looks;   /**< in a row that found nothing and did not wait */
    uint32_t stuck;   /**< leaps in a row that nothing was found for */
    uint64_t real_ns; /**< paced: the system's clock when time began */
    bool paced;       /**< in real time after all, but stepped by who waits */
    bool ends;        /**< some port's record has an end */
};

static uint64_t virtual_now(void *ctx)
{
    const struct stk_engine_virtual *self = ctx;
    return atomic_load_explicit(&self->now_ns, memory_order_relaxed);
}

/* splitmix64. */
static void virtual_random(void *ctx, void *buf, uint32_t len)
{
    struct stk_engine_virtual *self = ctx;
    uint8_t *at = buf;
    for (uint32_t i = 0; i < len; i++) {
        uint64_t z = (self->random += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        at[i] = (uint8_t)(z >> 56);
    }
}

/* Wires never end: what comes over them is made by somebody who may still come. */
static bool has_end(const struct stk_config *conf)
{
    for (uint32_t i = 0; i < conf->ports_count; i++) {
        if (strcmp(conf->ports[i].driver, "replay") == 0 || strcmp(conf->ports[i].driver, "pcap") == 0) {
            return true;
        }
    }
    return false;
}

static void counters_inspect(void *engine)
{
    (void)fflush(stdout);
    stk_engine_counters_dump(engine, fileno(stdout));
}

void stk_engine_virtual_inspect_set(struct stk_engine *engine, void (*inspect)(void *ctx), void *ctx)
{
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        nic_port_inspect_set(engine->ports[i], inspect, ctx);
    }
}

int stk_engine_create_virtual(const struct stk_config *conf, struct stk_engine **out, char *error, size_t error_size)
{
    struct stk_engine_virtual *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return STK_ENOMEM;
    }
    atomic_init(&self->now_ns, STK_VIRTUAL_START_NS);
    self->random = conf->engine.seed;
    self->linger_ns = (uint64_t)conf->engine.virtual_linger_ms * STK_MS_NS;
    self->end_ns = STK_NEVER;
    self->ends = has_end(conf);
    self->paced = !conf->engine.clock_virtual;
    self->real_ns = stk_clock_os_ns();
    const struct stk_engine_env env = {.now_ns = virtual_now, .random = virtual_random, .ctx = self};
    const int err = stk_engine_create(conf, &env, out, error, error_size);
    if (err != STK_OK) {
        free(self);
        return err;
    }
    (*out)->virtual_time = self;
    stk_engine_virtual_inspect_set(*out, counters_inspect, *out);
    return STK_OK;
}

void stk_engine_virtual_free(struct stk_engine *engine)
{
    free(engine->virtual_time);
    engine->virtual_time = NULL;
}

const _Atomic uint64_t *stk_engine_virtual_clock(const struct stk_engine *engine)
{
    return engine->virtual_time != NULL ? &engine->virtual_time->now_ns : NULL;
}

bool stk_engine_virtual_over(const struct stk_engine *engine)
{
    return engine->virtual_time != NULL && atomic_load_explicit(&engine->virtual_time->over, memory_order_acquire) != 0;
}

static bool ports_ended(struct stk_engine *engine)
{
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        if (nic_port_next_event_ns(engine->ports[i]) != STK_NEVER) {
            return false;
        }
    }
    return true;
}

/* The record is over: a while later so is the network. What was recorded of it is written out. */
static void end_look(struct stk_engine *engine, uint64_t now_ns)
{
    struct stk_engine_virtual *self = engine->virtual_time;
    if (!self->ends || !ports_ended(engine)) {
        self->end_ns = STK_NEVER;
        return;
    }
    if (self->end_ns == STK_NEVER) {
        self->end_ns = now_ns + self->linger_ns;
    }
    if (now_ns < self->end_ns) {
        return;
    }
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        nic_port_flush(engine->ports[i]);
    }
    atomic_store_explicit(&self->over, 1, memory_order_release);
    atomic_store_explicit(&engine->region.abi->engine_state, STK_ENGINE_LOST, memory_order_release);
    stk_event_wake(&engine->region);
}

/* Nothing was done: where does time go? */
static uint64_t leap(struct stk_engine *engine, uint64_t now_ns, uint64_t until_ns)
{
    struct stk_engine_virtual *self = engine->virtual_time;
    if (until_ns <= now_ns) {
        return ++self->looks > LOOKS_MAX ? now_ns + LOOK_NS : now_ns;
    }
    self->looks = 0;
    uint64_t next = stk_engine_next_event_ns(engine);
    next = self->end_ns < next ? self->end_ns : next;
    next = until_ns < next ? until_ns : next;
    if (next <= now_ns) {
        /* Something is due but nothing was done; ever longer steps, should that go on. */
        self->stuck += self->stuck < 10;
        return now_ns + (UINT64_C(1000) << self->stuck);
    }
    self->stuck = 0;
    return next - now_ns > LEAP_NS ? now_ns + LEAP_NS : next;
}

static uint64_t paced_now(const struct stk_engine_virtual *self)
{
    return STK_VIRTUAL_START_NS + (stk_clock_os_ns() - self->real_ns);
}

/* Nothing to do: sleeps, but not up to the moment at which something is due, for sleeps end late. */
static void paced_rest(struct stk_engine *engine, uint64_t now_ns, uint64_t until_ns)
{
    struct stk_engine_virtual *self = engine->virtual_time;
    STK_U32 nobody = 0;
    uint64_t next = stk_engine_next_event_ns(engine);
    next = self->end_ns < next ? self->end_ns : next;
    next = until_ns < next ? until_ns : next;
    if (next > now_ns + PACED_SPIN_NS) {
        const uint64_t rest_ns = next - now_ns - PACED_SPIN_NS;
        (void)stk_futex_wait(&nobody, 0, (int64_t)(rest_ns < PACED_REST_NS ? rest_ns : PACED_REST_NS));
    }
}

static uint64_t paced_pump(struct stk_engine *engine, uint64_t until_ns)
{
    struct stk_engine_virtual *self = engine->virtual_time;
    const uint64_t now_ns = paced_now(self);
    atomic_store_explicit(&self->now_ns, now_ns, memory_order_relaxed);
    if (stk_engine_step(engine) == 0 && until_ns > now_ns) {
        paced_rest(engine, now_ns, until_ns);
    }
    return now_ns;
}

uint64_t stk_engine_virtual_pump(void *context, uint64_t until_ns)
{
    struct stk_engine *engine = context;
    struct stk_engine_virtual *self = engine->virtual_time;
    stk_lock_take(&self->lock);
    uint64_t now_ns = atomic_load_explicit(&self->now_ns, memory_order_relaxed);
    const bool over = atomic_load_explicit(&self->over, memory_order_relaxed) != 0;
    if (!over && self->paced) {
        now_ns = paced_pump(engine, until_ns);
        end_look(engine, now_ns);
    } else if (!over) {
        if (stk_engine_step(engine) == 0) {
            now_ns = leap(engine, now_ns, until_ns);
            atomic_store_explicit(&self->now_ns, now_ns, memory_order_relaxed);
        } else {
            self->looks = 0;
        }
        end_look(engine, now_ns);
    }
    stk_lock_give(&self->lock);
    return now_ns;
}

void stk_engine_virtual_settle(struct stk_engine *engine)
{
    struct stk_engine_virtual *self = engine->virtual_time;
    uint64_t now_ns = virtual_now(self);
    const uint64_t until_ns = now_ns + self->linger_ns;
    while (self->ends && now_ns < until_ns && !stk_engine_virtual_over(engine) && !ports_ended(engine)) {
        now_ns = stk_engine_virtual_pump(engine, until_ns);
    }
    for (uint32_t i = 0; i < engine->ports_count; i++) {
        nic_port_flush(engine->ports[i]);
    }
}
