#include "t_life.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
/* A limit only tells a hang: a machine that builds something else beside the test is many times slower. */
#define PATIENCE 4u
/* How often a bound of time may be missed because others had the processor; a wait of ours would miss it each time. */
#define TRIES 4u
#define STATUS_NEED 99

static char folder[64];
static char text_room[4 << 20];
static char log_room[1 << 20];
int (*t_last_error)(void);

/* --- Small things ---------------------------------------------------------- */

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

bool t_sanitized(void)
{
#ifdef T_SANITIZED
    return true;
#else
    return false;
#endif
}

const char *t_path(const char *name)
{
    static char rooms[8][352];
    static unsigned next;
    char *room = rooms[next++ % 8];
    (void)snprintf(room, sizeof rooms[0], "%s/%s", folder, name);
    return room;
}

void t_need(bool holds, const char *text, const char *file, int line)
{
    if (!holds) {
        (void)fprintf(stderr, "%s:%d: not so: %s (last error %d, errno %d)\n", file, line, text,
                      t_last_error != NULL ? t_last_error() : 0, errno);
        (void)fflush(stderr);
        _exit(STATUS_NEED);
    }
}

/* --- Configurations ------------------------------------------------------------ */

void t_conf_text(const char *text)
{
    FILE *file = fopen(t_path("winlane.ini"), "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define ENGINE "[engine]\nsockets_max = 512\nbuffer_memory = 64MiB\nrcvbuf = 256KiB\ntcp_msl = 100ms\n"

void t_conf_wire(const char *engine, const char *port)
{
    char text[1500];
    (void)snprintf(text, sizeof text,
                   ENGINE "%s\n"
                          "[port west]\ndriver = wire\nwire.link = life\ninstance = 0\naddress = 10.88.0.1/24\n%s\n"
                          "[port east]\ndriver = wire\nwire.link = life\ninstance = 1\naddress = 10.88.0.2/24\n",
                   engine, port);
    t_conf_text(text);
}

void t_conf_ring(const char *engine)
{
    char text[1500];
    (void)snprintf(text, sizeof text,
                   ENGINE "%s\n"
                          "[port ring0]\ndriver = dpdk\ndpdk.ring_pair = life\ndpdk.hugepages = no\n"
                          "dpdk.memory_mb = 128\ninstance = 0\naddress = 10.99.0.1/24\n"
                          "[port ring1]\ndriver = dpdk\ndpdk.ring_pair = life\ninstance = 1\naddress = 10.99.0.2/24\n",
                   engine);
    t_conf_text(text);
}

void t_env(const char *name, const char *value)
{
    assert_int_equal(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
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
    (void)setenv("T_LIFE_FOLDER", folder, 1);
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
    uint64_t bound = child->start_ns + (uint64_t)seconds * PATIENCE * 1000000000u;
    int status = 0;
    while (waitpid(child->pid, &status, WNOHANG) == 0) {
        if (t_now_ns() > bound) {
            print_error("child %d still runs after %u s\n", (int)child->pid, seconds * PATIENCE);
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

uint64_t t_expect(int status, uint32_t seconds, const char *const args[4])
{
    struct t_child child;
    t_start(&child, args);
    int ended = t_wait(&child, seconds);
    if (ended != status) {
        print_error("mode %s ended with %d; its log:\n%s\n", args[0], ended, t_log());
    }
    assert_int_equal(ended, status);
    return child.took_ns / 1000000u;
}

void t_expect_within(int status, uint64_t limit_ms, const char *const args[4])
{
    uint64_t took_ms = UINT64_MAX;
    for (uint32_t i = 0; i < TRIES && took_ms >= limit_ms; i++) {
        took_ms = t_expect(status, (uint32_t)(limit_ms / 1000u) + 10u, args);
        print_message("mode %s %s: %llu ms of %llu\n", args[0], args[1] != NULL ? args[1] : "",
                      (unsigned long long)took_ms, (unsigned long long)limit_ms);
    }
    assert_true(took_ms < limit_ms);
}

/* --- What they left ---------------------------------------------------------------- */

static const char *text_read(const char *path, char *room, size_t size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    size_t used = fread(room, 1, size - 1, file);
    (void)fclose(file);
    room[used] = '\0';
    return room;
}

const char *t_log(void)
{
    const char *text = text_read(t_path("stderr"), log_room, sizeof log_room);
    return text != NULL ? text : "";
}

const char *t_text(const char *path)
{
    return text_read(path, text_room, sizeof text_room);
}

uint64_t t_counter(const char *dump, const char *name)
{
    size_t len = strlen(name);
    uint64_t value = UINT64_MAX;
    for (const char *at = dump; at != NULL && *at != '\0';) {
        if (strncmp(at, name, len) == 0 && at[len] == ' ') {
            value = strtoull(at + len + 1, NULL, 10);
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return value;
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
    FILE *file = fopen(path, "re");
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

/* --- The test's own main ---------------------------------------------------------------- */

static int child_main(int argc, char **argv, const struct t_mode *modes)
{
    const char *where = getenv("T_LIFE_FOLDER");
    (void)snprintf(folder, sizeof folder, "%s", where != NULL ? where : "/nonexistent");
    for (const struct t_mode *mode = modes; argc > 2 && mode->name != NULL; mode++) {
        if (strcmp(mode->name, argv[2]) == 0) {
            return mode->run(argc - 2, argv + 2);
        }
    }
    (void)fprintf(stderr, "no such mode\n");
    return 126;
}

static void folder_remove(void)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            (void)unlink(t_path(entry->d_name));
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    (void)rmdir(folder);
}

int t_life_main(int argc, char **argv, const struct t_mode *modes, const struct CMUnitTest *tests, size_t tests_count)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0) {
        return child_main(argc, argv, modes);
    }
    (void)snprintf(folder, sizeof folder, "/tmp/life.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)unsetenv("WINLANE_CATALOG");
    (void)unsetenv("WINLANE_LOG");
    (void)unsetenv("WINLANE_LOG_FILE");
    int failed = _cmocka_run_group_tests("life", tests, tests_count, NULL, NULL);
    folder_remove();
    return failed;
}
