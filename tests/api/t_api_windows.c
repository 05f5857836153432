#include "t_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const bool t_api_kernel_handles = true;

/* What lies beside this program. */
static void beside(const char *file, char path[T_API_PATH_BYTES])
{
    char *slash;
    DWORD chars = GetModuleFileNameA(NULL, path, T_API_PATH_BYTES);
    assert_true(chars > 0 && chars < T_API_PATH_BYTES);
    slash = strrchr(path, '\\');
    assert_non_null(slash);
    assert_true((size_t)(slash + 1 - path) + strlen(file) < T_API_PATH_BYTES);
    memcpy(slash + 1, file, strlen(file) + 1);
}

void t_api_environment(const char *name, const char *value)
{
    char text[T_API_PATH_BYTES + 64];
    snprintf(text, sizeof text, "%s=%s", name, value == NULL ? "" : value);
    assert_int_equal(_putenv(text), 0); /* the C library's copy and the system's */
}

int t_api_use_fake(void **state)
{
    char path[T_API_PATH_BYTES];
    (void)state;
    beside("catalog.json", path);
    t_api_environment("WINLANE_CATALOG", path);
    return 0;
}

int t_api_use_winlane(void **state)
{
    (void)state;
    t_api_environment("WINLANE_CATALOG", NULL);
    return 0;
}

void *t_api_fake_symbol(const char *name)
{
    return t_api_symbol_of("t_fake_provider.dll", name);
}

void *t_api_symbol_of(const char *library, const char *name)
{
    HMODULE module = GetModuleHandleA(library);
    union {
        FARPROC function;
        void *object;
    } both;
    assert_non_null(module);
    both.function = GetProcAddress(module, name);
    assert_non_null(both.object);
    return both.object;
}

void t_api_temporary_file(char path[T_API_PATH_BYTES])
{
    char folder[MAX_PATH];
    assert_true(GetTempPathA(sizeof folder, folder) > 0);
    assert_true(GetTempFileNameA(folder, "wlt", 0, path) != 0);
}

int t_api_run_self(const char *argument, unsigned timeout_ms)
{
    char self[T_API_PATH_BYTES];
    char command[2 * T_API_PATH_BYTES];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;
    DWORD code = (DWORD)-1;
    assert_true(GetModuleFileNameA(NULL, self, sizeof self) < sizeof self);
    snprintf(command, sizeof command, "\"%s\" %s", self, argument);
    assert_true(CreateProcessA(self, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
    if (WaitForSingleObject(child.hProcess, timeout_ms) != WAIT_OBJECT_0) {
        TerminateProcess(child.hProcess, (UINT)-1);
        WaitForSingleObject(child.hProcess, 5000);
    }
    assert_true(GetExitCodeProcess(child.hProcess, &code));
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return (int)code;
}
