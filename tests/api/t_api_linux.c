#include "t_api.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const bool t_api_kernel_handles = false;

int t_api_use_fake(void **state)
{
    (void)state;
    /* No DNS: the machine's servers are nobody's business here. */
    return setenv("WINLANE_RESOLV", "/dev/null", 1) != 0 || setenv("WINLANE_CATALOG", T_CATALOG, 1) != 0;
}

int t_api_use_winlane(void **state)
{
    (void)state;
    return unsetenv("WINLANE_CATALOG");
}

void t_api_environment(const char *name, const char *value)
{
    assert_int_equal(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
}

void *t_api_fake_symbol(const char *name)
{
    return t_api_symbol_of(T_FAKE_PROVIDER, name);
}

void *t_api_symbol_of(const char *library, const char *name)
{
    void *module = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
    void *symbol = module == NULL ? NULL : dlsym(module, name);
    assert_non_null(symbol);
    dlclose(module);
    return symbol;
}

void t_api_temporary_file(char path[T_API_PATH_BYTES])
{
    static const char form[] = "/tmp/winlane-test-XXXXXX";
    int file;
    assert_true(sizeof form <= T_API_PATH_BYTES);
    memcpy(path, form, sizeof form);
    file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
}

int t_api_run_self(const char *argument, unsigned timeout_ms)
{
    ULONGLONG before = GetTickCount64();
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test", argument, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    while (waitpid(child, &status, WNOHANG) == 0 && GetTickCount64() - before < timeout_ms) {
        Sleep(5);
    }
    if (status == -1) {
        kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
