/*
 * The operating system's part of the Winsock DLL, Windows: locks, files, the loader, host name, services. Of kernel32
 * and the C library only; kernel32's last error is Winsock's own, so everything here leaves it as it was.
 */
#include "ws2_os_windows.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Longest path that is taken, its terminator included: two of them fit a small stack frame. */
#define PATH_CHARS 400

struct ws2_mutex {
    SRWLOCK lock;
};

static struct ws2_mutex process_mutex = {SRWLOCK_INIT};
static struct ws2_mutex table_mutex = {SRWLOCK_INIT};
static struct ws2_mutex names_mutex = {SRWLOCK_INIT};
static struct ws2_mutex loading_mutex = {SRWLOCK_INIT};

const char ws2_os_separators[] = "\\/";
const char ws2_os_provider_name[] = "winlane.dll";

struct ws2_mutex *ws2_os_process_mutex(void)
{
    return &process_mutex;
}

struct ws2_mutex *ws2_os_names_mutex(void)
{
    return &names_mutex;
}

struct ws2_mutex *ws2_os_loading_mutex(void)
{
    return &loading_mutex;
}

struct ws2_mutex *ws2_os_table_mutex(void)
{
    return &table_mutex;
}

void ws2_os_lock(struct ws2_mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->lock);
}

void ws2_os_unlock(struct ws2_mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->lock);
}

/* There is no fork. */
void ws2_os_watch_fork(void (*child)(void))
{
    (void)child;
}

bool ws2_os_own_directory(char *out, size_t bytes)
{
    WCHAR path[PATH_CHARS] = {0};
    DWORD before = GetLastError();
    HMODULE self = NULL;
    WCHAR *slash = NULL;
    DWORD chars = 0;
    if (GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                           (LPCWSTR)(void *)&process_mutex, &self)) {
        chars = GetModuleFileNameW(self, path, PATH_CHARS);
    }
    SetLastError(before);
    if (chars == 0 || chars >= PATH_CHARS) {
        return false;
    }
    slash = wcsrchr(path, L'\\');
    if (slash == NULL) {
        return false;
    }
    *slash = 0;
    return ws2_utf8_from_utf16(path, out, bytes) < bytes;
}

bool ws2_os_environment(const char *name, char *out, size_t bytes)
{
    WCHAR wide_name[64];
    WCHAR value[PATH_CHARS];
    DWORD before = GetLastError();
    DWORD chars = 0;
    if (ws2_utf16_from_utf8(name, wide_name, 64) < 64) {
        chars = GetEnvironmentVariableW(wide_name, value, PATH_CHARS);
    }
    SetLastError(before);
    return chars > 0 && chars < PATH_CHARS && ws2_utf8_from_utf16(value, out, bytes) < bytes;
}

/* ---- files ---- */

static bool wide_path(const char *path, WCHAR wide[PATH_CHARS])
{
    return ws2_utf16_from_utf8(path, wide, PATH_CHARS) < PATH_CHARS;
}

bool ws2_os_memory_readable(const void *at, size_t bytes)
{
    const uintptr_t page = 4096;
    uintptr_t look = (uintptr_t)at;
    uintptr_t last = look + bytes - 1;
    DWORD before = GetLastError();
    bool readable = bytes == 0 || last >= look;
    SIZE_T got;
    char byte;
    for (; readable && bytes > 0 && look < last && look >= (uintptr_t)at; look = (look | (page - 1)) + 1) {
        readable = ReadProcessMemory(GetCurrentProcess(), (const void *)look, &byte, 1, &got) != 0;
    }
    if (readable && bytes > 0) {
        readable = ReadProcessMemory(GetCurrentProcess(), (const void *)last, &byte, 1, &got) != 0;
    }
    SetLastError(before);
    return readable;
}

