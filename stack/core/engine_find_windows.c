#include "core/engine_ops.h"

#include "stack/err.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#define MODULE_NAME L"winlane-stack.dll"
#define MODULE_TABLE "winlane_stack_ops"
/** Longest path that Windows knows, with its NUL. */
#define PATH_CHARS 32768u

typedef const struct stk_engine_ops *(*table_fn)(void);

/* The folder that this code's own module stands in, with the engine's name behind it. */
static bool path_make(wchar_t *path)
{
    HMODULE own = NULL;
    const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(flags, (LPCWSTR)(uintptr_t)&stk_engine_ops_find, &own)) {
        return false;
    }
    const DWORD len = GetModuleFileNameW(own, path, PATH_CHARS);
    if (len == 0 || len >= PATH_CHARS) {
        return false;
    }
    DWORD at = len;
    while (at > 0 && path[at - 1] != L'\\' && path[at - 1] != L'/') {
        at--;
    }
    const wchar_t name[] = MODULE_NAME;
    const size_t name_chars = sizeof(name) / sizeof(name[0]);
    if (at + name_chars > PATH_CHARS) {
        return false;
    }
    for (size_t i = 0; i < name_chars; i++) {
        path[at + i] = name[i];
    }
    return true;
}

static int fail(int err, char *error, size_t error_size, const char *what, DWORD code)
{
    if (error != NULL && error_size > 0) {
        (void)snprintf(error, error_size, "winlane-stack.dll, beside the provider: %s (error %lu)", what, code);
    }
    return err;
}

static bool table_complete(const struct stk_engine_ops *ops)
{
    return ops->start != NULL && ops->destroy != NULL && ops->region != NULL && ops->park != NULL &&
           ops->unpark != NULL && ops->counters_dump != NULL;
}

int stk_engine_ops_find(const struct stk_engine_ops **out, char *error, size_t error_size)
{
    wchar_t *path = malloc(PATH_CHARS * sizeof(*path));
    if (path == NULL || !path_make(path)) {
        free(path);
        return fail(STK_ENOENT, error, error_size, "the provider's own folder is unknown", GetLastError());
    }
    /* What it imports is looked for in its own folder and in the system's, not where the program happens to stand. It is
     * never unloaded: an engine cannot be started twice in a process. */
    HMODULE module = LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    free(path);
    if (module == NULL) {
        return fail(STK_ENOENT, error, error_size, "cannot be loaded", GetLastError());
    }
    table_fn table = (table_fn)(void (*)(void))GetProcAddress(module, MODULE_TABLE);
    if (table == NULL) {
        return fail(STK_EINVAL, error, error_size, "does not export " MODULE_TABLE, GetLastError());
    }
    const struct stk_engine_ops *ops = table();
    if (ops == NULL || ops->version != STK_ENGINE_OPS_VERSION || ops->size != sizeof(*ops) || !table_complete(ops)) {
        return fail(STK_EINVAL, error, error_size, "is of another build", 0);
    }
    *out = ops;
    return STK_OK;
}
