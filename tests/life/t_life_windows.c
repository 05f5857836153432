/* Children, processes and folders of Windows. */
#include "t_life_os.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include <psapi.h>
#include <tlhelp32.h>

uint64_t t_now_ns(void)
{
    LARGE_INTEGER now;
    LARGE_INTEGER per_second;
    (void)QueryPerformanceCounter(&now);
    (void)QueryPerformanceFrequency(&per_second);
    uint64_t ticks = (uint64_t)now.QuadPart;
    uint64_t rate = (uint64_t)per_second.QuadPart;
    return ticks / rate * 1000000000u + ticks % rate * 1000000000u / rate;
}

void t_sleep_ms(uint32_t ms)
{
    Sleep(ms);
}

void t_nap_us(uint32_t us)
{
    uint64_t until = t_now_ns() + (uint64_t)us * 1000u;
    while (t_now_ns() < until) {
        (void)SwitchToThread();
    }
}

void t_env(const char *name, const char *value)
{
    /* Both copies: the C library's and the one that children are given. */
    assert_int_equal(_putenv_s(name, value != NULL ? value : ""), 0);
}

void t_remove(const char *path)
{
    (void)remove(path);
}

void t_kill_self(void)
{
    (void)TerminateProcess(GetCurrentProcess(), T_KILLED);
}

/* --- Children -------------------------------------------------------------------- */

static HANDLE inherited(HANDLE handle)
{
    assert_true(handle != INVALID_HANDLE_VALUE);
    assert_true(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    return handle;
}

void t_start(struct t_child *child, const char *const args[4])
{
    char self[MAX_PATH];
    char line[1024];
    HANDLE out;
    HANDLE in;
    STARTUPINFOA start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION process;
    int used;
    assert_int_not_equal(GetModuleFileNameA(NULL, self, sizeof self), 0);
    used = snprintf(line, sizeof line, "\"%s\" --child", self);
    for (size_t i = 0; i < 4 && args[i] != NULL; i++) {
        used += snprintf(line + used, sizeof line - (size_t)used, " %s", args[i]);
    }
    t_env("WINLANE_CONFIG", t_path("winlane.ini"));
    t_env("T_LIFE_FOLDER", t_folder);
    assert_true(CreatePipe(&in, &out, NULL, 0));
    start.hStdOutput = inherited(out);
    start.hStdError = inherited(CreateFileA(t_path("stderr"), FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                            NULL, OPEN_ALWAYS, 0, NULL));
    child->start_ns = t_now_ns();
    child->took_ns = 0;
    assert_true(CreateProcessA(self, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process));
    (void)CloseHandle(process.hThread);
    (void)CloseHandle(out);
    (void)CloseHandle(start.hStdError);
    child->pid = (pid_t)(intptr_t)process.hProcess;
    child->out = _open_osfhandle((intptr_t)in, _O_RDONLY | _O_BINARY);
}

int t_wait(struct t_child *child, uint32_t seconds)
{
    HANDLE process = (HANDLE)(intptr_t)child->pid;
    DWORD status = 0;
    bool ended = WaitForSingleObject(process, seconds * T_PATIENCE * 1000u) == WAIT_OBJECT_0;
    if (!ended) {
        print_error("a child still runs after %u s\n", seconds * T_PATIENCE);
        (void)TerminateProcess(process, 1);
        (void)WaitForSingleObject(process, 10000);
    }
    child->took_ns = t_now_ns() - child->start_ns;
    (void)GetExitCodeProcess(process, &status);
    (void)CloseHandle(process);
    (void)_close(child->out);
    return ended ? (int)status : -1;
}

/* --- This process --------------------------------------------------------------------- */

/* By trying each: Wine 8 does not count the handles of a process. */
uint32_t t_fds(void)
{
    uint32_t count = 0;
    for (uintptr_t value = 4; value < 0x4000; value += 4) {
        DWORD flags;
        count += GetHandleInformation((HANDLE)value, &flags) != FALSE;
    }
    T_NEED(count > 0);
    return count;
}

uint32_t t_threads(void)
{
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE list = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    uint32_t count = 0;
    for (BOOL more = Thread32First(list, &entry); more; more = Thread32Next(list, &entry)) {
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    }
    (void)CloseHandle(list);
    T_NEED(count > 0);
    return count;
}

uint64_t t_rss_kib(void)
{
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};
    (void)GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
    T_NEED(counters.WorkingSetSize > 0);
    return counters.WorkingSetSize / 1024u;
}

static uint64_t time_us(const FILETIME *time)
{
    return ((uint64_t)time->dwHighDateTime << 32 | time->dwLowDateTime) / 10u;
}

uint64_t t_cpu_us(void)
{
    FILETIME made;
    FILETIME ended;
    FILETIME kernel;
    FILETIME user;
    (void)GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user);
    return time_us(&kernel) + time_us(&user);
}

/* --- The test's folder ------------------------------------------------------------------ */

bool t_os_folder_make(void)
{
    char temporary[MAX_PATH];
    DWORD used = GetTempPathA(sizeof temporary, temporary);
    if (used == 0 || used >= sizeof temporary) {
        return false;
    }
    for (uint32_t i = 0; i < 1000; i++) {
        (void)snprintf(t_folder, sizeof t_folder, "%slife.%lu.%u", temporary, GetCurrentProcessId(), i);
        if (CreateDirectoryA(t_folder, NULL)) {
            return true;
        }
    }
    return false;
}

void t_os_folder_remove(void)
{
    WIN32_FIND_DATAA found;
    HANDLE list = FindFirstFileA(t_path("*"), &found);
    for (BOOL more = list != INVALID_HANDLE_VALUE; more; more = FindNextFileA(list, &found)) {
        if (found.cFileName[0] != '.') {
            (void)DeleteFileA(t_path(found.cFileName));
        }
    }
    if (list != INVALID_HANDLE_VALUE) {
        (void)FindClose(list);
    }
    (void)RemoveDirectoryA(t_folder);
}
