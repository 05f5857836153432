/*
 * WSAStartup to WSACleanup, error codes, blocking hooks. Source: rules WS2-1 to WS2-3, WS2-11, WS2-53 to WS2-56.
 */
#include "ws2_hosts_priv.h"
#include "ws2_lookup.h"
#include "ws2_priv.h"
#include "ws2_work.h"

#include <string.h>

atomic_uint ws2_start_count;
static atomic_uint legacy_count; /* outstanding WSAStartup calls that negotiated 1.x */
static atomic_bool poisoned; /* a fork of a process that had a provider loaded: rule of the engine, never restarted */
static struct ws2_catalog catalog;

struct ws2_mutex *ws2_process_lock(void)
{
    return ws2_os_process_mutex();
}

bool ws2_is_legacy(void)
{
    return atomic_load_explicit(&legacy_count, memory_order_relaxed) != 0;
}

const struct ws2_catalog *ws2_catalog_current(void)
{
    return &catalog;
}

int ws2_fail(int code)
{
    SetLastError((DWORD)(code == 0 ? WSASYSCALLFAILURE : code));
    return SOCKET_ERROR;
}

/* The child of a fork has none of the parent's threads: whatever a provider had is gone or another process's. */
static void forked_child(void)
{
    atomic_store_explicit(&ws2_start_count, 0, memory_order_release);
    atomic_store_explicit(&legacy_count, 0, memory_order_relaxed);
    if (ws2_provider_any_loaded()) {
        atomic_store_explicit(&poisoned, true, memory_order_relaxed);
    }
}

/* The version given to the caller: the one asked for, or the nearest lower one that exists. */
static WORD version_for(WORD asked)
{
    BYTE major = LOBYTE(asked);
    BYTE minor = HIBYTE(asked);
    if (major == 1) {
        return MAKEWORD(1, minor > 1 ? 1 : minor);
    }
    if (major == 2) {
        return MAKEWORD(2, minor > 2 ? 2 : minor);
    }
    return MAKEWORD(2, 2);
}

static void data_fill(LPWSADATA data, WORD version)
{
    static const char description[] = "WinSock 2.0";
    static const char status[] = "Running";
    data->wVersion = version;
    data->wHighVersion = MAKEWORD(2, 2);
    data->iMaxSockets = LOBYTE(version) < 2 ? 32767 : 0;
    data->iMaxUdpDg = LOBYTE(version) < 2 ? 65467 : 0;
    memcpy(data->szDescription, description, sizeof description);
    memcpy(data->szSystemStatus, status, sizeof status);
}

/*
 * Once Winsock is started, starting it again takes no lock: the libraries that a provider is made of may call WSAStartup
 * themselves, in threads that the provider waits for while it is being started under the lock. ENDING says that the last
 * WSACleanup is at work; who comes then waits for it.
 */
#define ENDING 0x80000000u

