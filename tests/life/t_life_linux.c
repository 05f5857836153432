/* Children, processes and folders of Linux. */
#include "t_life_os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAP_MS 2u

uint64_t t_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void t_sleep_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

void t_nap_us(uint32_t us)
{
    struct timespec nap = {0, (long)us * 1000};
    (void)nanosleep(&nap, NULL);
}

void t_env(const char *name, const char *value)
{
    assert_int_equal(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
}

void t_remove(const char *path)
{
    (void)unlink(path);
}

void t_kill_self(void)
{
    (void)raise(SIGKILL); /* 128 + 9 */
}

/* --- Children -------------------------------------------------------------------- */

/* The network namespace that T_LIFE_NETNS names, if any. */
static void netns_enter(void)
{
    const char *path = getenv("T_LIFE_NETNS");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (path != NULL && (fd < 0 || setns(fd, CLONE_NEWNET) != 0)) {
        _exit(125);
    }
}

static void child_become(const char *const args[4], int out)
{
    char *argv[8] = {NULL};
    char self[] = "/proc/self/exe";
    char mark[] = "--child";
    int log = open(t_path("stderr"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    netns_enter();
    (void)setenv("WINLANE_CONFIG", t_path("winlane.ini"), 1);
    (void)setenv("T_LIFE_FOLDER", t_folder, 1);
    (void)dup2(out, 1);
    (void)dup2(log, 2);
    (void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC); /* what the test itself was given */
    argv[0] = self;
    argv[1] = mark;
    for (size_t i = 0; i < 4 && args[i] != NULL; i++) {
        argv[i + 2] = strdup(args[i]);
    }
    (void)execv(self, argv);
    _exit(127);
}

void t_start(struct t_child *child, const char *const args[4])
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child->start_ns = t_now_ns();
    child->took_ns = 0;
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0) {
        child_become(args, ends[1]);
    }
    (void)close(ends[1]);
    child->out = ends[0];
}

int t_wait(struct t_child *child, uint32_t seconds)
{
    uint64_t bound = child->start_ns + (uint64_t)seconds * T_PATIENCE * 1000000000u;
    int status = 0;
    while (waitpid(child->pid, &status, WNOHANG) == 0) {
        if (t_now_ns() > bound) {
            print_error("child %d still runs after %u s\n", (int)child->pid, seconds * T_PATIENCE);
            (void)kill(child->pid, SIGKILL);
            (void)waitpid(child->pid, &status, 0);
            (void)close(child->out);
            return -1;
        }
        t_sleep_ms(NAP_MS);
    }
    child->took_ns = t_now_ns() - child->start_ns;
    (void)close(child->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- This process --------------------------------------------------------------------- */

static uint32_t entries(const char *path)
{
    DIR *dir = opendir(path);
    uint32_t count = 0;
    if (dir == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(dir);
    return count;
}

uint32_t t_fds(void)
{
    return entries("/proc/self/fd") - 1; /* the folder's own */
}

uint32_t t_threads(void)
{
    return entries("/proc/self/task");
}

uint32_t t_tids(pid_t *out, uint32_t count)
{
    DIR *dir = opendir("/proc/self/task");
    uint32_t found = 0;
    if (dir == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.' && found++ < count) {
            out[found - 1] = (pid_t)strtol(entry->d_name, NULL, 10);
        }
    }
    (void)closedir(dir);
    return found;
}

static uint64_t status_value(const char *path, const char *key, int base)
{
    char line[256];
    uint64_t value = 0;
    FILE *file = fopen(path, T_OPEN_READ);
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtoull(line + strlen(key), NULL, base);
        }
    }
    (void)fclose(file);
    return value;
}

uint64_t t_rss_kib(void)
{
    return status_value("/proc/self/status", "VmRSS:", 10);
}

uint64_t t_blocked(pid_t tid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)tid);
    return status_value(path, "SigBlk:", 16);
}

uint64_t t_cpu_us(void)
{
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* --- The test's folder ------------------------------------------------------------------ */

bool t_os_folder_make(void)
{
    (void)snprintf(t_folder, sizeof t_folder, "/tmp/life.XXXXXX");
    return mkdtemp(t_folder) != NULL;
}

void t_os_folder_remove(void)
{
    DIR *dir = opendir(t_folder);
    for (const struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            (void)unlink(t_path(entry->d_name));
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)rmdir(t_folder);
}
