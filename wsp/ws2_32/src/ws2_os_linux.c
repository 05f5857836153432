/*
 * The operating system's part of the Winsock DLL, Linux: locks, fork, the loader, host name, services, and the small
 * kernel services of windows.h that have no state (time, heap, process). Names of libc are used here and nowhere else.
 */
#include "ws2_os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct ws2_mutex {
    pthread_mutex_t mutex;
};

static struct ws2_mutex process_mutex = {PTHREAD_MUTEX_INITIALIZER};
static struct ws2_mutex table_mutex = {PTHREAD_MUTEX_INITIALIZER};
static struct ws2_mutex names_mutex = {PTHREAD_MUTEX_INITIALIZER};
static struct ws2_mutex loading_mutex = {PTHREAD_MUTEX_INITIALIZER};
static void (*fork_child)(void);

struct ws2_mutex *ws2_os_process_mutex(void)
{
    return &process_mutex;
}

struct ws2_mutex *ws2_os_names_mutex(void)
{
    return &names_mutex;
}

struct ws2_mutex *ws2_os_loading_mutex(void)
{
    return &loading_mutex;
}

struct ws2_mutex *ws2_os_table_mutex(void)
{
    return &table_mutex;
}

void ws2_os_lock(struct ws2_mutex *mutex)
{
    pthread_mutex_lock(&mutex->mutex);
}

void ws2_os_unlock(struct ws2_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->mutex);
}

static void fork_prepare(void)
{
    pthread_mutex_lock(&process_mutex.mutex);
    pthread_mutex_lock(&loading_mutex.mutex);
    pthread_mutex_lock(&names_mutex.mutex);
    pthread_mutex_lock(&table_mutex.mutex);
}

static void fork_parent(void)
{
    pthread_mutex_unlock(&table_mutex.mutex);
    pthread_mutex_unlock(&names_mutex.mutex);
    pthread_mutex_unlock(&loading_mutex.mutex);
    pthread_mutex_unlock(&process_mutex.mutex);
}

static void fork_in_child(void)
{
    fork_parent();
    fork_child();
}

void ws2_os_watch_fork(void (*child)(void))
{
    if (fork_child == NULL) {
        fork_child = child;
        (void)pthread_atfork(fork_prepare, fork_parent, fork_in_child);
    }
}

bool ws2_os_own_directory(char *out, size_t bytes)
{
    Dl_info info;
    const char *slash;
    size_t length;
    if (dladdr(&process_mutex, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    slash = strrchr(info.dli_fname, '/');
    length = slash == NULL ? 0 : (size_t)(slash - info.dli_fname);
    if (length == 0 || length >= bytes) {
        return false;
    }
    memcpy(out, info.dli_fname, length);
    out[length] = '\0';
    return true;
}

/* A word is looked at as a futex is: with a wait that does not wait. Every sandbox lets a process do that. */
static bool os_word_readable(uintptr_t at)
{
    static const struct timespec at_once = {0, 0};
    int before = errno;
    bool readable = syscall(SYS_futex, at & ~(uintptr_t)3, FUTEX_WAIT_PRIVATE, 0, &at_once, NULL, 0) == 0 ||
                    errno != EFAULT;
    errno = before;
    return readable;
}

bool ws2_os_memory_readable(const void *at, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t look = (uintptr_t)at;
    uintptr_t last = look + bytes - 1;
    if (bytes == 0) {
        return true;
    }
    if (last < look) {
        return false;
    }
    for (; look < last && look >= (uintptr_t)at; look = (look | (page - 1)) + 1) {
        if (!os_word_readable(look)) {
            return false;
        }
    }
    return os_word_readable(last);
}

bool ws2_os_file_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

bool ws2_os_environment(const char *name, char *out, size_t bytes)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0' || strlen(value) >= bytes) {
        return false;
    }
    memcpy(out, value, strlen(value) + 1);
    return true;
}

FILE *ws2_os_file_open(const char *path, const char *mode)
{
    return fopen(path, mode);
}

bool ws2_os_file_replace(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

uint64_t ws2_os_file_stamp(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return 0;
    }
    return (uint64_t)about.st_ino * 1000003u + (uint64_t)about.st_mtim.tv_sec * 1000000000u +
           (uint64_t)about.st_mtim.tv_nsec + (uint64_t)about.st_size;
}

bool ws2_os_file_remove(const char *path)
{
    return unlink(path) == 0;
}

void *ws2_os_file_lock(const char *path)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    int *lock = (int *)malloc(sizeof *lock);
    unsigned tries = 100;
    if (lock == NULL) {
        return NULL;
    }
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    while (*lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        if (--tries == 0 || (errno != EWOULDBLOCK && errno != EINTR)) {
            close(*lock);
            *lock = -1;
            break;
        }
        nanosleep(&pause, NULL);
    }
    if (*lock < 0) {
        free(lock);
        return NULL;
    }
    return lock;
}

