#include "t_watch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/** Seen by the watched process and by its parent. */
struct shared {
    _Atomic uint32_t armed;
    _Atomic uint32_t own_tid;
    _Atomic uint64_t own;
    _Atomic uint64_t others;
    _Atomic int last_own;
    _Atomic int last_others;
};

static struct shared *shared;
static int channel = -1; /* the watched process's end */
static bool installed;
static bool refused;

/* --- The parent ------------------------------------------------------------- */

static int listener_receive(int from)
{
    char byte;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int fd = -1;
    if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) <= 0 || CMSG_FIRSTHDR(&msg) == NULL) {
        return -1;
    }
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
    return fd;
}

/* Counts a call; the counter, or NULL: not armed. */
static _Atomic uint64_t *call_count(const struct seccomp_notif *call)
{
    if (atomic_load(&shared->armed) == 0) {
        return NULL;
    }
    const bool own = call->pid == atomic_load(&shared->own_tid);
    _Atomic uint64_t *counter = own ? &shared->own : &shared->others;
    atomic_store(own ? &shared->last_own : &shared->last_others, call->data.nr);
    (void)atomic_fetch_add(counter, 1);
    return counter;
}

/* Every call of the watched process comes by here, is counted and goes on; ends with that process. */
static void listener_serve(int listener)
{
    for (;;) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        struct seccomp_notif call;
        memset(&call, 0, sizeof(call));
        if (poll(&wait, 1, -1) > 0 && (wait.revents & POLLIN) == 0) {
            return; /* the last thread under the filter is gone */
        }
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
            continue; /* its thread died meanwhile */
        }
        _Atomic uint64_t *counter = call_count(&call);
        struct seccomp_notif_resp answer = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 && counter != NULL) {
            (void)atomic_fetch_sub(counter, 1); /* interrupted: it comes again */
        }
    }
}

int t_watch_main(int (*run)(void))
{
    int ends[2];
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return 1;
    }
    const pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(ends[0]);
        channel = ends[1];
        const int result = run();
        (void)fflush(NULL);
        _exit(result);
    }
    (void)close(ends[1]);
    if (child > 0) {
        const int listener = listener_receive(ends[0]);
        if (listener >= 0) {
            listener_serve(listener);
        }
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return 1;
    }
    return WEXITSTATUS(status);
}

/* --- The watched process ------------------------------------------------------ */

static bool listener_send(int fd)
{
    char byte = 0;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    return sendmsg(channel, &msg, 0) == 1;
}

/* All threads, now: every call is notified, but the one that hands the listener over. */
static void filter_install(void)
{
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)channel, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_filter filter[sizeof(code) / sizeof(code[0])];
    memcpy(filter, code, sizeof(code));
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = filter};
    const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
                           SECCOMP_FILTER_FLAG_NEW_LISTENER;
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener < 0) {
        refused = true;
        (void)fprintf(stderr, "system calls are not counted: the filter was refused: %s\n", strerror(errno));
        (void)shutdown(channel, SHUT_RDWR);
        return;
    }
    if (!listener_send((int)listener)) {
        _exit(1);
    }
    installed = true;
    (void)close((int)listener); /* else the parent would not see the end */
}

void t_watch_begin(void)
{
    if (!installed && !refused) {
        filter_install();
    }
    atomic_store(&shared->own_tid, (uint32_t)gettid());
    atomic_store(&shared->own, 0);
    atomic_store(&shared->others, 0);
    atomic_store(&shared->last_own, -1);
    atomic_store(&shared->last_others, -1);
    t_watch_allocs_begin();
    atomic_store(&shared->armed, 1);
}

struct t_watch_report t_watch_end(void)
{
    struct t_watch_report report = {.calls_counted = installed};
    atomic_store(&shared->armed, 0);
    t_watch_allocs_end(&report.allocs_own, &report.allocs_others);
    report.calls_own = atomic_load(&shared->own);
    report.calls_others = atomic_load(&shared->others);
    report.call_last_own = atomic_load(&shared->last_own);
    report.call_last_others = atomic_load(&shared->last_others);
    return report;
}