bool ws2_os_file_readable(const char *path)
{
    WCHAR wide[PATH_CHARS];
    DWORD before = GetLastError();
    DWORD attributes = wide_path(path, wide) ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
    SetLastError(before);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

FILE *ws2_os_file_open(const char *path, const char *mode)
{
    WCHAR wide[PATH_CHARS];
    WCHAR wide_mode[8];
    DWORD before = GetLastError();
    FILE *file = NULL;
    if (wide_path(path, wide) && ws2_utf16_from_utf8(mode, wide_mode, 8) < 8) {
        file = _wfopen(wide, wide_mode);
    }
    SetLastError(before);
    return file;
}

bool ws2_os_file_replace(const char *from, const char *to)
{
    WCHAR wide_from[PATH_CHARS];
    WCHAR wide_to[PATH_CHARS];
    DWORD before = GetLastError();
    bool done = wide_path(from, wide_from) && wide_path(to, wide_to) &&
                MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
    SetLastError(before);
    return done;
}

uint64_t ws2_os_file_stamp(const char *path)
{
    WCHAR wide[PATH_CHARS];
    WIN32_FILE_ATTRIBUTE_DATA about;
    DWORD before = GetLastError();
    bool known = wide_path(path, wide) && GetFileAttributesExW(wide, GetFileExInfoStandard, &about);
    SetLastError(before);
    return !known ? 0
                  : ((uint64_t)about.ftLastWriteTime.dwHighDateTime << 32 | about.ftLastWriteTime.dwLowDateTime) +
                        about.nFileSizeLow;
}

bool ws2_os_file_remove(const char *path)
{
    WCHAR wide[PATH_CHARS];
    DWORD before = GetLastError();
    bool done = wide_path(path, wide) && DeleteFileW(wide);
    SetLastError(before);
    return done;
}

/* A file that nobody else can open while it is open here. It stays: deleting it would race with the next owner. */
void *ws2_os_file_lock(const char *path)
{
    WCHAR wide[PATH_CHARS];
    DWORD before = GetLastError();
    HANDLE lock = INVALID_HANDLE_VALUE;
    unsigned tries = 100;
    while (wide_path(path, wide) && tries-- > 0) {
        lock = CreateFileW(wide, GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
        if (lock != INVALID_HANDLE_VALUE || GetLastError() != ERROR_SHARING_VIOLATION) {
            break;
        }
        Sleep(10);
    }
    SetLastError(before);
    return lock == INVALID_HANDLE_VALUE ? NULL : lock;
}

void ws2_os_file_unlock(void *lock)
{
    DWORD before = GetLastError();
    CloseHandle(lock);
    SetLastError(before);
}

bool ws2_os_path_absolute(const char *path)
{
    return path[0] == '\\' || path[0] == '/' || path[0] == '%' || (path[0] != '\0' && path[1] == ':');
}

/* ---- the loader ---- */

/* A provider finds what it loads itself in its own folder; one named without a folder is not looked for in the current
 * one, where anybody may have put a file of that name. */
static HMODULE module_load(const char *path)
{
    WCHAR wide[PATH_CHARS];
    WCHAR expanded[PATH_CHARS];
    bool alone = strpbrk(path, ws2_os_separators) == NULL && path[0] != '%';
    DWORD chars;
    if (!wide_path(path, wide)) {
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
        return NULL;
    }
    chars = ExpandEnvironmentStringsW(wide, expanded, PATH_CHARS);
    if (chars == 0 || chars > PATH_CHARS) {
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
        return NULL;
    }
    return LoadLibraryExW(expanded, NULL, alone ? LOAD_LIBRARY_SEARCH_DEFAULT_DIRS : LOAD_WITH_ALTERED_SEARCH_PATH);
}

void *ws2_os_module_open(const char *path)
{
    DWORD before = GetLastError();
    HMODULE module = module_load(path);
    if (module == NULL) {
        fprintf(stderr, "ws2_32: provider %s: error %lu of LoadLibrary\n", path, GetLastError());
    }
    SetLastError(before);
    return module;
}

void (*ws2_os_module_function(void *module, const char *name))(void)
{
    DWORD before = GetLastError();
    FARPROC function = GetProcAddress((HMODULE)module, name);
    SetLastError(before);
    return (void (*)(void))function;
}

/* ---- names ---- */

bool ws2_os_host_name(char *out, size_t bytes)
{
    WCHAR name[256];
    char narrow[3 * sizeof name / sizeof name[0]];
    DWORD chars = sizeof name / sizeof name[0];
    DWORD before = GetLastError();
    bool known = GetComputerNameExW(ComputerNameDnsHostname, name, &chars) && name[0] != 0;
    size_t length = known ? ws2_utf8_from_utf16(name, narrow, sizeof narrow) : 0;
    SetLastError(before);
    if (length == 0 || length >= sizeof narrow || length >= bytes) {
        return false; /* nothing is written where it does not fit */
    }
    memcpy(out, narrow, length + 1);
    return true;
}

/** A file of the folder %windir%\system32\drivers\etc. @return false if the path does not fit. */
bool ws2_etc_path(const char *file, char *out, size_t bytes)
{
    WCHAR system[PATH_CHARS];
    char narrow[WS2_PATH_BYTES];
    DWORD before = GetLastError();
    UINT chars = GetSystemDirectoryW(system, PATH_CHARS);
    SetLastError(before);
    if (chars == 0 || chars >= PATH_CHARS || ws2_utf8_from_utf16(system, narrow, sizeof narrow) >= sizeof narrow) {
        return false;
    }
    return (size_t)snprintf(out, bytes, "%s\\drivers\\etc\\%s", narrow, file) < bytes;
}

bool ws2_os_hosts_path(char *out, size_t bytes)
{
    return ws2_etc_path("hosts", out, bytes);
}
