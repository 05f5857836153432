#include "core/client_priv.h"

#include "stack/fd.h"
#include "stack/log.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <windows.h>

#define FD_STDERR 2

/* When and where this process dumps its counters; the configuration of the first attach holds. */
static struct {
    struct stk_client *_Atomic client;
    bool at_exit;
    int number; /* the signal that is watched; 0: none */
    SRWLOCK lock;
    uint32_t written;
    char file[sizeof(((struct stk_conf_engine *)0)->counters_file)];
} dump;

static void dump_write(struct stk_client *client)
{
    int fd = FD_STDERR;
    if (dump.file[0] != '\0') {
        fd = _open(dump.file, _O_WRONLY | _O_CREAT | _O_APPEND | _O_NOINHERIT | _O_BINARY, _S_IREAD | _S_IWRITE);
        if (fd < 0) {
            stk_log(STK_LOG_ERROR, "counters: %s: %s", dump.file, strerror(errno));
            return;
        }
    }
    /* Several dumps, of several processes even, may follow each other in one file. */
    char head[96];
    int len = snprintf(head, sizeof(head), "process.dump.pid %lu\nprocess.dump.number %u\n", GetCurrentProcessId(),
                       ++dump.written);
    stk_fd_write(fd, head, (size_t)len);
    stk_client_counters_dump(client, fd);
    if (fd != FD_STDERR) {
        (void)_close(fd);
    }
}

/* Runs on a thread that the system makes for it, so that nothing is forbidden here. */
static BOOL WINAPI dump_break(DWORD event)
{
    if (event != CTRL_BREAK_EVENT) {
        return FALSE;
    }
    struct stk_client *client = atomic_load_explicit(&dump.client, memory_order_acquire);
    if (client != NULL) {
        AcquireSRWLockExclusive(&dump.lock);
        dump_write(client);
        ReleaseSRWLockExclusive(&dump.lock);
    }
    return TRUE; /* as a signal that is caught: the program goes on */
}

void stk_counters_watch(const struct stk_config *config)
{
    const int number = config->engine.counters_signal;
    if (number == 0 || dump.number == number) {
        return;
    }
    if (!SetConsoleCtrlHandler(dump_break, TRUE)) {
        stk_log(STK_LOG_WARN, "counters: Ctrl-Break cannot be watched: error %lu", GetLastError());
        return;
    }
    dump.number = number;
}

void stk_client_dump_watch(struct stk_client *client, const struct stk_conf_engine *conf)
{
    if (atomic_load_explicit(&dump.client, memory_order_relaxed) != NULL) {
        return;
    }
    dump.at_exit = conf->counters_at_exit;
    memcpy(dump.file, conf->counters_file, sizeof(dump.file));
    dump.file[sizeof(dump.file) - 1] = '\0';
    atomic_store_explicit(&dump.client, client, memory_order_release);
}

void stk_client_dump_exit(void)
{
    struct stk_client *client = atomic_load_explicit(&dump.client, memory_order_acquire);
    if (dump.at_exit && client != NULL && TryAcquireSRWLockExclusive(&dump.lock)) {
        dump_write(client);
        ReleaseSRWLockExclusive(&dump.lock);
    }
}
