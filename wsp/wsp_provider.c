/** @file The provider's life: configuration, client, fork, exit, threads. */
#include "wsp_provider.h"

#include "wsp_error.h"
#include "wsp_journal.h"
#include "wsp_overlapped.h"
#include "wsp_rio.h"
#include "wsp_share.h"
#include "wsp_socket.h"
#include "wsp_upcall.h"
#include "wsp_wait.h"

#include "stack/log.h"
#include "stack/process.h"

#include <stdlib.h>
#include <string.h>

#define LEAVE_WAIT_MS 2000u /* for calls of other threads to leave at the last cleanup */
#define EXIT_WAIT_MS 200u   /* the same at exit, where threads may be anywhere */

struct wsp_provider wsp_provider;

int wsp_provider_check(void)
{
    /* B: pairs with A in WSPStartup. */
    uint32_t state = atomic_load_explicit(&wsp_provider.state, memory_order_acquire);

    return state == WSP_RUNNING ? 0 : WSANOTINITIALISED;
}

struct stk_client *wsp_provider_client_now(void)
{
    return atomic_load_explicit(&wsp_provider.client, memory_order_acquire);
}

static int provider_attach(struct stk_client **out)
{
    char why[STK_CONF_ERROR_SIZE] = "";
    struct stk_client *client = NULL;
    int err;

    if (wsp_provider.config_failed || !wsp_provider.config) {
        stk_log(STK_LOG_ERROR, "no socket without a configuration: %s", wsp_provider.config_error);
        return WSAENETDOWN;
    }
    err = stk_client_attach(wsp_provider.config, &client, why, sizeof why);
    if (err != STK_OK) {
        stk_log(STK_LOG_ERROR, "the stack cannot start (%s): %s", stk_err_name(err), why);
        return err == STK_ENOMEM ? WSAENOBUFS : WSAENETDOWN;
    }
    /* Behind the client's own exit handler, which resets what is open: ours runs first and closes gracefully. */
    if (wsp_os_exit_watch() != STK_OK)
        stk_log(STK_LOG_WARN, "no exit handler: sockets that are open at exit will be reset");
    atomic_store_explicit(&wsp_provider.client, client, memory_order_release);
    *out = client;
    return 0;
}

int wsp_provider_client(struct stk_client **out)
{
    int code = 0;

    *out = wsp_provider_client_now();
    if (*out)
        return 0;
    wsp_mutex_lock(&wsp_provider.lock);
    *out = wsp_provider_client_now();
    if (!*out)
        code = wsp_provider.count == 0 ? WSANOTINITIALISED : provider_attach(out);
    wsp_mutex_unlock(&wsp_provider.lock);
    return code;
}

int wsp_provider_info_add(const WSAPROTOCOL_INFOW *info)
{
    uint32_t count = atomic_load_explicit(&wsp_provider.infos_count, memory_order_acquire);
    int found = -1;

    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&wsp_provider.infos[i], info, sizeof *info) == 0)
            return (int)i;
    wsp_mutex_lock(&wsp_provider.lock);
    count = atomic_load_explicit(&wsp_provider.infos_count, memory_order_relaxed);
    for (uint32_t i = 0; i < count && found < 0; i++)
        if (memcmp(&wsp_provider.infos[i], info, sizeof *info) == 0)
            found = (int)i;
    if (found < 0 && count < WSP_INFOS_MAX) {
        found = (int)count;
        wsp_provider.infos[count] = *info;
        atomic_store_explicit(&wsp_provider.infos_count, count + 1, memory_order_release);
    }
    wsp_mutex_unlock(&wsp_provider.lock);
    return found;
}

/* --- Threads ------------------------------------------------------------ */

struct wsp_thread *wsp_thread_peek(void)
{
    return wsp_os_slot_get();
}

struct wsp_thread *wsp_thread_get(void)
{
    static _Atomic uint64_t next_id = 1;
    struct wsp_thread *thread = wsp_os_slot_get();

    if (thread)
        return thread;
    thread = calloc(1, sizeof *thread);
    if (!thread)
        return NULL;
    thread->id = atomic_fetch_add(&next_id, 1);
    if (wsp_os_slot_set(thread) != STK_OK) {
        free(thread);
        return NULL;
    }
    return thread;
}

