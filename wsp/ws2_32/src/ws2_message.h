/*
 * Window messages for the rest of the DLL: on Linux over its own queue (ws2_queue_linux.c), on Windows over user32, which
 * the DLL does not import.
 */
#ifndef WS2_MESSAGE_H
#define WS2_MESSAGE_H

#include "ws2_priv.h"

/**
 * Post a message to a window's thread.
 *
 * @return  FALSE: no such window, or its queue is full. The last error says which.
 *
 * Context: any thread, a helper thread of ours too; does not wait. Source: rule WPU-8.
 */
BOOL ws2_message_post(HWND window, UINT message, WPARAM wparam, LPARAM lparam);

/** Whether there is such a window now. Context: any thread; the last error stays as it was. */
bool ws2_message_window(HWND window);

/**
 * One turn of the hook that a 1.1 program has when it has set none: hand out one message of the calling thread.
 *
 * @return  Whether there was one.
 *
 * Context: a thread inside a blocking call. Source: rules BLK-3, WS2-53.
 */
bool ws2_message_pump(void);

#endif
