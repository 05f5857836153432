#include "core/client_priv.h"

#include "stack/fd.h"
#include "stack/log.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* When and where this process dumps its counters; the configuration of the first attach holds. */
static struct {
    struct stk_client *client;
    bool at_exit;
    int number; /* the signal that is watched; 0: none */
    uint32_t written;
    sem_t asked;
    char file[sizeof(((struct stk_conf_engine *)0)->counters_file)];
} dump;

static void dump_write(void)
{
    int fd = STDERR_FILENO;
    if (dump.file[0] != '\0') {
        fd = open(dump.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0) {
            stk_log(STK_LOG_ERROR, "counters: %s: %s", dump.file, strerror(errno));
            return;
        }
    }
    /* Several dumps, of several processes even, may follow each other in one file. */
    char head[96];
    int len = snprintf(head, sizeof(head), "process.dump.pid %ld\nprocess.dump.number %u\n", (long)getpid(),
                       ++dump.written);
    stk_fd_write(fd, head, (size_t)len);
    stk_client_counters_dump(dump.client, fd);
    if (fd != STDERR_FILENO) {
        (void)close(fd);
    }
}

/* Formatting and opening files are not for a signal handler: it wakes this thread. */
static void *dump_thread(void *arg)
{
    for (;;) {
        if (sem_wait(&dump.asked) == 0) {
            dump_write();
        }
    }
    return arg;
}

static void dump_signal(int number)
{
    int saved = errno;
    (void)number;
    (void)sem_post(&dump.asked);
    errno = saved;
}

void stk_counters_watch(const struct stk_config *config)
{
    const int number = config->engine.counters_signal;
    struct sigaction action = {.sa_handler = dump_signal, .sa_flags = SA_RESTART};
    struct sigaction before;
    if (number == 0 || dump.number == number) {
        return;
    }
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) != 0 || (before.sa_flags & SA_SIGINFO) != 0 || before.sa_handler != SIG_DFL) {
        stk_log(STK_LOG_WARN, "counters: the program uses signal %d itself; they are not dumped on it", number);
        return;
    }
    if ((dump.number == 0 && sem_init(&dump.asked, 0, 0) != 0) || sigaction(number, &action, NULL) != 0) {
        stk_log(STK_LOG_WARN, "counters: signal %d cannot be watched", number);
        return;
    }
    dump.number = number;
}

void stk_client_dump_watch(struct stk_client *client, const struct stk_conf_engine *conf)
{
    if (dump.client != NULL) {
        return;
    }
    dump.client = client;
    dump.at_exit = conf->counters_at_exit;
    memcpy(dump.file, conf->counters_file, sizeof(dump.file));
    dump.file[sizeof(dump.file) - 1] = '\0';
    if (dump.number != 0 && stk_client_os_run(dump_thread, NULL) != STK_OK) {
        stk_log(STK_LOG_WARN, "counters: no thread to dump them on signal %d", dump.number);
    }
}

void stk_client_dump_exit(void)
{
    if (dump.at_exit) {
        dump_write();
    }
}