static void provider_thread_exit(void *slot)
{
    struct wsp_thread *thread = slot;

    if (thread->issued > 0 && wsp_provider_check() == 0)
        wsp_requests_abort_thread(thread->id);
    free(thread->select_memory);
    free(thread);
}

/* --- Fork and exit ------------------------------------------------------ */

static void provider_fork_child(void)
{
    if (atomic_load(&wsp_provider.state) != WSP_DOWN || wsp_provider_client_now())
        atomic_store(&wsp_provider.state, WSP_FORKED);
}

/* At exit: a signal handler may have interrupted a thread that has the socket's lock. Such a socket ends with the process. */
static bool provider_may_end(struct wsp_socket *sock)
{
    if (atomic_load(&wsp_provider.state) != WSP_EXITED)
        return true;
    if (!wsp_mutex_lock_for(&sock->lock, EXIT_WAIT_MS))
        return false;
    wsp_mutex_unlock(&sock->lock);
    return true;
}

struct provider_end {
    enum stk_close_mode mode;
    bool stuck; /* a socket was left as it is */
};

static void provider_end_socket(struct wsp_socket *sock, void *arg)
{
    struct provider_end *end = arg;
    bool linger0 = wsp_socket_lingers_zero(sock);

    if (!provider_may_end(sock))
        end->stuck = true;
    else if (wsp_socket_mark_closed(sock))
        wsp_socket_end(sock, linger0 ? STK_CLOSE_ABORT : end->mode, false);
}

/* Wait until no call is inside any more. */
static bool provider_wait_empty(uint32_t wait_ms)
{
    /* Naps are counted: a virtual clock does not move meanwhile. */
    while (wsp_socket_live_count() > 0 || wsp_results_waited_for()) {
        if (wait_ms-- == 0)
            return false;
        wsp_os_sleep_ns(1000000);
    }
    return true;
}

/* All but the count: sockets, dispatcher, client. The provider's lock is held. */
static void provider_down(enum stk_close_mode mode, uint32_t wait_ms)
{
    struct stk_client *client = wsp_provider_client_now();
    uint32_t drain_ms = wsp_provider.config ? wsp_provider.config->engine.drain_timeout_ms : 0;
    struct provider_end end = {.mode = mode};
    bool empty;

    atomic_store(&wsp_provider.stop, 1);
    wsp_socket_each(provider_end_socket, &end);
    if (client)
        stk_client_wake(client);
    empty = !end.stuck &&
            wsp_dispatcher_stop(); /* the dispatcher may wait for that socket's lock: it ends with the process */
    wsp_share_forget();
    wsp_rio_forget();
    if (client && empty && provider_wait_empty(wait_ms)) {
        wsp_wait_alerts_end(); /* nobody waits any more, so nobody names it anew */
        stk_client_detach(client, drain_ms);
    } else if (client) {
        stk_log(STK_LOG_WARN, "a thread stayed in a call; the stack ends with the process");
    }
    atomic_store_explicit(&wsp_provider.client, NULL, memory_order_release);
    atomic_store(&wsp_provider.stop, 0);
}

static void provider_exit(void)
{
    if (atomic_load(&wsp_provider.state) == WSP_FORKED)
        return;
    /* exit may come from a thread that is inside the provider: then there is nothing to wait for. */
    if (!wsp_mutex_lock_for(&wsp_provider.lock, EXIT_WAIT_MS))
        return;
    atomic_store(&wsp_provider.state, WSP_EXITED);
    if (wsp_provider_client_now())
        provider_down(STK_CLOSE_GRACEFUL, EXIT_WAIT_MS);
    wsp_mutex_unlock(&wsp_provider.lock);
}

/* --- Startup and cleanup ------------------------------------------------ */

static const struct wsp_os_hooks provider_hooks = {
    .fork_child = provider_fork_child,
    .at_exit = provider_exit,
    .thread_exit = provider_thread_exit,
};

