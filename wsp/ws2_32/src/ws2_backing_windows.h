/*
 * What makes a socket's kernel handle behave as programs expect: completion ports, cancellation, ReadFile and its kin,
 * completion routines, window messages. Windows only (Wine: where Microsoft's ws2_32 is, ours is not used).
 *
 * For the rest of the DLL:
 * - ws2_kernel_attach() before the first socket handle is published; never from DllMain, it asks the loader.
 * - ws2_port_release() for the `object` of a socket's slot, from ws2_object_release.
 * - every API call that may start an overlapped operation goes between ws2_issue_begin() and ws2_issue_end().
 * - what ws2_upcall_priv.h asks of the platform, and ws2_thread_self_id, are implemented in ws2_apc_windows.c,
 *   ws2_message_windows.c and ws2_port_windows.c.
 *
 * Among the files of the kernel part: ws2_patch_windows.c puts our functions in the way of kernelbase's and ntdll's,
 * ws2_hook_windows.c holds these functions.
 */
#ifndef WS2_BACKING_WINDOWS_H
#define WS2_BACKING_WINDOWS_H

#include "ws2_priv.h"

/* ---- lifecycle (ws2_hook_windows.c) ---- */

/**
 * Put our functions before those of the system, once per process; later calls return at once. What cannot be
 * intercepted is told in one line on the standard error stream, and that feature is off.
 *
 * Context: any thread, not DllMain. The last error is as before.
 */
void ws2_kernel_attach(void);

/* ---- threads (ws2_apc_windows.c) ---- */

/** Close `self` of a thread that ends; false: none of ours. Context: any thread. The last error is as before. */
bool ws2_apc_close(HANDLE handle);

/* ---- patching (ws2_patch_windows.c) ---- */

/** A function of the system, to be intercepted. */
struct ws2_patch {
    const char *module; /* loaded already */
    const char *name;
    FARPROC hook;     /* ours, same prototype */
    FARPROC original; /* out: calls the system's */
    const char *lost; /* what does not work without it, for the log */
};

/**
 * Intercept one function, if it begins as one that can be.
 *
 * @return  false: not there, or its first instructions are not those that we know; nothing was changed.
 *
 * Context: any thread, one at a time; other threads may be running the function. Asks the loader.
 */
bool ws2_patch_apply(struct ws2_patch *patch);

/* ---- ports (ws2_port_windows.c) ---- */

/** Release what a socket's slot points to. NULL is accepted. Context: the last pin of the slot is gone. */
void ws2_port_release(void *object);

#endif
