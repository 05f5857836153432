/** @file Files to send, Linux: the host plays the DLL whose handles they are. */
#include "t_data_file.h"

#include "wsp_private_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HANDLE_BASE 0x7000000u

/** The provider finds it by its name. */
__attribute__((visibility("default"))) uint32_t wl_file_descriptor(uint64_t handle, int32_t *fd);

static void must(int holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "t_data_file: %s\n", what);
    abort();
}

static int descriptor(HANDLE file)
{
    return (int)(((uintptr_t)file >> 2) - HANDLE_BASE);
}

uint32_t wl_file_descriptor(uint64_t handle, int32_t *fd)
{
    int own = descriptor((HANDLE)(uintptr_t)handle);
    int flags = handle >> 2 < HANDLE_BASE ? -1 : fcntl(own, F_GETFL);

    if (flags < 0)
        return 6; /* ERROR_INVALID_HANDLE */
    if ((flags & O_ACCMODE) == O_WRONLY)
        return 5; /* ERROR_ACCESS_DENIED */
    *fd = fcntl(own, F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? 4 : 0;
}

HANDLE t_data_open(enum t_data_kind kind, const void *bytes, size_t count, uint64_t at)
{
    char path[] = "/tmp/wsp-data-XXXXXX";
    int fd = mkstemp(path), own;

    must(fd >= 0 && pwrite(fd, bytes, count, (off_t)at) == (ssize_t)count, "no file");
    own = open(path, kind == T_DATA_WRITE_ONLY ? O_WRONLY | O_CLOEXEC : O_RDWR | O_CLOEXEC);
    must(own >= 0, "not opened");
    (void)unlink(path);
    (void)close(fd);
    return (HANDLE)(((uintptr_t)own + HANDLE_BASE) << 2);
}

void t_data_close(HANDLE file)
{
    must(close(descriptor(file)) == 0, "not closed");
}

uint64_t t_data_position(HANDLE file)
{
    return (uint64_t)lseek(descriptor(file), 0, SEEK_CUR);
}

void t_data_seek(HANDLE file, uint64_t at)
{
    must(lseek(descriptor(file), (off_t)at, SEEK_SET) == (off_t)at, "no seek");
}

bool t_data_cut(HANDLE file, uint64_t bytes)
{
    must(ftruncate(descriptor(file), (off_t)bytes) == 0, "not cut");
    return true;
}
