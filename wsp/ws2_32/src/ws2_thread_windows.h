/*
 * What the DLL keeps for a thread, Windows.
 */
#ifndef WS2_THREAD_WINDOWS_H
#define WS2_THREAD_WINDOWS_H

#include "ws2_priv.h"

struct ws2_thread {
    struct ws2_thread_data data;
    HANDLE self; /* a handle of the thread itself, made when it is first asked for; closed when the thread ends */
};

struct ws2_thread *ws2_thread_self(void);

#endif
