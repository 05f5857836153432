/*
 * What the files of the Winsock DLL share.
 *
 * The portable files know Winsock only; everything that the operating system does for them is declared in ws2_os.h
 * and implemented in *_linux.c and *_windows.c. On Linux one table holds every handle that the process can name
 * (sockets, events, threads), so that a value means one thing only; on Windows the kernel sees to that and the table
 * holds sockets. Locks: `ws2_process_lock` guards start-up, catalogue and provider loading and is
 * never taken by a call on an existing socket.
 */
#ifndef WS2_PRIV_H
#define WS2_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <ws2spi.h>

#include "ws2_os.h"

/* ---- process state (ws2_startup.c) ---- */

extern atomic_uint ws2_start_count;
extern struct ws2_mutex *ws2_process_lock(void);

/** Nonzero between the first WSAStartup and the last WSACleanup. Context: any thread; one load. */
static inline bool ws2_started(void)
{
    return atomic_load_explicit(&ws2_start_count, memory_order_acquire) != 0;
}

/** Lowest major version among the outstanding WSAStartup calls: 1 switches the rules of Winsock 1.1 on. */
bool ws2_is_legacy(void);

/** Set the thread's last error and return SOCKET_ERROR; a code of 0 becomes WSASYSCALLFAILURE. Source: rule WS2-9. */
int ws2_fail(int code);

/* ---- catalogue (ws2_catalog.c, ws2_catalog_file.c) ---- */

#define WS2_PATH_BYTES 1024
#define WS2_CATALOG_ENTRIES 64

struct ws2_entry {
    WSAPROTOCOL_INFOW info;
    char path[WS2_PATH_BYTES]; /* provider library, %variables% unexpanded; absolute, or a bare name for the loader */
};

#define WS2_NAMESPACES 16
#define WS2_NS_NAME 256
#define WS2_NS_BLOB_BYTES 256

/* A namespace provider. */
struct ws2_ns_entry {
    GUID id;
    DWORD name_space;
    DWORD version;
    bool active;
    WCHAR name[WS2_NS_NAME];
    char path[WS2_PATH_BYTES]; /* as in ws2_entry; empty: the built-in one */
    uint32_t blob_bytes;
    uint8_t blob[WS2_NS_BLOB_BYTES]; /* what its installer gave for it */
};

struct ws2_catalog {
    unsigned count;
    DWORD next_id; /* of the next entry that is installed: numbers are not used twice */
    unsigned namespaces;
    struct ws2_entry entry[WS2_CATALOG_ENTRIES];
    struct ws2_ns_entry name_space[WS2_NAMESPACES];
};

int ws2_catalog_load(struct ws2_catalog *catalog);
bool ws2_catalog_path(char *out, size_t bytes, bool *named);
void ws2_catalog_default_path(char *out, size_t bytes);
int ws2_catalog_parse_file(struct ws2_catalog *catalog, const char *file);
void ws2_catalog_defaults(struct ws2_catalog *catalog, const char *path);
void ws2_catalog_default_namespaces(struct ws2_catalog *catalog);
struct ws2_catalog *ws2_catalog_fresh(LPINT error);
const struct ws2_entry *ws2_catalog_select(const struct ws2_catalog *catalog, int af, int type, int protocol,
                                           int *error);
const struct ws2_entry *ws2_catalog_by_id(const struct ws2_catalog *catalog, DWORD id);
const struct ws2_catalog *ws2_catalog_current(void);
bool ws2_guid_parse(const char *text, GUID *guid);
bool ws2_path_join(char *out, size_t bytes, const char *directory, const char *file);

/* ---- providers (ws2_provider.c) ---- */

#define WS2_PROVIDERS 16

struct ws2_provider {
    WSPPROC_TABLE table; /* valid while started */
    bool used;
    atomic_bool started;
    GUID id;
    char path[WS2_PATH_BYTES];
    void *module;               /* stays loaded for the life of the process */
    _Atomic(LPFN_WSAPOLL) poll; /* its WSAPoll once asked for */
};

struct ws2_provider *ws2_provider_get(const struct ws2_entry *entry, int *error);
void ws2_provider_cleanup_all(void);
bool ws2_provider_any_loaded(void);
bool ws2_provider_starting(void);
void ws2_upcalls_fill(WSPUPCALLTABLE *table);

/* ---- handles (ws2_handle.c) ---- */

enum ws2_kind {
    WS2_KIND_FREE,
    WS2_KIND_SOCKET,
    WS2_KIND_EVENT,
    WS2_KIND_THREAD,
    WS2_KIND_WINDOW,
    WS2_KIND_FILE,
    WS2_KIND_SEMAPHORE,
    WS2_KIND_MUTEX,
    WS2_KIND_PORT, /* a completion port */
    WS2_KINDS
};

/*
 * One handle. `live` is the handle's value while it is open, else 0. `refs` counts the open handle and every pin; the
 * slot is recycled when it falls to 0, and its memory is never given back, so that a stale pointer to it is harmless.
 */
