#include "run.h"

#include <direct.h>
#include <errno.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define LOOK_MS 10u
#define GRACE_MS 2000u
#define COMMAND_MAX 16384

static bool there(const char *path)
{
    return path != NULL && GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

/* The words' quotes are the shell's; CreateProcess knows double ones only. Single ones between those are text. */
static void quotes_change(char *text)
{
    char open = '\0';
    for (; *text != '\0'; text++) {
        if (open == '\0' ? *text == '\'' || *text == '"' : *text == open) {
            open = open == '\0' ? *text : '\0';
            *text = '"';
        }
    }
}

static int32_t end_wait(HANDLE process, const char *report, uint64_t limit_s)
{
    uint64_t left_ms = limit_s * 1000;
    bool graced = false;
    DWORD code = 0;
    for (;;) {
        if (WaitForSingleObject(process, LOOK_MS) == WAIT_OBJECT_0) {
            (void)GetExitCodeProcess(process, &code);
            /* An exception's code has its two highest bits set. */
            return code >= 0xc0000000u ? 128 : code < 127 ? (int32_t)code : 127;
        }
        if (left_ms < LOOK_MS) {
            break;
        }
        if (!graced && there(report)) {
            graced = true;
            left_ms = left_ms < GRACE_MS ? left_ms : GRACE_MS;
        }
        left_ms -= LOOK_MS;
    }
    (void)TerminateProcess(process, 1);
    (void)WaitForSingleObject(process, INFINITE);
    return -1;
}

int32_t stk_spawn_run(const char *words, const char *const *names, const char *report, uint64_t limit_s, bool quiet)
{
    static char command[COMMAND_MAX];
    STARTUPINFOA start = {.cb = sizeof(start)};
    PROCESS_INFORMATION process;
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof(inherit), .bInheritHandle = TRUE};
    HANDLE nowhere = INVALID_HANDLE_VALUE;
    if (strlen(words) >= sizeof(command)) {
        return -2;
    }
    (void)strcpy(command, words);
    quotes_change(command);
    for (size_t i = 0; names[i] != NULL; i += 2) {
        (void)SetEnvironmentVariableA(names[i], names[i + 1]);
    }
    if (quiet) {
        nowhere = CreateFileA("NUL", GENERIC_WRITE, FILE_SHARE_WRITE, &inherit, OPEN_EXISTING, 0, NULL);
        start.dwFlags = STARTF_USESTDHANDLES;
        start.hStdOutput = nowhere;
        start.hStdError = nowhere;
    }
    const BOOL made = CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process);
    for (size_t i = 0; names[i] != NULL; i += 2) {
        (void)SetEnvironmentVariableA(names[i], NULL);
    }
    if (nowhere != INVALID_HANDLE_VALUE) {
        (void)CloseHandle(nowhere);
    }
    if (!made) {
        return -2;
    }
    (void)CloseHandle(process.hThread);
    const int32_t code = end_wait(process.hProcess, report, limit_s);
    (void)CloseHandle(process.hProcess);
    return code;
}

bool stk_spawn_folder(char *out, size_t size)
{
    static unsigned count;
    char base[MAX_PATH];
    const DWORD len = GetTempPathA(sizeof(base), base);
    if (len == 0 || len >= sizeof(base)) {
        return false;
    }
    for (unsigned tries = 0; tries < 1000; tries++) {
        (void)snprintf(out, size, "%.230swinlane-replay.%lu.%u", base, GetCurrentProcessId(), count++);
        if (CreateDirectoryA(out, NULL)) {
            for (char *at = out; *at != '\0'; at++) {
                *at = *at == '\\' ? '/' : *at;
            }
            return true;
        }
    }
    return false;
}

bool stk_spawn_folder_make(const char *folder)
{
    return _mkdir(folder) == 0 || errno == EEXIST;
}

void stk_spawn_folder_remove(const char *folder)
{
    char path[MAX_PATH * 2];
    WIN32_FIND_DATAA found;
    (void)snprintf(path, sizeof(path), "%.250s/*", folder);
    const HANDLE search = FindFirstFileA(path, &found);
    if (search != INVALID_HANDLE_VALUE) {
        do {
            (void)snprintf(path, sizeof(path), "%.250s/%.250s", folder, found.cFileName);
            (void)DeleteFileA(path);
        } while (FindNextFileA(search, &found));
        (void)FindClose(search);
    }
    (void)RemoveDirectoryA(folder);
}

bool stk_spawn_terminal(void)
{
    return _isatty(_fileno(stdout)) != 0;
}

bool stk_spawn_self(char *out, size_t size)
{
    const DWORD len = GetModuleFileNameA(NULL, out, (DWORD)size);
    return len > 0 && len < size;
}
