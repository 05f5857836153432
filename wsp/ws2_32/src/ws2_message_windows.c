/*
 * Window messages, Windows. The DLL does not import user32: who has a window has loaded it, and a program without one
 * must not be made to. Source: rules WPU-8, WSPASYNCSELECT-3.
 */
#include "ws2_upcall_priv.h"

typedef BOOL(WINAPI *post_message_fn)(HWND, UINT, WPARAM, LPARAM);

static _Atomic(post_message_fn) post_message;

/**
 * Post a message to a window's thread.
 *
 * @return  FALSE: no such window, its queue is full, or nobody has loaded user32. The last error says which.
 *
 * Context: any thread; does not wait. The first call asks the loader.
 */
BOOL WSPAPI ws2_upcall_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    post_message_fn post = atomic_load_explicit(&post_message, memory_order_acquire);
    if (post == NULL) {
        HMODULE user32 = GetModuleHandleA("user32.dll");
        post = user32 == NULL ? NULL : (post_message_fn)(uintptr_t)GetProcAddress(user32, "PostMessageW");
        if (post == NULL) {
            SetLastError(ERROR_INVALID_WINDOW_HANDLE);
            return FALSE;
        }
        atomic_store_explicit(&post_message, post, memory_order_release);
    }
    return post(window, message, wparam, lparam);
}
