#include "t_os.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

const char t_null_file_key[] = "tx_file=/dev/null";

bool t_folder_make(char *path, size_t size)
{
    snprintf(path, size, "/tmp/t_driver_XXXXXX");
    if (mkdtemp(path) != NULL)
        return true;
    perror(path);
    return false;
}

int t_folder_remove(const char *path)
{
    char command[300];

    snprintf(command, sizeof(command), "rm -r '%s'", path);
    return system(command);
}

int t_file_cut(const char *path, uint32_t bytes)
{
    return truncate(path, (off_t)bytes);
}

void t_sleep_us(uint32_t us)
{
    usleep(us);
}

bool t_handle_ready(intptr_t handle, uint32_t ms)
{
    struct pollfd fd = {.fd = (int)handle, .events = POLLIN};

    return poll(&fd, 1, (int)ms) == 1;
}

bool t_file_inherited(FILE *file)
{
    return (fcntl(fileno(file), F_GETFD) & FD_CLOEXEC) == 0;
}

bool t_is_root(void)
{
    return geteuid() == 0;
}