void ws2_os_file_unlock(void *lock)
{
    close(*(int *)lock);
    free(lock);
}

const char ws2_os_separators[] = "/";
const char ws2_os_provider_name[] = "libwinlane.so";

bool ws2_os_path_absolute(const char *path)
{
    return path[0] == '/' || path[0] == '%';
}

/*
 * A provider looks WPUCompleteOverlappedRequest up by name in the DLL that loaded it (rule WPU-21). A program may have
 * loaded us privately, so our names are made global first; none of them is libc's.
 */
static void make_own_names_global(void)
{
    Dl_info info;
    if (dladdr(&process_mutex, &info) != 0 && info.dli_fname != NULL) {
        (void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_GLOBAL);
    }
}

/* The value of the variable between two percent signs; *end is behind the second. NULL if there is none. */
static const char *variable_at(const char *percent, const char **end)
{
    char name[64];
    const char *second = strchr(percent + 1, '%');
    size_t length = second == NULL ? 0 : (size_t)(second - percent - 1);
    if (length == 0 || length >= sizeof name) {
        return NULL;
    }
    memcpy(name, percent + 1, length);
    name[length] = '\0';
    *end = second + 1;
    return getenv(name);
}

/* false if it does not fit, or nothing is left. */
static bool path_expand(const char *in, char *out, size_t bytes)
{
    size_t used = 0;
    while (*in != '\0') {
        const char *end = in + 1;
        const char *value = *in == '%' ? variable_at(in, &end) : NULL;
        size_t length = value == NULL ? 1 : strlen(value);
        if (used + length >= bytes) {
            return false;
        }
        memcpy(out + used, value == NULL ? in : value, length);
        used += length;
        in = value == NULL ? in + 1 : end;
    }
    out[used] = '\0';
    return used > 0;
}

void *ws2_os_module_open(const char *path)
{
    char expanded[1024];
    void *module;
    if (!path_expand(path, expanded, sizeof expanded)) {
        fprintf(stderr, "ws2_32: provider %s: path too long\n", path);
        return NULL;
    }
    make_own_names_global();
    module = dlopen(expanded, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) {
        const char *why = dlerror();
        fprintf(stderr, "ws2_32: provider %s: %s\n", path, why == NULL ? "cannot be loaded" : why);
    }
    return module;
}

void (*ws2_os_module_function(void *module, const char *name))(void)
{
    /* ISO C has no conversion from an object pointer to a function pointer; POSIX guarantees the representation. */
    union {
        void *object;
        void (*function)(void);
    } both;
    both.object = dlsym(module, name);
    return both.function;
}

bool ws2_os_host_name(char *out, size_t bytes)
{
    char name[256];
    size_t length;
    if (gethostname(name, sizeof name) != 0) {
        return false;
    }
    name[sizeof name - 1] = '\0';
    length = strlen(name);
    if (length >= bytes) {
        return false;
    }
    memcpy(out, name, length + 1);
    return true;
}

static void copy_text(char *out, size_t bytes, const char *in)
{
    snprintf(out, bytes, "%s", in);
}

bool ws2_os_hosts_path(char *out, size_t bytes)
{
    copy_text(out, bytes, "/etc/hosts");
    return true;
}

static bool service_give(const struct servent *found, struct ws2_service *out)
{
    char **alias;
    memset(out, 0, sizeof *out);
    copy_text(out->name, sizeof out->name, found->s_name);
    copy_text(out->proto, sizeof out->proto, found->s_proto);
    out->port_be = (uint16_t)found->s_port;
    for (alias = found->s_aliases; alias != NULL && *alias != NULL && out->aliases < WS2_SERVICE_ALIASES; alias++) {
        copy_text(out->alias[out->aliases++], sizeof out->alias[0], *alias);
    }
    return true;
}

bool ws2_os_service_by_name(const char *name, const char *proto, struct ws2_service *out)
{
    char scratch[1024];
    struct servent entry;
    struct servent *found = NULL;
    return getservbyname_r(name, proto, &entry, scratch, sizeof scratch, &found) == 0 && found != NULL &&
           service_give(found, out);
}

bool ws2_os_service_by_port(uint16_t port_be, const char *proto, struct ws2_service *out)
{
    char scratch[1024];
    struct servent entry;
    struct servent *found = NULL;
    return getservbyport_r(port_be, proto, &entry, scratch, sizeof scratch, &found) == 0 && found != NULL &&
           service_give(found, out);
}