static void provider_configure(void)
{
    int err;

    stk_config_free(wsp_provider.config);
    wsp_provider.config = NULL;
    wsp_provider.config_error[0] = 0;
    err = stk_config_load(NULL, &wsp_provider.config, wsp_provider.config_error, sizeof wsp_provider.config_error);
    wsp_provider.config_failed = err != STK_OK;
    stk_log_start(err == STK_OK ? wsp_provider.config->log_level : NULL);
    if (err == STK_OK)
        stk_counters_watch(wsp_provider.config);
    else
        stk_log(STK_LOG_ERROR, "configuration: %s", wsp_provider.config_error);
}

static void provider_describe(LPWSPDATA data)
{
    static const char text[] = "Winlane TCP/IP";

    memset(data, 0, sizeof *data);
    data->wVersion = MAKEWORD(2, 2);
    data->wHighVersion = MAKEWORD(2, 2);
    for (size_t i = 0; i < sizeof text; i++)
        data->szDescription[i] = (WCHAR)text[i];
}

/**
 * The provider's only export.
 *
 * @param wVersionRequested  2.2 or higher (low byte major).
 * @param lpWSPData          Filled on success.
 * @param lpProtocolInfo     The entry that made ws2_32 load us; not kept.
 * @param UpcallTable        By value; the latest one holds.
 * @param lpProcTable        All 30 slots are filled on success.
 * @return                   0, WSAEFAULT, WSAEINVALIDPROVIDER (upcalls missing), WSAVERNOTSUPPORTED,
 *                           WSASYSNOTREADY (in a child after fork, or no resources for the hooks).
 *
 * Context: any thread. Reads the configuration; starts nothing.
 * Source: rules START-1..START-12.
 */
__attribute__((visibility("default"))) int WSPAPI WSPStartup(WORD wVersionRequested, LPWSPDATA lpWSPData,
                                                             LPWSAPROTOCOL_INFOW lpProtocolInfo,
                                                             WSPUPCALLTABLE UpcallTable, LPWSPPROC_TABLE lpProcTable)
{
    int err = 0;

    if (!lpWSPData || !lpProcTable || !lpProtocolInfo)
        return WSAEFAULT;
    /* START-3: major in the low byte; below 2.2 nothing is offered. */
    if (LOBYTE(wVersionRequested) < 2 || (LOBYTE(wVersionRequested) == 2 && HIBYTE(wVersionRequested) < 2))
        return WSAVERNOTSUPPORTED;
    if (!wsp_upcalls_usable(&UpcallTable))
        return WSAEINVALIDPROVIDER;
    if (atomic_load(&wsp_provider.state) >= WSP_FORKED)
        return WSASYSNOTREADY;
    wsp_mutex_lock(&wsp_provider.lock);
    if (!wsp_provider.hooks_set)
        err = wsp_os_hooks_install(&provider_hooks);
    wsp_provider.hooks_set = err == STK_OK;
    if (err == STK_OK) {
        wsp_upcalls_set(&UpcallTable);
        if (wsp_provider.count++ == 0)
            provider_configure();
        provider_describe(lpWSPData);
        *lpProcTable = wsp_proc_table;
        wsp_journal_lead(lpProcTable);
        /* A: pairs with B of every entry. */
        atomic_store_explicit(&wsp_provider.state, WSP_RUNNING, memory_order_release);
    }
    wsp_mutex_unlock(&wsp_provider.lock);
    return err == STK_OK ? 0 : WSASYSNOTREADY;
}

/**
 * WSPCleanup: one for each startup; the last one ends all.
 *
 * Context: any thread, not a completion routine. The last one blocks for calls to leave and for the drain.
 * Source: rules WSPCLEANUP-1..5.
 */
int WSPAPI wsp_cleanup(LPINT lpErrno)
{
    int code = wsp_provider_check();

    if (code != 0)
        return wsp_fail(lpErrno, code);
    /* From a DLL that is detached at the process's end: who was ended with it may hold the lock. */
    if (stk_process_ending())
        return 0;
    wsp_mutex_lock(&wsp_provider.lock);
    if (wsp_provider.count == 0) {
        code = WSANOTINITIALISED;
    } else if (--wsp_provider.count == 0) {
        atomic_store_explicit(&wsp_provider.state, WSP_DOWN, memory_order_release);
        provider_down(STK_CLOSE_ABORT, LEAVE_WAIT_MS);
    }
    wsp_mutex_unlock(&wsp_provider.lock);
    return code != 0 ? wsp_fail(lpErrno, code) : 0;
}
