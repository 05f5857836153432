/*
 * Window messages, Windows. The DLL does not import user32: who has a window has loaded it, and a program without one
 * must not be made to. Source: rules WPU-8, WSPASYNCSELECT-3.
 */
#include "ws2_message.h"
#include "ws2_upcall_priv.h"

enum user32_function { USER32_POST, USER32_IS_WINDOW, USER32_PEEK, USER32_DISPATCH, USER32_QUIT, USER32_FUNCTIONS };

static const char *const user32_names[USER32_FUNCTIONS] = {
    [USER32_POST] = "PostMessageW",         [USER32_IS_WINDOW] = "IsWindow",   [USER32_PEEK] = "PeekMessageW",
    [USER32_DISPATCH] = "DispatchMessageW", [USER32_QUIT] = "PostQuitMessage",
};

static atomic_uintptr_t user32_known[USER32_FUNCTIONS];

/* 0: nobody has loaded user32. Threads that ask at the same time find the same. The last error stays. */
static uintptr_t user32(enum user32_function which)
{
    uintptr_t function = atomic_load_explicit(&user32_known[which], memory_order_acquire);
    DWORD before;
    HMODULE module;
    if (function != 0) {
        return function;
    }
    before = GetLastError();
    module = GetModuleHandleA("user32.dll");
    if (module != NULL) {
        function = (uintptr_t)GetProcAddress(module, user32_names[which]);
        atomic_store_explicit(&user32_known[which], function, memory_order_release);
    }
    SetLastError(before);
    return function;
}

BOOL ws2_message_post(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    BOOL(WINAPI * post)(HWND, UINT, WPARAM, LPARAM) = (BOOL(WINAPI *)(HWND, UINT, WPARAM, LPARAM))user32(USER32_POST);
    if (post == NULL) {
        SetLastError(ERROR_INVALID_WINDOW_HANDLE);
        return FALSE;
    }
    return post(window, message, wparam, lparam);
}

/** The upcall: as ws2_message_post. The first call asks the loader. Source: rule WPU-8. */
BOOL WSPAPI ws2_upcall_post_message(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    return ws2_message_post(window, message, wparam, lparam);
}

bool ws2_message_window(HWND window)
{
    BOOL(WINAPI * is_window)(HWND) = (BOOL(WINAPI *)(HWND))user32(USER32_IS_WINDOW);
    DWORD before = GetLastError();
    bool there = is_window != NULL && is_window(window);
    SetLastError(before);
    return there;
}

bool ws2_message_pump(void)
{
    BOOL(WINAPI * peek)
    (MSG *, HWND, UINT, UINT, UINT) = (BOOL(WINAPI *)(MSG *, HWND, UINT, UINT, UINT))user32(USER32_PEEK);
    LRESULT(WINAPI * dispatch)(const MSG *) = (LRESULT(WINAPI *)(const MSG *))user32(USER32_DISPATCH);
    // cppcheck-suppress AssignmentAddressToInteger; it takes the declaration for another
    void(WINAPI * quit)(int) = (void(WINAPI *)(int))user32(USER32_QUIT);
    MSG msg;
    if (peek == NULL || dispatch == NULL || quit == NULL || !peek(&msg, NULL, 0, 0, PM_REMOVE)) {
        return false;
    }
    if (msg.message == WM_QUIT) {
        quit((int)msg.wParam); /* the program's own loop is to see it */
        return false;
    }
    dispatch(&msg);
    return true;
}
