#include "log_priv.h"

#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>

FILE *stk_log_file_open(const char *path)
{
    const int fd = _open(path, _O_WRONLY | _O_CREAT | _O_APPEND | _O_NOINHERIT | _O_TEXT, _S_IREAD | _S_IWRITE);
    if (fd < 0) {
        return NULL;
    }
    FILE *file = _fdopen(fd, "a");
    if (file == NULL) {
        (void)_close(fd);
    }
    return file;
}
