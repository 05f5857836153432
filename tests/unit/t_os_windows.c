#include "t_os.h"

#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <psapi.h>

#include <cmocka.h>

/** What abort() ends a program with, by the documentation of the C library. */
#define ABORT_STATUS 3

const char *const t_null_device = "NUL";
const char *const t_conf_place_first = ".\\winlane.ini";
const char *const t_signal_name = "BREAK";
const int32_t t_signal_number = SIGBREAK;
const char *const t_signal_names = "BREAK (Ctrl-Break of the console)";

static HANDLE pipe_end;
static HANDLE reader = INVALID_HANDLE_VALUE;

int t_env_set(const char *name, const char *value)
{
    return _putenv_s(name, value != NULL ? value : "");
}

bool t_folder_make(const char *name, char *path)
{
    char temp[MAX_PATH];
    static unsigned made;
    const DWORD len = GetTempPathA(sizeof(temp), temp);
    if (len == 0 || len >= sizeof(temp)) {
        return false;
    }
    (void)snprintf(path, T_PATH_MAX, "%s%s.%lu.%u", temp, name, GetCurrentProcessId(), ++made);
    return CreateDirectoryA(path, NULL);
}

int t_folder_sub(const char *name)
{
    return _mkdir(name);
}

/* The C library's tmpfile puts its files into the root folder, under names that several processes may choose at once. */
FILE *t_file_temp(void)
{
    char temp[MAX_PATH];
    char path[T_PATH_MAX];
    static unsigned made;
    const DWORD len = GetTempPathA(sizeof(temp), temp);
    if (len == 0 || len >= sizeof(temp)) {
        return NULL;
    }
    (void)snprintf(path, sizeof(path), "%swinlane-test.%lu.%u", temp, GetCurrentProcessId(), ++made);
    const int flags = _O_RDWR | _O_CREAT | _O_EXCL | _O_TEMPORARY | _O_BINARY;
    const int fd = _open(path, flags, _S_IREAD | _S_IWRITE);
    return fd >= 0 ? _fdopen(fd, "w+b") : NULL;
}

void *t_aligned(size_t align, size_t size)
{
    void *memory = _aligned_malloc(size, align);
    assert_non_null(memory);
    return memory;
}

void t_aligned_free(void *memory)
{
    _aligned_free(memory);
}

bool t_bell_rung(intptr_t bell)
{
    return WaitForSingleObject((HANDLE)bell, 0) == WAIT_OBJECT_0;
}

size_t t_pages_resident(void *base, size_t bytes)
{
    const size_t pages = (bytes + 4095) / 4096;
    PSAPI_WORKING_SET_EX_INFORMATION *seen = calloc(pages, sizeof(*seen));
    size_t count = 0;
    assert_non_null(seen);
    for (size_t i = 0; i < pages; i++) {
        seen[i].VirtualAddress = (char *)base + i * 4096;
    }
    assert_true(K32QueryWorkingSetEx(GetCurrentProcess(), seen, (DWORD)(pages * sizeof(*seen))));
    for (size_t i = 0; i < pages; i++) {
        count += seen[i].VirtualAttributes.Valid;
    }
    free(seen);
    return count;
}

bool t_page_there(void *at)
{
    MEMORY_BASIC_INFORMATION info;
    return VirtualQuery(at, &info, sizeof(info)) == sizeof(info) && info.State == MEM_COMMIT;
}

/* The system gives the lowest free number, or the one freed last. */
uint32_t t_handles_open(void)
{
    HANDLE event = CreateEventW(NULL, FALSE, FALSE, NULL);
    assert_non_null(event);
    assert_true(CloseHandle(event));
    return (uint32_t)(uintptr_t)event;
}

void t_pipe_make(char *path)
{
    (void)snprintf(path, T_PATH_MAX, "\\\\.\\pipe\\winlane-test-%lu", GetCurrentProcessId());
    pipe_end = CreateNamedPipeA(path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 64, 64, 0, NULL);
    assert_true(pipe_end != INVALID_HANDLE_VALUE);
}

void t_pipe_drop(const char *path)
{
    (void)path;
    (void)CloseHandle(pipe_end);
}

/* Nobody else may have it open while this process has. */
const char *t_unreadable(const char *path)
{
    reader = CreateFileA(path, GENERIC_READ, 0, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    assert_true(reader != INVALID_HANDLE_VALUE);
    return "cannot be opened";
}

void t_readable(const char *path)
{
    (void)path;
    (void)CloseHandle(reader);
}

void t_conf_place_second(char *path)
{
    const char *data = getenv("ProgramData");
    assert_non_null(data);
    (void)snprintf(path, T_PATH_MAX, "%s\\winlane\\winlane.ini", data);
}

struct t_ended t_run(const char *program, const char *argument, const char *said)
{
    char line[2 * T_PATH_MAX];
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof(inherited), .bInheritHandle = TRUE};
    STARTUPINFOA start = {.cb = sizeof(start)};
    PROCESS_INFORMATION child;
    DWORD status = 0;
    HANDLE file = INVALID_HANDLE_VALUE;
    (void)snprintf(line, sizeof(line), "\"%s\" %s", program, argument);
    if (said != NULL) {
        file = CreateFileA(said, GENERIC_WRITE, FILE_SHARE_READ, &inherited, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL,
                           NULL);
        assert_true(file != INVALID_HANDLE_VALUE);
        start.dwFlags = STARTF_USESTDHANDLES;
        start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
        start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
        start.hStdError = file;
    }
    assert_true(CreateProcessA(program, line, NULL, NULL, said != NULL, 0, NULL, NULL, &start, &child));
    assert_int_equal(WaitForSingleObject(child.hProcess, INFINITE), WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(child.hProcess, &status));
    (void)CloseHandle(child.hThread);
    (void)CloseHandle(child.hProcess);
    if (said != NULL) {
        (void)CloseHandle(file);
    }
    if (status == ABORT_STATUS) {
        return (struct t_ended){.how = T_END_ABORT};
    }
    return (struct t_ended){.how = status < 256 ? T_END_EXIT : T_END_OTHER, .status = (int)status};
}

void t_abort_quietly(void)
{
    (void)signal(SIGABRT, SIG_DFL);
    (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
}

/* Wine's parser takes "01" in the dotted part behind a colon, and we refuse that everywhere (RFC 6943 3.1.1). */
static bool number_padded(const char *text)
{
    for (const char *at = strchr(text, '.') != NULL ? text : ""; *at != '\0'; at++) {
        const bool first = at == text || at[-1] == '.' || at[-1] == ':';
        const size_t digits = strspn(at, "0123456789");
        const bool dotted = at[digits] == '.' || (at > text && at[-1] == '.');
        if (first && dotted && digits > 1 && *at == '0') {
            return true;
        }
    }
    return false;
}

int t_ip_read(const char *text, uint8_t ip[16])
{
    if (number_padded(text)) {
        return 0;
    }
    return inet_pton(AF_INET, text, ip) == 1 ? 4 : inet_pton(AF_INET6, text, ip) == 1 ? 6 : 0;
}

void t_ip_text(int version, const uint8_t ip[16], char *text)
{
    assert_non_null(inet_ntop(version == 4 ? AF_INET : AF_INET6, ip, text, T_PATH_MAX));
}

bool t_fork_there(void)
{
    return false;
}

int t_fork_run(int (*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return -1;
}
