/*
 * Windows that only receive messages, Linux: classes, CreateWindowEx to DestroyWindow, DispatchMessage.
 * Source: rule WSPASYNCSELECT-6; names and errors are those of Windows.
 */
#include "ws2_message.h"
#include "ws2_wait_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES 256
#define ATOM_FIRST 0xC000u

/* A class, or a name given to RegisterWindowMessage: then proc is NULL. Under `names_lock`; never freed while used. */
struct ws2_class {
    struct ws2_class *next;
    UINT number;
    bool message;
    unsigned windows;
    WNDPROC proc;
    char name[NAME_BYTES];
};

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ws2_class class_static = {NULL, ATOM_FIRST, false, 0, DefWindowProcW, "static"};
static struct ws2_class *names = &class_static;
static UINT names_next = ATOM_FIRST + 1;

/* Lock held. A name below 64 KiB is an atom. */
static struct ws2_class *name_find(const char *name, bool message)
{
    struct ws2_class *entry;
    for (entry = names; entry != NULL; entry = entry->next) {
        if (entry->message == message &&
            ((uintptr_t)name <= 0xffff ? entry->number == (uintptr_t)name : strcasecmp(entry->name, name) == 0)) {
            return entry;
        }
    }
    return NULL;
}

/* Lock held. @return NULL: no memory, or the numbers are used up. */
static struct ws2_class *name_add(const char *name, bool message, WNDPROC proc)
{
    struct ws2_class *entry = names_next > 0xffff ? NULL : (struct ws2_class *)calloc(1, sizeof *entry);
    if (entry == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    entry->number = names_next++;
    entry->message = message;
    entry->proc = proc;
    memcpy(entry->name, name, strlen(name) + 1);
    entry->next = names;
    names = entry;
    return entry;
}

static bool name_fits(const char *name)
{
    return (uintptr_t)name > 0xffff && name[0] != '\0' && strlen(name) < NAME_BYTES;
}

/* A wide name as UTF-8; an atom stays one. */
static const char *name_narrow(LPCWSTR wide, char buffer[NAME_BYTES])
{
    if ((uintptr_t)wide <= 0xffff) {
        return (const char *)(uintptr_t)wide;
    }
    if (ws2_utf16_len(wide) * 3 >= NAME_BYTES || ws2_utf8_from_utf16(wide, buffer, NAME_BYTES) == 0) {
        buffer[0] = '\0';
    }
    return buffer;
}

static ATOM class_register(const char *name, WNDPROC proc)
{
    struct ws2_class *entry = NULL;
    if (proc == NULL || !name_fits(name)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    pthread_mutex_lock(&names_lock);
    if (name_find(name, false) != NULL) {
        SetLastError(ERROR_CLASS_ALREADY_EXISTS);
    } else {
        entry = name_add(name, false, proc);
    }
    pthread_mutex_unlock(&names_lock);
    return entry == NULL ? 0 : (ATOM)entry->number;
}

/**
 * Make a class of windows. Only its name and its procedure mean something here.
 *
 * @return  Its number, or 0 with ERROR_INVALID_PARAMETER (no name, no procedure, a name of 256 bytes and more),
 *          ERROR_CLASS_ALREADY_EXISTS or ERROR_NOT_ENOUGH_MEMORY.
 */
ATOM WINAPI RegisterClassA(const WNDCLASSA *wndclass)
{
    return wndclass == NULL ? class_register(NULL, NULL)
                            : class_register(wndclass->lpszClassName, wndclass->lpfnWndProc);
}

/** As RegisterClassA. */
ATOM WINAPI RegisterClassW(const WNDCLASSW *wndclass)
{
    char name[NAME_BYTES];
    return wndclass == NULL ? class_register(NULL, NULL)
                            : class_register(name_narrow(wndclass->lpszClassName, name), wndclass->lpfnWndProc);
}

/** As RegisterClassA; ERROR_INVALID_PARAMETER for a wrong cbSize too. */
ATOM WINAPI RegisterClassExA(const WNDCLASSEXA *wndclass)
{
    return wndclass == NULL || wndclass->cbSize != sizeof *wndclass
               ? class_register(NULL, NULL)
               : class_register(wndclass->lpszClassName, wndclass->lpfnWndProc);
}

/** As RegisterClassExA. */
ATOM WINAPI RegisterClassExW(const WNDCLASSEXW *wndclass)
{
    char name[NAME_BYTES];
    return wndclass == NULL || wndclass->cbSize != sizeof *wndclass
               ? class_register(NULL, NULL)
               : class_register(name_narrow(wndclass->lpszClassName, name), wndclass->lpfnWndProc);
}

/** Forget a class. @return FALSE with ERROR_CLASS_DOES_NOT_EXIST or ERROR_CLASS_HAS_WINDOWS. */
BOOL WINAPI UnregisterClassA(LPCSTR name, HINSTANCE instance)
{
    struct ws2_class *entry;
    struct ws2_class **link;
    DWORD code = 0;
    (void)instance;
    pthread_mutex_lock(&names_lock);
    entry = name_find(name, false);
    if (entry == NULL || entry == &class_static) {
        code = ERROR_CLASS_DOES_NOT_EXIST;
    } else if (entry->windows != 0) {
        code = ERROR_CLASS_HAS_WINDOWS;
    } else {
        for (link = &names; *link != entry; link = &(*link)->next) {
        }
        *link = entry->next;
    }
    pthread_mutex_unlock(&names_lock);
    if (code != 0) {
        SetLastError(code);
        return FALSE;
    }
    free(entry);
    return TRUE;
}

/** As UnregisterClassA. */
BOOL WINAPI UnregisterClassW(LPCWSTR name, HINSTANCE instance)
{
    char narrow[NAME_BYTES];
    return UnregisterClassA(name_narrow(name, narrow), instance);
}

/**
 * A message number that everybody in the process who gives the same name gets.
 *
 * @return  0xC000 to 0xFFFF, or 0 with ERROR_INVALID_PARAMETER or ERROR_NOT_ENOUGH_MEMORY.
 */
UINT WINAPI RegisterWindowMessageA(LPCSTR name)
{
    struct ws2_class *entry;
    if (!name_fits(name)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    pthread_mutex_lock(&names_lock);
    entry = name_find(name, true);
    if (entry == NULL) {
        entry = name_add(name, true, NULL);
    }
    pthread_mutex_unlock(&names_lock);
    return entry == NULL ? 0 : entry->number;
}

/** As RegisterWindowMessageA. */
UINT WINAPI RegisterWindowMessageW(LPCWSTR name)
{
    char narrow[NAME_BYTES];
    return RegisterWindowMessageA(name_narrow(name, narrow));
}

/* ---- windows ---- */

static struct ws2_class *class_hold(const char *name)
{
    struct ws2_class *entry;
    pthread_mutex_lock(&names_lock);
    entry = name_find(name, false);
    if (entry != NULL) {
        entry->windows++;
    }
    pthread_mutex_unlock(&names_lock);
    return entry;
}

static void class_drop(struct ws2_class *entry)
{
    pthread_mutex_lock(&names_lock);
    entry->windows--;
    pthread_mutex_unlock(&names_lock);
}

/** Free a window whose handle is closed and that nobody pins. */
void ws2_window_release(struct ws2_window *window)
{
    ws2_thread_unref(window->thread);
    free(window);
}

static LRESULT window_call(struct ws2_window *window, UINT message, WPARAM wparam, LPARAM lparam)
{
    return atomic_load_explicit(&window->proc, memory_order_acquire)(window->handle, message, wparam, lparam);
}

/* NULL with the last error set: no memory, no handle. The class is the window's on success. */
static struct ws2_window *window_make(struct ws2_class *wndclass)
{
    struct ws2_thread *self = ws2_thread_self();
    struct ws2_window *window = self == NULL ? NULL : (struct ws2_window *)calloc(1, sizeof *window);
    struct ws2_slot *slot = window == NULL ? NULL : ws2_handle_open(WS2_KIND_WINDOW);
    if (slot == NULL) {
        free(window);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    window->thread = self;
    window->class = wndclass;
    atomic_init(&window->proc, wndclass->proc);
    window->handle = (HWND)(uintptr_t)ws2_handle_value(slot);
    window->next = self->queue.windows;
    self->queue.windows = window;
    slot->object = window;
    ws2_handle_publish(slot);
    return window;
}

/* Off the thread's list, out of the queue, no handle any more. Context: the window's thread. */
static void window_end(struct ws2_window *window)
{
    struct ws2_class *wndclass = window->class;
    struct ws2_window **link;
    for (link = &window->thread->queue.windows; *link != window; link = &(*link)->next) {
    }
    *link = window->next;
    ws2_queue_drop(window->thread, window);
    ws2_handle_close((uintptr_t)window->handle, WS2_KIND_WINDOW);
    class_drop(wndclass);
}

/** A thread ends: its windows go, untold. Context: that thread. */
void ws2_windows_end(struct ws2_thread *thread)
{
    while (thread->queue.windows != NULL) {
        window_end(thread->queue.windows);
    }
}

/* The window, told of its making: WM_NCCREATE may refuse with FALSE, WM_CREATE with -1. */
static HWND window_create(const char *class_name, const void *create)
{
    struct ws2_class *wndclass = class_hold(class_name);
    struct ws2_window *window;
    struct ws2_slot *slot;
    HWND handle;
    bool taken;
    if (wndclass == NULL) {
        SetLastError(ERROR_CANNOT_FIND_WND_CLASS);
        return NULL;
    }
    window = window_make(wndclass);
    if (window == NULL) {
        class_drop(wndclass);
        return NULL;
    }
    handle = window->handle;
    /* The procedure may destroy its own window. */
    slot = ws2_handle_pin((uintptr_t)handle, WS2_KIND_WINDOW);
    taken = window_call(window, WM_NCCREATE, 0, (LPARAM)create) != 0 &&
            window_call(window, WM_CREATE, 0, (LPARAM)create) != -1 && !window->gone;
    ws2_handle_unpin(slot);
    if (!taken) {
        (void)DestroyWindow(handle);
        return NULL;
    }
    return handle;
}

/**
 * Make a window of the calling thread. It receives messages and does nothing else: style, place, size, parent and menu are
 * handed to WM_NCCREATE and WM_CREATE and then forgotten.
 *
 * @param class_name  A class's name or number; "STATIC" is there from the start.
 * @return            NULL with ERROR_CANNOT_FIND_WND_CLASS or ERROR_NOT_ENOUGH_MEMORY, or because the procedure refused.
 *
 * Context: any thread; calls the class's procedure.
 */
HWND WINAPI CreateWindowExA(DWORD ex_style, LPCSTR class_name, LPCSTR window_name, DWORD style, int x, int y, int width,
                            int height, HWND parent, HMENU menu, HINSTANCE instance, LPVOID param)
{
    CREATESTRUCTA create = {param, instance, menu,        parent,      height,     width,
                            y,     x,        (LONG)style, window_name, class_name, ex_style};
    return window_create(class_name, &create);
}

/** As CreateWindowExA. */
HWND WINAPI CreateWindowExW(DWORD ex_style, LPCWSTR class_name, LPCWSTR window_name, DWORD style, int x, int y,
                            int width, int height, HWND parent, HMENU menu, HINSTANCE instance, LPVOID param)
{
    CREATESTRUCTW create = {param, instance, menu,        parent,      height,     width,
                            y,     x,        (LONG)style, window_name, class_name, ex_style};
    char narrow[NAME_BYTES];
    return window_create(name_narrow(class_name, narrow), &create);
}

/* The pinned slot of a window, or NULL with the last error set. */
static struct ws2_slot *window_pin(HWND window)
{
    struct ws2_slot *slot = ws2_handle_pin((uintptr_t)window, WS2_KIND_WINDOW);
    if (slot == NULL) {
        SetLastError(ERROR_INVALID_WINDOW_HANDLE);
    }
    return slot;
}

/**
 * End a window of the calling thread: WM_DESTROY, WM_NCDESTROY; what was posted to it is dropped.
 *
 * @return  FALSE with ERROR_INVALID_WINDOW_HANDLE or ERROR_ACCESS_DENIED (another thread's).
 */
BOOL WINAPI DestroyWindow(HWND window)
{
    struct ws2_slot *slot = window_pin(window);
    struct ws2_window *object;
    DWORD code = 0;
    if (slot == NULL) {
        return FALSE;
    }
    object = (struct ws2_window *)slot->object;
    if (object->thread != ws2_thread_self()) {
        code = ERROR_ACCESS_DENIED;
    } else if (object->destroying) {
        code = ERROR_INVALID_WINDOW_HANDLE;
    } else {
        object->destroying = true;
        (void)window_call(object, WM_DESTROY, 0, 0);
        (void)window_call(object, WM_NCDESTROY, 0, 0);
        window_end(object);
    }
    ws2_handle_unpin(slot);
    if (code != 0) {
        SetLastError(code);
    }
    return code == 0;
}

bool ws2_message_window(HWND window)
{
    return ws2_handle_kind((uintptr_t)window) == WS2_KIND_WINDOW;
}

/** Whether there is such a window. */
BOOL WINAPI IsWindow(HWND window)
{
    return ws2_message_window(window);
}

/** The thread of a window, and the process. @return 0 with ERROR_INVALID_WINDOW_HANDLE. */
DWORD WINAPI GetWindowThreadProcessId(HWND window, LPDWORD process_id)
{
    struct ws2_slot *slot = window_pin(window);
    DWORD id;
    if (slot == NULL) {
        return 0;
    }
    id = ((struct ws2_window *)slot->object)->thread->id;
    ws2_handle_unpin(slot);
    if (process_id != NULL) {
        *process_id = GetCurrentProcessId();
    }
    return id;
}

/* Nothing is stored if `set` is NULL. */
static LONG_PTR window_value(HWND window, int index, const LONG_PTR *set)
{
    struct ws2_slot *slot = window_pin(window);
    struct ws2_window *object;
    LONG_PTR before = 0;
    if (slot == NULL) {
        return 0;
    }
    object = (struct ws2_window *)slot->object;
    if (index == GWLP_USERDATA) {
        before = set == NULL ? atomic_load(&object->user_data) : atomic_exchange(&object->user_data, *set);
    } else if (index == GWLP_WNDPROC && (set == NULL || *set != 0)) {
        before = (LONG_PTR)(set == NULL ? atomic_load(&object->proc) : atomic_exchange(&object->proc, (WNDPROC)*set));
    } else {
        SetLastError(ERROR_INVALID_INDEX);
    }
    ws2_handle_unpin(slot);
    return before;
}

/** The user's word of a window or its procedure. @return 0 with ERROR_INVALID_WINDOW_HANDLE or ERROR_INVALID_INDEX. */
LONG_PTR WINAPI GetWindowLongPtrW(HWND window, int index)
{
    return window_value(window, index, NULL);
}

/** As GetWindowLongPtrW. */
LONG_PTR WINAPI GetWindowLongPtrA(HWND window, int index)
{
    return window_value(window, index, NULL);
}

/** Set what GetWindowLongPtrW gives. @return The value before, or 0 as there. */
LONG_PTR WINAPI SetWindowLongPtrW(HWND window, int index, LONG_PTR value)
{
    return window_value(window, index, &value);
}

/** As SetWindowLongPtrW. */
LONG_PTR WINAPI SetWindowLongPtrA(HWND window, int index, LONG_PTR value)
{
    return window_value(window, index, &value);
}

/** What a window does of its own: it lets itself be made, and WM_CLOSE destroys it. */
LRESULT WINAPI DefWindowProcW(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    (void)wparam;
    (void)lparam;
    if (message == WM_CLOSE) {
        (void)DestroyWindow(window);
    }
    return message == WM_NCCREATE;
}

/** As DefWindowProcW. */
LRESULT WINAPI DefWindowProcA(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    return DefWindowProcW(window, message, wparam, lparam);
}

/** Give a message to its window's procedure. @return Its answer, or 0: no window, another thread's, or gone. */
LRESULT WINAPI DispatchMessageW(const MSG *msg)
{
    struct ws2_slot *slot = msg == NULL || msg->hwnd == NULL ? NULL : window_pin(msg->hwnd);
    struct ws2_window *window;
    LRESULT result = 0;
    if (slot == NULL) {
        return 0;
    }
    window = (struct ws2_window *)slot->object;
    if (window->thread == ws2_thread_self()) {
        result = window_call(window, msg->message, msg->wParam, msg->lParam);
    }
    ws2_handle_unpin(slot);
    return result;
}

/** As DispatchMessageW. */
LRESULT WINAPI DispatchMessageA(const MSG *msg)
{
    return DispatchMessageW(msg);
}
