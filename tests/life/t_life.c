#include "t_life_os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often a bound of time may be missed because others had the processor; a wait of ours would miss it each time. */
#define TRIES 4u
#define STATUS_NEED 99

char t_folder[320];
static char text_room[4 << 20];
static char log_room[1 << 20];
int (*t_last_error)(void);

/* --- Small things ---------------------------------------------------------- */

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
    static char rooms[8][400];
    static unsigned next;
    char *room = rooms[next++ % 8];
    (void)snprintf(room, sizeof rooms[0], "%s/%s", t_folder, name);
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
    FILE *file = fopen(t_path("winlane.ini"), T_OPEN_WRITE);
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

/* --- Children -------------------------------------------------------------------- */

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
    FILE *file = fopen(path, T_OPEN_READ);
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

/* --- The test's own main ---------------------------------------------------------------- */

static int child_main(int argc, char **argv, const struct t_mode *modes)
{
    const char *where = getenv("T_LIFE_FOLDER");
    (void)snprintf(t_folder, sizeof t_folder, "%s", where != NULL ? where : "/nonexistent");
    for (const struct t_mode *mode = modes; argc > 2 && mode->name != NULL; mode++) {
        if (strcmp(mode->name, argv[2]) == 0) {
            return mode->run(argc - 2, argv + 2);
        }
    }
    (void)fprintf(stderr, "no such mode\n");
    return 126;
}

int t_life_main(int argc, char **argv, const struct t_mode *modes, const struct CMUnitTest *tests, size_t tests_count)
{
    if (argc > 1 && strcmp(argv[1], "--child") == 0) {
        return child_main(argc, argv, modes);
    }
    if (!t_os_folder_make()) {
        return 1;
    }
    t_env("WINLANE_CATALOG", NULL);
    t_env("WINLANE_LOG", NULL);
    t_env("WINLANE_LOG_FILE", NULL);
    int failed = _cmocka_run_group_tests("life", tests, tests_count, NULL, NULL);
    t_os_folder_remove();
    return failed;
}
