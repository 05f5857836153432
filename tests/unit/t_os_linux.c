#include "t_os.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

const char *const t_null_device = "/dev/null";
const char *const t_conf_place_first = "./winlane.ini";
const char *const t_signal_name = "USR1";
const int32_t t_signal_number = SIGUSR1;
const char *const t_signal_names = "USR1, USR2, HUP or QUIT";

int t_env_set(const char *name, const char *value)
{
    return value != NULL ? setenv(name, value, 1) : unsetenv(name);
}

bool t_folder_make(const char *name, char *path)
{
    (void)snprintf(path, T_PATH_MAX, "/tmp/%s.XXXXXX", name);
    return mkdtemp(path) != NULL;
}

int t_folder_sub(const char *name)
{
    return mkdir(name, 0700);
}

FILE *t_file_temp(void)
{
    return tmpfile();
}

void *t_aligned(size_t align, size_t size)
{
    void *memory = aligned_alloc(align, size);
    assert_non_null(memory);
    return memory;
}

void t_aligned_free(void *memory)
{
    free(memory);
}

bool t_bell_rung(intptr_t bell)
{
    struct pollfd poll_fd = {.fd = (int)bell, .events = POLLIN};
    const int result = poll(&poll_fd, 1, 0);
    assert_true(result >= 0);
    return result == 1;
}

size_t t_pages_resident(void *base, size_t bytes)
{
    const size_t pages = (bytes + 4095) / 4096;
    unsigned char *seen = malloc(pages);
    size_t count = 0;
    assert_non_null(seen);
    assert_int_equal(mincore(base, bytes, seen), 0);
    for (size_t i = 0; i < pages; i++) {
        count += seen[i] & 1;
    }
    free(seen);
    return count;
}

bool t_page_there(void *at)
{
    unsigned char seen;
    return mincore(at, 4096, &seen) == 0;
}

/* The lowest free descriptor. */
uint32_t t_handles_open(void)
{
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    return (uint32_t)fd;
}

void t_pipe_make(char *path)
{
    (void)snprintf(path, T_PATH_MAX, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
}

void t_pipe_drop(const char *path)
{
    (void)unlink(path);
}

const char *t_unreadable(const char *path)
{
    if (geteuid() == 0) {
        return NULL;
    }
    assert_int_equal(chmod(path, 0), 0);
    return "permission denied";
}

void t_readable(const char *path)
{
    (void)chmod(path, 0600);
}

void t_conf_place_second(char *path)
{
    (void)snprintf(path, T_PATH_MAX, "/etc/winlane/winlane.ini");
}

struct t_ended t_run(const char *program, const char *argument, const char *said)
{
    struct t_ended ended = {.how = T_END_OTHER};
    char *argv[] = {strdup(program), strdup(argument), NULL};
    posix_spawn_file_actions_t actions;
    pid_t child = 0;
    int status = 0;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    if (said != NULL) {
        assert_int_equal(
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, said, O_WRONLY | O_CREAT | O_TRUNC, 0600), 0);
    }
    assert_int_equal(posix_spawn(&child, program, &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        ended = (struct t_ended){T_END_EXIT, WEXITSTATUS(status)};
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
        ended.how = T_END_ABORT;
    }
    free(argv[0]);
    free(argv[1]);
    return ended;
}

void t_abort_quietly(void)
{
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGABRT, SIG_DFL);
}

int t_ip_read(const char *text, uint8_t ip[16])
{
    return inet_pton(AF_INET, text, ip) == 1 ? 4 : inet_pton(AF_INET6, text, ip) == 1 ? 6 : 0;
}

void t_ip_text(int version, const uint8_t ip[16], char *text)
{
    assert_non_null(inet_ntop(version == 4 ? AF_INET : AF_INET6, ip, text, T_PATH_MAX));
}

bool t_fork_there(void)
{
    return true;
}

int t_fork_run(int (*fn)(void *arg), void *arg)
{
    int status = -1;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(fn(arg));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
