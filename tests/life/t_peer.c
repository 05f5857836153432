#include "t_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char spaces[2][32]; /* Winlane's, the peer's */
static bool made;

static int command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int command(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return system(line);
}

bool t_veth_up(void)
{
    if (geteuid() != 0 || command("ip netns list >/dev/null 2>&1") != 0) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        (void)snprintf(spaces[i], sizeof spaces[i], "life%d%c", (int)getpid(), 'a' + i);
        if (command("ip netns add %s 2>/dev/null", spaces[i]) != 0) {
            t_veth_down();
            return false;
        }
        made = true;
    }
    const char *a = spaces[0];
    const char *b = spaces[1];
    if (command("ip -n %s link add lf0 type veth peer name lf1 netns %s && "
                "ip netns exec %s sysctl -qw net.ipv6.conf.lf0.disable_ipv6=1 && "
                "ip -n %s addr add 10.87.0.2/24 dev lf1 && ip -n %s link set lf0 up && ip -n %s link set lf1 up && "
                "ip netns exec %s ethtool -K lf1 tx off tso off gso off gro off >/dev/null && "
                "ip netns exec %s ethtool -K lf0 tx off tso off gso off gro off >/dev/null",
                a, b, a, b, a, b, b, a) != 0) {
        t_veth_down();
        return false;
    }
    char path[64];
    (void)snprintf(path, sizeof path, "/var/run/netns/%s", a);
    t_env("T_LIFE_NETNS", path);
    return true;
}

void t_veth_down(void)
{
    for (int i = 0; i < 2 && made; i++) {
        (void)command("ip netns del %s 2>/dev/null", spaces[i]);
    }
    made = false;
    t_env("T_LIFE_NETNS", NULL);
}

void t_conf_veth(const char *engine)
{
    char text[1200];
    (void)snprintf(text, sizeof text,
                   "[engine]\nsockets_max = 64\nbuffer_memory = 16MiB\nsndbuf = 2MiB\n%s\n"
                   "[port lf0]\ndriver = dpdk\ndpdk.device = net_af_packet0,iface=lf0\ndpdk.hugepages = no\n"
                   "dpdk.memory_mb = 128\naddress = 10.87.0.1/24\n",
                   engine);
    t_conf_text(text);
}

/* --- The peer's process ------------------------------------------------------------ */

static char stream_byte(uint64_t at)
{
    return (char)(at * 7 + (at >> 8) + (at >> 19));
}

static void peer_read(int fd, bool echo, struct t_peer_result *result)
{
    static char room[65536];
    for (;;) {
        ssize_t done = recv(fd, room, sizeof room, 0);
        if (done <= 0) {
            result->end = done == 0 ? 0 : errno;
            return;
        }
        for (ssize_t i = 0; i < done; i++) {
            result->bad += room[i] != stream_byte(result->bytes + (uint64_t)i);
        }
        result->bytes += (uint64_t)done;
        if (echo && send(fd, room, (size_t)done, MSG_NOSIGNAL) != done) {
            result->end = errno;
            return;
        }
    }
}

static void peer_mute(int fd, struct t_peer_result *result)
{
    struct pollfd wait = {.fd = fd, .events = POLLRDHUP};
    socklen_t size = sizeof result->end;
    (void)poll(&wait, 1, 30000);
    (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &result->end, &size);
}

static void peer_serve(int listener, enum t_peer_kind kind, int results)
{
    for (;;) {
        struct t_peer_result result = {.bytes = 0};
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            _exit(1);
        }
        if (kind == T_PEER_MUTE) {
            peer_mute(fd, &result);
        } else {
            peer_read(fd, kind == T_PEER_ECHO, &result);
        }
        (void)close(fd);
        if (write(results, &result, sizeof result) != (ssize_t)sizeof result) {
            _exit(1);
        }
    }
}

static void peer_main(enum t_peer_kind kind, int results)
{
    char path[64];
    int one = 1;
    int small = 4096;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(7100)};
    (void)snprintf(path, sizeof path, "/var/run/netns/%s", spaces[1]);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || setns(ns, CLONE_NEWNET) != 0) {
        _exit(1);
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (kind == T_PEER_MUTE) {
        (void)setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(listener, 16) != 0 ||
        write(results, &addr, 1) != 1) {
        _exit(1);
    }
    peer_serve(listener, kind, results);
}

void t_peer_start(struct t_peer *peer, enum t_peer_kind kind)
{
    int ends[2];
    char ready;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    peer->pid = fork();
    assert_true(peer->pid >= 0);
    if (peer->pid == 0) {
        peer_main(kind, ends[1]);
    }
    (void)close(ends[1]);
    peer->results = ends[0];
    assert_int_equal(read(peer->results, &ready, 1), 1);
}

struct t_peer_result t_peer_result(const struct t_peer *peer, uint32_t seconds)
{
    struct t_peer_result result = {.end = -1};
    struct pollfd wait = {.fd = peer->results, .events = POLLIN};
    if (poll(&wait, 1, (int)seconds * 1000) == 1) {
        assert_int_equal(read(peer->results, &result, sizeof result), sizeof result);
    }
    return result;
}

void t_peer_stop(struct t_peer *peer)
{
    (void)kill(peer->pid, SIGKILL);
    (void)waitpid(peer->pid, NULL, 0);
    (void)close(peer->results);
}
