/**
 * @file
 * An engine in virtual time ([engine] clock = virtual): no poll thread; whoever
 * waits in a call steps it, and time moves on only while somebody waits. Time
 * and randomness come from the configuration alone, so that a program with one
 * thread does the same in every run, on every machine.
 *
 * When no port has anything to come any more (a replay is over) time goes on
 * for engine.virtual_linger_ms; then the network is down: STK_ENETDOWN.
 */
#ifndef STACK_CORE_ENGINE_VIRTUAL_H
#define STACK_CORE_ENGINE_VIRTUAL_H

#include "core/engine.h"

#include <stdatomic.h>
#include <stdbool.h>

/** What virtual time begins with. */
#define STK_VIRTUAL_START_NS UINT64_C(1000000000000)

/**
 * Make an engine in virtual time; if the configuration says clock = real, one that is stepped in the same way but whose time
 * is the system's clock. Parameters and errors as for stk_engine_create.
 *
 * Context: any thread.
 */
int stk_engine_create_virtual(const struct stk_config *conf, struct stk_engine **out, char *error, size_t error_size);

/**
 * Step it once; a stk_pump_fn (core/client.h) with the engine as its context.
 *
 * Context: any thread of the process that owns the engine; one at a time does the work.
 */
uint64_t stk_engine_virtual_pump(void *engine, uint64_t until_ns);

/** Its time, written at every step; NULL: the engine runs in real time. Valid until destroy. */
const _Atomic uint64_t *stk_engine_virtual_clock(const struct stk_engine *engine);

/** Was the end of the ports reached, and the time after it? Context: any thread. */
bool stk_engine_virtual_over(const struct stk_engine *engine);

/**
 * The program has let go: what is under way goes on until the ports have nothing to come, at most for the lingering time;
 * then what was recorded is written out.
 *
 * Context: the thread that would park it.
 */
void stk_engine_virtual_settle(struct stk_engine *engine);

/**
 * Who shows, on standard output, where things are, when somebody asks a port that stops between frames; until somebody is
 * named, it is the counters.
 *
 * Context: the thread that steps the engine, on which it runs as well.
 */
void stk_engine_virtual_inspect_set(struct stk_engine *engine, void (*inspect)(void *ctx), void *ctx);

/** Give back what belongs to virtual time. Context: stk_engine_destroy. */
void stk_engine_virtual_free(struct stk_engine *engine);

#endif
