/*
 * WSAStartup to WSACleanup, error codes. Source: rules WS2-1 to WS2-3, WS2-11.
 */
#include "ws2_hosts_priv.h"
#include "ws2_lookup.h"
#include "ws2_priv.h"
#include "ws2_work.h"

#include <string.h>

atomic_uint ws2_start_count;
static atomic_ullong
    legacy_starts;           /* outstanding WSAStartup calls that negotiated 1.x: bits by their number, the last for
                                       all further ones */
static atomic_bool poisoned; /* a fork of a process that had a provider loaded: rule of the engine, never restarted */
static struct ws2_catalog catalog;

struct ws2_mutex *ws2_process_lock(void)
{
    return ws2_os_process_mutex();
}

bool ws2_is_legacy(void)
{
    return atomic_load_explicit(&legacy_starts, memory_order_relaxed) != 0;
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
    atomic_store_explicit(&legacy_starts, 0, memory_order_relaxed);
    ws2_work_forked();
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

/* The count behind the step, or 0: it is below `least`. */
static unsigned count_step(unsigned step, unsigned least)
{
    unsigned count = atomic_load_explicit(&ws2_start_count, memory_order_relaxed);
    do {
        if (count < least || (count & ENDING) != 0) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(&ws2_start_count, &count, count + step, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return count + step;
}

/* Which version the start of a number negotiated. WSACleanup undoes the last one: a part of a program that uses 1.1 for a while
 * leaves no trace. */
static void legacy_note(unsigned number, bool legacy)
{
    unsigned long long bit = 1ull << (number > 63 ? 63 : number);
    if (legacy) {
        atomic_fetch_or_explicit(&legacy_starts, bit, memory_order_relaxed);
    } else {
        atomic_fetch_and_explicit(&legacy_starts, ~bit, memory_order_relaxed);
    }
}

static int first_start(unsigned *number)
{
    int error = 0;
    ws2_os_lock(ws2_process_lock());
    ws2_os_watch_fork(forked_child);
    *number = count_step(1, 1);
    if (*number == 0) {
        error = ws2_catalog_load(&catalog);
        if (error == 0) {
            *number = 1;
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
 * @param data     Filled on success, and for a version below 1.0 too, with what there is: Windows, as conformance suites
 *                 observe.
 * @return         0, or directly the code: WSAVERNOTSUPPORTED below 1.0, WSAEFAULT for a NULL pointer, WSASYSNOTREADY
 *                 when the catalogue cannot be read or this is the child of a fork of a running provider.
 *
 * Context: any thread; one that is started by a provider too. Source: rules WS2-1, WS2-3, WS2-7.
 */
int WSAAPI WSAStartup(WORD version, LPWSADATA data)
{
    WORD given = version_for(version);
    unsigned number;
    int error;
    if (LOBYTE(version) == 0) {
        if (data != NULL) {
            data_fill(data, given);
        }
        return WSAVERNOTSUPPORTED;
    }
    if (data == NULL) {
        return WSAEFAULT;
    }
    if (atomic_load_explicit(&poisoned, memory_order_relaxed)) {
        return WSASYSNOTREADY;
    }
    number = count_step(1, 1);
    error = number != 0 ? 0 : first_start(&number);
    if (error != 0) {
        return error;
    }
    legacy_note(number, LOBYTE(given) < 2);
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
 * @return  0, or SOCKET_ERROR with WSANOTINITIALISED or WSAEINPROGRESS (from a blocking hook).
 *
 * Context: any thread; waits for the providers' bounded drain of closed connections. Source: rule WS2-2.
 */
int WSAAPI WSACleanup(void)
{
    unsigned last = 1;
    unsigned left;
    if (ws2_busy()) {
        return ws2_fail(WSAEINPROGRESS);
    }
    left = count_step(0u - 1u, 2);
    if (left != 0) {
        legacy_note(left + 1, false);
        SetLastError(0);
        return 0;
    }
    if (atomic_load_explicit(&ws2_start_count, memory_order_relaxed) == 1) {
        names_stop();
    }
    ws2_os_lock(ws2_process_lock());
    while (left == 0 && !atomic_compare_exchange_weak_explicit(&ws2_start_count, &last, 1 | ENDING,
                                                               memory_order_acq_rel, memory_order_relaxed)) {
        if (last == 0) {
            ws2_os_unlock(ws2_process_lock());
            return ws2_fail(WSANOTINITIALISED);
        }
        left = count_step(0u - 1u, 2);
        last = 1;
    }
    if (left != 0) {
        legacy_note(left + 1, false);
    } else {
        /* Providers first: their closing of sockets uses upcalls, which must still work. */
        ws2_provider_cleanup_all();
        atomic_store_explicit(&legacy_starts, 0, memory_order_relaxed);
        atomic_store_explicit(&ws2_start_count, 0, memory_order_release);
    }
    ws2_os_unlock(ws2_process_lock());
    SetLastError(0);
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
