#include "config_priv.h"

#include "stack/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until the end of the file or until size bytes are there. */
static ssize_t fd_read_all(int fd, char *buf, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(fd, buf + used, size - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    return (ssize_t)used;
}

/* One byte more than allowed is asked for, so that a file that grows is noticed. */
static int fd_load(int fd, char **out, size_t *size, const char **why)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        *why = "not a regular file";
        return STK_EIO;
    }
    if (info.st_size > (off_t)STK_CONF_FILE_MAX) {
        *why = "larger than 1 MiB";
        return STK_EIO;
    }
    char *buf = malloc((size_t)STK_CONF_FILE_MAX + 2);
    if (buf == NULL) {
        *why = "out of memory";
        return STK_ENOMEM;
    }
    ssize_t got = fd_read_all(fd, buf, (size_t)STK_CONF_FILE_MAX + 1);
    if (got < 0 || got > (ssize_t)STK_CONF_FILE_MAX) {
        *why = got < 0 ? "cannot be read" : "larger than 1 MiB";
        free(buf);
        return STK_EIO;
    }
    buf[got] = '\0';
    *out = buf;
    *size = (size_t)got;
    return STK_OK;
}

int stk_conf_file_read(const char *path, char **out, size_t *size, const char **why)
{
    /* Not blocking: a pipe by that name must not hang the program. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        *why = missing ? "no such file" : errno == EACCES ? "permission denied" : "cannot be opened";
        return missing ? STK_ENOENT : STK_EIO;
    }
    int result = fd_load(fd, out, size, why);
    (void)close(fd);
    return result;
}

bool stk_conf_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool stk_conf_file_default(uint32_t number, char *path, size_t size)
{
    static const char *const paths[] = {"./winlane.ini", "/etc/winlane/winlane.ini"};
    if (number >= sizeof(paths) / sizeof(paths[0])) {
        return false;
    }
    (void)snprintf(path, size, "%s", paths[number]);
    return true;
}
