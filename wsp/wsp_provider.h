/**
 * @file
 * The provider's life in this process: startup count, configuration, the
 * attachment to the stack, the dispatcher thread, threads' records.
 *
 * There is one provider per process, as there is one copy of the DLL.
 *
 * Memory order: wsp_provider.state is stored with release order once all that
 * an entry needs is in place (A) and loaded with acquire order by the entries (B).
 *
 * Source: rules START, WSPCLEANUP.
 */
#ifndef WSP_PROVIDER_H
#define WSP_PROVIDER_H

#include "wsp_os.h"

#include "stack/api.h"

#include <stdatomic.h>
#include <ws2spi.h>

enum wsp_state {
    WSP_DOWN,    /**< no startup outstanding */
    WSP_RUNNING, /**< WSPStartup succeeded */
    WSP_FORKED,  /**< a child after fork: nothing works and nothing is touched */
    WSP_EXITED,  /**< the process is exiting; drained */
};

/** Catalogue entries that sockets were made from, for SO_PROTOCOL_INFO and handles. */
#define WSP_INFOS_MAX 32

struct wsp_provider {
    _Atomic uint32_t state; /**< enum wsp_state */
    _Atomic uint32_t stop;  /**< the last cleanup is under way: wake word of the dispatcher and of waits on many */
    struct wsp_mutex lock;  /**< guards the rest */
    uint32_t count;         /**< startups outstanding */
    _Atomic bool dispatcher_runs;
    bool hooks_set;
    bool config_failed;
    char config_error[STK_CONF_ERROR_SIZE];
    struct stk_config *config;
    _Atomic(struct stk_client *) client; /**< NULL until the first socket */
    struct wsp_os_thread dispatcher;
    _Atomic uint32_t infos_count;
    WSAPROTOCOL_INFOW infos[WSP_INFOS_MAX];
};

extern struct wsp_provider wsp_provider;

/** Memory that could be read. */
struct wsp_range {
    const void *at;
    size_t bytes;
};

#define WSP_RANGES 8 /* what a few select and poll calls look at */

/** What a thread has in the provider; made on first need, ended with the thread. */
struct wsp_thread {
    uint64_t id;         /**< unique in the process */
    uint32_t issued;     /**< overlapped requests were started here */
    bool blocking;       /**< inside a blocking hook */
    bool cancelled;      /**< WSPCancelBlockingCall was called in it */
    bool alerted;        /**< a wait of it is running queued calls: they do not nest (E34) */
    void *select_memory; /**< of its last WSPSelect or WSAPoll, for the next one; NULL: in use */
    size_t select_bytes;
    void *routines; /**< completion routines that are running, innermost first */
    struct wsp_range ranges[WSP_RANGES];
    unsigned range_next;
};

/**
 * Check that the provider works in this process.
 *
 * @return  0, or WSANOTINITIALISED.
 *
 * Context: any thread. One load.
 */
int wsp_provider_check(void);

/**
 * The client, attached on first use.
 *
 * @param out  The client, valid until the last cleanup.
 * @return     0, or a WSAE* code: WSAENETDOWN (no configuration, engine not startable), WSAENOBUFS.
 *
 * Context: any thread. The first call blocks until the engine runs.
 */
int wsp_provider_client(struct stk_client **out);

/** The attached client; NULL: none. Context: any thread. */
struct stk_client *wsp_provider_client_now(void);

/**
 * Make the dispatcher thread run.
 *
 * @return  0, WSAENOBUFS (no thread), WSANOTINITIALISED (the last cleanup is under way).
 *
 * Context: any thread that holds no socket's lock.
 */
int wsp_dispatcher_start(void);

/**
 * End the dispatcher and wait for it, and a while for the threads that do its work.
 *
 * @return  false: one of those stays, and may still look at the stack's memory.
 *
 * Context: the provider's lock is held; not the dispatcher.
 */
bool wsp_dispatcher_stop(void);

/**
 * Remember a catalogue entry.
 *
 * @return  Its index in wsp_provider.infos, or -1: table full.
 */
int wsp_provider_info_add(const WSAPROTOCOL_INFOW *info);

/** The calling thread's record; NULL: no memory. Context: any thread. */
struct wsp_thread *wsp_thread_get(void);

/** The calling thread's record if it has one. Context: any thread. */
struct wsp_thread *wsp_thread_peek(void);

/** The 30 slots: wsp_table.c. */
extern const WSPPROC_TABLE wsp_proc_table;

/* Slot 6. */
int WSPAPI wsp_cleanup(LPINT lpErrno);

#endif
