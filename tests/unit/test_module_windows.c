/*
 * The engine as a module: this program is linked as the provider is, without the engine. It copies itself and a
 * winlane-stack.dll, or none, or another one, into a folder and runs there.
 */
#include "core/engine_ops.h"
#include "stack/api.h"
#include "stack/clock.h"
#include "stack/config.h"
#include "stack/err.h"
#include "stack/os_windows.h"
#include "t_os.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <windows.h>

#include <cmocka.h>

#define SECOND ((int64_t)1000000000)
#define CAPTURE "frames.pcap"
#define COUNTERS "counters.txt"

static const char *t_stack;   /* winlane-stack.dll */
static const char *t_foreign; /* a DLL of that interface's name, of another build */
static char t_self[T_PATH_MAX];

static const char t_text[] = "[engine]\n"
                             "sockets_max = 64\n"
                             "buffer_memory = 4MiB\n"
                             "%s"
                             "[port west]\n"
                             "driver = wire\n"
                             "wire.link = module\n"
                             "wire.capture = " CAPTURE "\n"
                             "instance = 0\n"
                             "mac = 02:00:00:00:77:01\n"
                             "address = 10.77.0.1/24\n"
                             "[port east]\n"
                             "driver = wire\n"
                             "wire.link = module\n"
                             "instance = 1\n"
                             "mac = 02:00:00:00:77:02\n"
                             "address = 10.77.0.2/24\n";

static const struct stk_addr t_east = {.family = STK_AF_INET, .port = 7777, .ip = {10, 77, 0, 2}};

/* --- In the folder ------------------------------------------------------------------------ */

/* A child that cannot go on says so and ends with 9. */
static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "%s\n", what);
        exit(9);
    }
}

static int child_attach(const char *engine_keys, struct stk_client **out, char *error, size_t size)
{
    char text[1024];
    struct stk_config *config = NULL;
    (void)snprintf(text, sizeof(text), t_text, engine_keys);
    must(stk_config_parse(text, "module.ini", &config, error, size) == STK_OK, error);
    stk_counters_watch(config);
    const int result = stk_client_attach(config, out, error, size);
    stk_config_free(config);
    return result;
}

static void child_wait(struct stk_client *client, struct stk_sock *sock, uint32_t wanted)
{
    struct stk_wait_item item = {.sock = sock, .wanted = wanted};
    must(stk_wait(client, &item, 1, 20 * SECOND, NULL) == 1, "wait");
}

/* Connects west to east and sends a byte; both ends stay open. */
static struct stk_client *child_connect(const char *engine_keys)
{
    struct stk_client *client = NULL;
    struct stk_sock *listener = NULL;
    struct stk_sock *near_end = NULL;
    struct stk_sock *far_end = NULL;
    struct stk_addr west = {.family = STK_AF_INET, .ip = {10, 77, 0, 1}};
    char byte = 'm';
    struct stk_iov iov = {.base = &byte, .len = 1};
    char error[STK_CONF_ERROR_SIZE] = "";
    must(child_attach(engine_keys, &client, error, sizeof(error)) == STK_OK, error);
    must(stk_sock_open(client, STK_AF_INET, STK_SOCK_STREAM, 0, 1, &listener) == STK_OK, "open");
    must(stk_sock_bind(listener, &t_east) == STK_OK && stk_sock_listen(listener, 5) == STK_OK, "listen");
    must(stk_sock_open(client, STK_AF_INET, STK_SOCK_STREAM, 0, 2, &near_end) == STK_OK, "open");
    must(stk_sock_bind(near_end, &west) == STK_OK, "bind");
    must(stk_sock_connect(near_end, &t_east) == STK_EINPROGRESS, "connect");
    child_wait(client, listener, STK_READY_ACCEPT);
    must(stk_sock_accept(listener, 3, &far_end, NULL) == STK_OK, "accept");
    child_wait(client, near_end, STK_READY_CONN);
    must(stk_sock_send(near_end, &iov, 1) == 1, "send");
    child_wait(client, far_end, STK_READY_IN);
    must(stk_sock_recv(far_end, &iov, 1, 0) == 1 && byte == 'm', "recv");
    return client;
}

