/*
 * Files behind handles, Linux. Private to ws2_file_linux.c, ws2_path_linux.c, ws2_object_linux.c and the completion ports.
 *
 * A file's position is the descriptor's: copies of a handle share it. An operation is over when its call returns, also one
 * with an OVERLAPPED structure; event, file and port are told of it as of any other.
 */
#ifndef WS2_FILE_PRIV_H
#define WS2_FILE_PRIV_H

#include "ws2_wait_priv.h"

#define WS2_FILE_PATH_BYTES 1024

struct ws2_port_link;

struct ws2_file {
    int fd;
    DWORD access; /* GENERIC_READ, GENERIC_WRITE */
    bool disk;    /* a file proper: a read goes to its end */
    bool overlapped;
    bool delete_on_close;
    atomic_uint refs; /* handles */
    atomic_uint io;   /* WS2_IO_* of ws2_iocp_priv.h */
    struct ws2_port_link *link;
    struct ws2_event done; /* signalled by the end of an operation; what waits for the file waits for it */
    char path[];           /* for delete_on_close; else empty */
};

void ws2_file_release(struct ws2_file *file);

DWORD ws2_file_error(int error);
bool ws2_file_path(char *out, size_t bytes, const char *path);
bool ws2_file_path_wide(char *out, size_t bytes, const WCHAR *path);
bool ws2_file_fail(DWORD code);
uint32_t wl_file_descriptor(uint64_t handle, int32_t *fd);

/* ReadFile and WriteFile of a socket (ws2_file_socket_linux.c). */
BOOL ws2_socket_transfer(bool write, SOCKET s, WSABUF *buffer, LPDWORD moved, LPOVERLAPPED overlapped);

/* CloseHandle of a socket (ws2_file_socket_linux.c). */
bool ws2_socket_close_handle(SOCKET s);

#endif
