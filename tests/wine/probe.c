// A program that ends in each way that wine-run.sh must tell apart.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

// Starts this program again as "sleep MARK" and waits: a child that Wine does not leave under its parent.
static int spawn_sleeper(const char *mark)
{
    char own[MAX_PATH];
    char line[2 * MAX_PATH];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;

    if (GetModuleFileNameA(NULL, own, sizeof own) == 0) {
        return 1;
    }
    snprintf(line, sizeof line, "\"%s\" sleep %s", own, mark);
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child)) {
        return 1;
    }
    printf("spawned\n");
    fflush(stdout);
    WaitForSingleObject(child.hProcess, INFINITE);
    return 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "streams") == 0) {
        printf("to out\n");
        fprintf(stderr, "to err\n");
        return 0;
    }
    if (strcmp(what, "exit") == 0 && argc > 2) {
        return atoi(argv[2]);
    }
    if (strcmp(what, "crash") == 0) {
        RaiseException(EXCEPTION_ACCESS_VIOLATION, EXCEPTION_NONCONTINUABLE, 0, NULL);
        return 0;
    }
    if (strcmp(what, "window") == 0) {
        return CreateWindowA("STATIC", "", 0, 0, 0, 1, 1, NULL, NULL, NULL, NULL) != NULL ? 0 : 1;
    }
    if (strcmp(what, "version") == 0) {
        OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof version};
        union {
            FARPROC found;
            LONG(WINAPI *call)(OSVERSIONINFOW *);
        } get = {.found = GetProcAddress(GetModuleHandleA("ntdll.dll"), "RtlGetVersion")};
        return get.call(&version) == 0 && version.dwMajorVersion == 10 ? 0 : 1;
    }
    if (strcmp(what, "sleep") == 0) {
        Sleep(60000);
        return 0;
    }
    return strcmp(what, "spawn") == 0 && argc > 2 ? spawn_sleeper(argv[2]) : 2;
}