/* What a console does for Ctrl-Break: its routine on a new thread. */
static int child_break(void)
{
    struct stk_client *client = NULL;
    char error[STK_CONF_ERROR_SIZE] = "";
    must(child_attach("counters_signal = BREAK\ncounters_file = " COUNTERS "\n", &client, error, sizeof(error)) ==
             STK_OK,
         error);
    LPTHREAD_START_ROUTINE routine = (LPTHREAD_START_ROUTINE)stk_os_proc(L"kernelbase.dll", "CtrlRoutine");
    must(routine != NULL, "CtrlRoutine");
    for (int i = 0; i < 2; i++) {
        HANDLE thread = CreateThread(NULL, 0, routine, (LPVOID)(uintptr_t)CTRL_BREAK_EVENT, 0, NULL);
        must(thread != NULL && WaitForSingleObject(thread, 10000) == WAIT_OBJECT_0, "the console's routine");
    }
    stk_client_detach(client, 0);
    return 0;
}

/* Its own words for what the program should do; the exit status is the answer. */
static int child_main(const char *how)
{
    char error[STK_CONF_ERROR_SIZE] = "";
    struct stk_client *client = NULL;
    if (strcmp(how, "attach") == 0) {
        const int result = child_attach("", &client, error, sizeof(error));
        (void)fprintf(stderr, "%s", error);
        return result == STK_OK ? 0 : -result;
    }
    if (strcmp(how, "break") == 0) {
        return child_break();
    }
    if (strcmp(how, "spinning") == 0) {
        (void)child_connect("spin = endless\n");
        ExitProcess(0);
    }
    if (strcmp(how, "counted") == 0) {
        (void)child_connect("counters_at_exit = yes\ncounters_file = " COUNTERS "\n");
        return 0;
    }
    client = child_connect("");
    if (strcmp(how, "detach") == 0) {
        stk_client_detach(client, 1000);
        return stk_client_alive(client) == STK_ENETDOWN ? 0 : 8;
    }
    Sleep(300); /* the poll thread naps, and the capture writes the next frame through */
    if (strcmp(how, "exitprocess") == 0) {
        ExitProcess(0); /* the C library's exit handlers do not run */
    }
    return 0; /* "exit" */
}

/* --- From outside ----------------------------------------------------------------------------- */

struct folder {
    char path[T_PATH_MAX];
    char before[T_PATH_MAX];
};

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    if (folder == NULL || getcwd(folder->before, sizeof(folder->before)) == NULL ||
        !t_folder_make("unit_module", folder->path) || chdir(folder->path) != 0 ||
        !CopyFileA(t_self, "program.exe", TRUE)) {
        free(folder);
        return -1;
    }
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    static const char *const names[] = {"program.exe", "winlane-stack.dll", "said.txt", CAPTURE, COUNTERS};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)unlink(names[i]);
    }
    const int result = chdir(folder->before) | rmdir(folder->path);
    free(folder);
    return result;
}

/* Runs the copy in the folder; it must end soon whatever it does. */
static struct t_ended program_run(const char *how, char *said, size_t size)
{
    const uint64_t before = stk_clock_ns();
    struct t_ended ended = t_run("program.exe", how, "said.txt");
    assert_true(stk_clock_ns() - before < 15 * UINT64_C(1000000000));
    FILE *file = fopen("said.txt", "rb");
    assert_non_null(file);
    size_t used = fread(said, 1, size - 1, file);
    said[used] = '\0';
    (void)fclose(file);
    return ended;
}

static void program_good(const char *how)
{
    char said[1024];
    struct t_ended ended = program_run(how, said, sizeof(said));
    if (ended.how != T_END_EXIT || ended.status != 0) {
        fail_msg("%s: end %d, status %d: %s", how, (int)ended.how, ended.status, said);
    }
}

/* Counts the captured frames that are TCP segments with RST. */
static unsigned resets_captured(void)
{
    unsigned count = 0;
    uint8_t head[16];
    static uint8_t frame[2048];
    FILE *file = fopen(CAPTURE, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 24, SEEK_SET), 0);
    while (fread(head, 1, sizeof(head), file) == sizeof(head)) {
        uint32_t len = 0;
        memcpy(&len, head + 8, sizeof(len));
        assert_true(len <= sizeof(frame));
        if (fread(frame, 1, len, file) != len) {
            break; /* what was not written through */
        }
        /* Ethernet, IPv4 without options, TCP: flags in its byte 13. */
        if (len >= 54 && frame[12] == 8 && frame[13] == 0 && frame[23] == 6 && (frame[47] & 4) != 0) {
            count++;
        }
    }
    (void)fclose(file);
    return count;
}

static void module__beside_the_program__engine_runs(void **state)
{
    (void)state;
    assert_true(CopyFileA(t_stack, "winlane-stack.dll", TRUE));
    program_good("detach");
    assert_true(resets_captured() > 0); /* what the detach found open */
}