static bool count_step(unsigned step, unsigned least)
{
    unsigned count = atomic_load_explicit(&ws2_start_count, memory_order_relaxed);
    do {
        if (count < least || (count & ENDING) != 0) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&ws2_start_count, &count, count + step, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return true;
}

static int first_start(void)
{
    int error = 0;
    ws2_os_lock(ws2_process_lock());
    ws2_os_watch_fork(forked_child);
    if (!count_step(1, 1)) {
        error = ws2_catalog_load(&catalog);
        if (error == 0) {
            atomic_store_explicit(&ws2_start_count, 1, memory_order_release);
        }
    }
    ws2_os_unlock(ws2_process_lock());
    return error;
}

/**
 * Start using Winsock; counted per process.
 *
 * @param version  Low byte major, high byte minor.
 * @param data     Filled on success.
 * @return         0, or directly the code: WSAVERNOTSUPPORTED below 1.0, WSAEFAULT for a NULL pointer, WSASYSNOTREADY
 *                 when the catalogue cannot be read or this is the child of a fork of a running provider.
 *
 * Context: any thread; one that is started by a provider too. Source: rules WS2-1, WS2-3, WS2-7.
 */
int WSAAPI WSAStartup(WORD version, LPWSADATA data)
{
    WORD given = version_for(version);
    int error;
    if (LOBYTE(version) == 0) {
        return WSAVERNOTSUPPORTED;
    }
    if (data == NULL) {
        return WSAEFAULT;
    }
    if (atomic_load_explicit(&poisoned, memory_order_relaxed)) {
        return WSASYSNOTREADY;
    }
    error = count_step(1, 1) ? 0 : first_start();
    if (error != 0) {
        return error;
    }
    if (LOBYTE(given) < 2) {
        atomic_fetch_add_explicit(&legacy_count, 1, memory_order_relaxed);
    }
    data_fill(data, given);
    return 0;
}

/* Questions use sockets and their providers may call anything: they end before the rest, and under no lock. */
static void names_stop(void)
{
    ws2_work_end_all();
    ws2_lookup_end_all();
    ws2_nsp_cleanup_all();
    ws2_dns_flush();
}

/**
 * Undo one WSAStartup. The last one cleans up every provider; sockets still open are reset.
 *
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED.
 *
 * Context: any thread; waits for the providers' bounded drain of closed connections. Source: rule WS2-2.
 */
int WSAAPI WSACleanup(void)
{
    bool undone = count_step(0u - 1u, 2);
    unsigned last = 1;
    if (undone) {
        return 0;
    }
    if (atomic_load_explicit(&ws2_start_count, memory_order_relaxed) == 1) {
        names_stop();
    }
    ws2_os_lock(ws2_process_lock());
    while (!undone && !atomic_compare_exchange_weak_explicit(&ws2_start_count, &last, 1 | ENDING, memory_order_acq_rel,
                                                             memory_order_relaxed)) {
        if (last == 0) {
            ws2_os_unlock(ws2_process_lock());
            return ws2_fail(WSANOTINITIALISED);
        }
        undone = count_step(0u - 1u, 2);
        last = 1;
    }
    if (!undone) {
        /* Providers first: their closing of sockets uses upcalls, which must still work. */
        ws2_provider_cleanup_all();
        atomic_store_explicit(&legacy_count, 0, memory_order_relaxed);
        atomic_store_explicit(&ws2_start_count, 0, memory_order_release);
    }
    ws2_os_unlock(ws2_process_lock());
    return 0;
}

/** The calling thread's last error. Needs no WSAStartup. Source: rules WS2-4, WS2-11. */
int WSAAPI WSAGetLastError(void)
{
    return (int)GetLastError();
}

/** Set the calling thread's last error. Needs no WSAStartup. */
void WSAAPI WSASetLastError(int code)
{
    SetLastError((DWORD)code);
}

/** Whether the thread is inside a blocking call of a 1.1 program: its hook is never run, so never. */
BOOL WSAAPI WSAIsBlocking(void)
{
    return FALSE;
}

/**
 * Keep a 1.1 program's blocking hook.
 *
 * @return  The hook before, or NULL with WSANOTINITIALISED, WSAEOPNOTSUPP (Winsock 2 program), WSAEFAULT (NULL).
 *
 * Source: rules WS2-53, WS2-56: stored, not run.
 */
FARPROC WSAAPI WSASetBlockingHook(FARPROC hook)
{
    struct ws2_thread_data *data;
    FARPROC before;
    if (!ws2_started() || !ws2_is_legacy() || hook == NULL) {
        ws2_fail(!ws2_started() ? WSANOTINITIALISED : !ws2_is_legacy() ? WSAEOPNOTSUPP : WSAEFAULT);
        return NULL;
    }
    data = ws2_thread_data();
    if (data == NULL) {
        ws2_fail(WSAENOBUFS);
        return NULL;
    }
    before = data->blocking_hook;
    data->blocking_hook = hook;
    return before;
}

/** Forget the hook. @return 0, or SOCKET_ERROR with WSANOTINITIALISED or WSAEOPNOTSUPP. Source: rule WS2-53. */
int WSAAPI WSAUnhookBlockingHook(void)
{
    struct ws2_thread_data *data;
    if (!ws2_started() || !ws2_is_legacy()) {
        return ws2_fail(!ws2_started() ? WSANOTINITIALISED : WSAEOPNOTSUPP);
    }
    data = ws2_thread_data();
    if (data != NULL) {
        data->blocking_hook = NULL;
    }
    return 0;
}

/**
 * Cancel the thread's blocking call, possible only from inside a hook.
 *
 * @return  SOCKET_ERROR with WSANOTINITIALISED, WSAEOPNOTSUPP (Winsock 2 program) or WSAEINVAL (no call blocks).
 *
 * Source: rules WS2-53, WSPCANCELBLOCKINGCALL-1.
 */
int WSAAPI WSACancelBlockingCall(void)
{
    if (!ws2_started()) {
        return ws2_fail(WSANOTINITIALISED);
    }
    return ws2_fail(ws2_is_legacy() ? WSAEINVAL : WSAEOPNOTSUPP);
}