struct ws2_slot {
    atomic_uint live;
    atomic_uint refs;
    uint32_t index;
    uint32_t generation;        /* Linux */
    struct ws2_slot *next_free; /* Linux */
    enum ws2_kind kind;
    atomic_uintptr_t context;                /* socket: the provider's */
    _Atomic(struct ws2_provider *) provider; /* socket */
    DWORD entry_id;                          /* socket */
    atomic_uint io;                          /* Linux, socket: WS2_IO_* of ws2_iocp_priv.h */
    void *object;                            /* the system layer's; given to ws2_object_release when refs fell to 0 */
};

struct ws2_slot *ws2_handle_open(enum ws2_kind kind);
void ws2_handle_publish(struct ws2_slot *slot);
uint32_t ws2_handle_value(const struct ws2_slot *slot);
bool ws2_handle_close(uintptr_t handle, enum ws2_kind kind);
struct ws2_slot *ws2_handle_pin(uintptr_t handle, enum ws2_kind kind);
void ws2_handle_unpin(struct ws2_slot *slot);
enum ws2_kind ws2_handle_kind(uintptr_t handle);
struct ws2_provider *ws2_handle_provider(SOCKET s);
bool ws2_handle_context(SOCKET s, uintptr_t *context);
bool ws2_handle_entry_id(SOCKET s, DWORD *id);
unsigned ws2_handle_io(SOCKET s);
void ws2_handle_close_all_of(const struct ws2_provider *provider);
unsigned ws2_handle_open_count(enum ws2_kind kind);

/** Release what `object` points to, never NULL. Implemented by the system layer; called when refs fell to 0. */
void ws2_object_release(enum ws2_kind kind, void *object);

/* ---- per thread (ws2_thread_*.c keep the storage) ---- */

/* Memory that could be read. */
struct ws2_range {
    const void *at;
    size_t bytes;
};

#define WS2_RANGES 8

struct ws2_thread_data {
    struct ws2_range range[WS2_RANGES];
    unsigned range_next;
    int open_type;
    char ntoa[16];
    _Alignas(8) char host_blob[6144]; /* what the name functions of 1.1 return */
    _Alignas(8) char service_blob[1024];
    _Alignas(8) char protocol_blob[256];
    FARPROC blocking_hook;                  /* of a 1.1 program; NULL: none */
    struct ws2_provider *blocking_provider; /* whose call blocks */
    bool blocking;                          /* the hook is running */
    bool cancelled;                         /* WSACancelBlockingCall was called in it */
};

struct ws2_thread_data *ws2_thread_data(void);
bool ws2_thread_self_id(WSATHREADID *id);

bool ws2_memory_readable(const void *at, size_t bytes); /* ws2_memory.c */

/* ---- blocking hooks (ws2_blocking.c) ---- */

extern atomic_uint ws2_hooks_running;
bool ws2_in_hook(void);

/** Whether the call comes from the thread's own blocking hook: WSAEINPROGRESS (rules BLK-8, WS2-55). */
static inline bool ws2_busy(void)
{
    return atomic_load_explicit(&ws2_hooks_running, memory_order_relaxed) != 0 && ws2_in_hook();
}

/* ---- routing ---- */

/**
 * The provider of a socket, or NULL with the last error set.
 *
 * Context: any thread, on the data path: two loads for the start count and the handle, no lock.
 * Source: rules WS2-5, WS2-12, WS2-13, WS2-55.
 */
static inline struct ws2_provider *ws2_route(SOCKET s)
{
    struct ws2_provider *provider;
    if (!ws2_started()) {
        ws2_fail(WSANOTINITIALISED);
        return NULL;
    }
    if (ws2_busy()) {
        ws2_fail(WSAEINPROGRESS);
        return NULL;
    }
    provider = ws2_handle_provider(s);
    if (provider == NULL) {
        ws2_fail(WSAENOTSOCK);
    }
    return provider;
}

/* ---- functions that the platforms' headers declare differently: called by those of ws2_api_*.c ---- */

int ws2_own_name(char *name, size_t bytes);
int ws2_select(int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout);

/**
 * The result of a WSP function: on failure the provider's code becomes the thread's last error, on success zero does,
 * whatever the provider's waiting left there.
 *
 * @param error  By pointer: the call that sets it is often another argument.
 *
 * Source: rules WS2-9, WS2-10; Windows, as conformance suites observe.
 */
static inline int ws2_finish(int result, const int *error)
{
    if (result == SOCKET_ERROR) {
        return ws2_fail(*error);
    }
    SetLastError(0);
    return result;
}

/* ---- text (ws2_text.c) ---- */

bool ws2_text_parse4(const char *text, uint8_t addr[4]);
bool ws2_text_parse4_any(const char *text, uint32_t *addr_be);
bool ws2_text_parse6(const char *text, uint8_t addr[16]);
size_t ws2_text_format4(const uint8_t addr[4], char out[16]);
size_t ws2_text_format6(const uint8_t addr[16], char out[46]);
size_t ws2_utf16_from_ansi(const char *in, WCHAR *out, size_t out_chars);
size_t ws2_ansi_from_utf16(const WCHAR *in, char *out, size_t out_bytes);
size_t ws2_utf16_len(const WCHAR *text);

/* ---- UTF (ws2_utf.c) ---- */

size_t ws2_utf16_from_utf8(const char *in, WCHAR *out, size_t out_chars);
size_t ws2_utf8_from_utf16(const WCHAR *in, char *out, size_t out_bytes);

#endif