static void module__missing__netdown_in_words(void **state)
{
    char said[1024];
    (void)state;
    struct t_ended ended = program_run("attach", said, sizeof(said));
    assert_int_equal(ended.how, T_END_EXIT);
    assert_int_equal(ended.status, -STK_ENETDOWN);
    assert_non_null(strstr(said, "winlane-stack.dll, beside the provider: cannot be loaded (error 126)"));
}

static void module__of_another_build__refused_in_words(void **state)
{
    char said[1024];
    (void)state;
    assert_true(CopyFileA(t_foreign, "winlane-stack.dll", TRUE));
    struct t_ended ended = program_run("attach", said, sizeof(said));
    assert_int_equal(ended.how, T_END_EXIT);
    assert_int_equal(ended.status, -STK_EINVAL);
    assert_non_null(strstr(said, "winlane-stack.dll, beside the provider: is of another build"));
}

static void module__not_a_module__refused_in_words(void **state)
{
    char said[1024];
    (void)state;
    FILE *file = fopen("winlane-stack.dll", "wb");
    assert_non_null(file);
    assert_true(fputs("no PE file", file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct t_ended ended = program_run("attach", said, sizeof(said));
    assert_int_equal(ended.status, -STK_ENETDOWN);
    assert_non_null(strstr(said, "cannot be loaded"));
}

static char counters_text[64 * 1024];

/* Runs the program, then reads what it dumped. */
static void counters_read(const char *how)
{
    program_good(how);
    FILE *file = fopen(COUNTERS, "rb");
    assert_non_null(file);
    const size_t used = fread(counters_text, 1, sizeof(counters_text) - 1, file);
    counters_text[used] = '\0';
    (void)fclose(file);
}

static void counters__ctrl_break_twice__two_dumps_and_the_program_goes_on(void **state)
{
    (void)state;
    assert_true(CopyFileA(t_stack, "winlane-stack.dll", TRUE));
    counters_read("break");
    assert_non_null(strstr(counters_text, "\nprocess.dump.number 1\n"));
    assert_non_null(strstr(counters_text, "\nprocess.dump.number 2\n"));
    assert_non_null(strstr(counters_text, "\nengine.loop.turns "));
}

/* The exit handler may be called several times: by each C library, and for the module. */
static void counters__at_exit__one_dump(void **state)
{
    (void)state;
    assert_true(CopyFileA(t_stack, "winlane-stack.dll", TRUE));
    counters_read("counted");
    assert_non_null(strstr(counters_text, "\nprocess.dump.number 1\n"));
    assert_null(strstr(counters_text, "\nprocess.dump.number 2\n"));
    assert_non_null(strstr(counters_text, "\nengine.loop.turns "));
}

/* main returns: the C library's exit runs the handler, the other threads alive. */
static void process__returns_without_detach__connections_reset(void **state)
{
    (void)state;
    assert_true(CopyFileA(t_stack, "winlane-stack.dll", TRUE));
    program_good("exit");
    assert_true(resets_captured() > 0);
}

/* The other threads are dead when the module hears of it: the detaching thread resets. */
static void process__calls_exitprocess__connections_reset(void **state)
{
    (void)state;
    assert_true(CopyFileA(t_stack, "winlane-stack.dll", TRUE));
    program_good("exitprocess");
    assert_true(resets_captured() > 0);
}

/* It died in a turn, most likely: then nothing is sent, and nothing hangs. */
static void process__exitprocess_while_the_engine_spins__ends_at_once(void **state)
{
    (void)state;
    assert_true(CopyFileA(t_stack, "winlane-stack.dll", TRUE));
    for (int round = 0; round < 5; round++) {
        program_good("spinning");
        assert_int_equal(unlink(CAPTURE), 0);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(module__beside_the_program__engine_runs),
        IN_FOLDER(module__missing__netdown_in_words),
        IN_FOLDER(module__of_another_build__refused_in_words),
        IN_FOLDER(module__not_a_module__refused_in_words),
        IN_FOLDER(counters__ctrl_break_twice__two_dumps_and_the_program_goes_on),
        IN_FOLDER(counters__at_exit__one_dump),
        IN_FOLDER(process__returns_without_detach__connections_reset),
        IN_FOLDER(process__calls_exitprocess__connections_reset),
        IN_FOLDER(process__exitprocess_while_the_engine_spins__ends_at_once),
    };
    if (argc == 2) {
        return child_main(argv[1]);
    }
    if (argc != 3 || GetModuleFileNameA(NULL, t_self, sizeof(t_self)) == 0) {
        (void)fprintf(stderr, "usage: %s WINLANE-STACK.DLL DLL-OF-ANOTHER-BUILD\n", argv[0]);
        return 2;
    }
    t_stack = argv[1];
    t_foreign = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
