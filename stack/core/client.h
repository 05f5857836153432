/**
 * @file
 * The application's side of a channel: how a client comes to a region. The
 * calls themselves are the stack API, stack/api.h.
 */
#ifndef STACK_CORE_CLIENT_H
#define STACK_CORE_CLIENT_H

#include "ipc/region.h"
#include "stack/api.h"

/**
 * Step the stack's side once.
 *
 * @param context   As given.
 * @param until_ns  When there is nothing to do, time may be moved on up to here; 0: not at all.
 * @return          The time now, ns.
 */
typedef uint64_t (*stk_pump_fn)(void *context, uint64_t until_ns);

/**
 * Make a client of a region whose stack side runs on another thread.
 *
 * @param region  Borrowed until stk_client_detach.
 * @param out     The client, ended by stk_client_detach.
 * @return        0, STK_ENOMEM or STK_EFORKED.
 *
 * Context: any thread.
 */
int stk_client_attach_region(struct stk_region *region, struct stk_client **out);

/**
 * Make a client whose stack side runs on this thread: wherever a call would
 * spin or sleep, it pumps instead, and the time is what the pump says. Several
 * such clients, an engine each, may live on one thread.
 *
 * @param region   Borrowed until stk_client_detach.
 * @param pump     Steps the engine of that region.
 * @param context  Given to pump.
 * @param out      The client, ended by stk_client_detach.
 * @return         0, STK_ENOMEM or STK_EFORKED.
 *
 * Context: one thread, for every call with this client.
 */
int stk_client_attach_stepped(struct stk_region *region, stk_pump_fn pump, void *context, struct stk_client **out);

#endif
