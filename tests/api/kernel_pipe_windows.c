/*
 * Other files than sockets: what stands before CancelIoEx passes them on.
 */
#include "kernel.h"

static void cancel__pipe__still_works(struct t_run *t)
{
    OVERLAPPED overlapped = {0};
    DWORD bytes;
    HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\winlane-t-cancel", PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, 0, 1, 0,
                                   0, 0, NULL);
    T_TRUE(pipe != INVALID_HANDLE_VALUE);
    t->objects[t->object_count++] = pipe;
    overlapped.hEvent = t_event(t);
    T_FALSE(CancelIoEx(pipe, &overlapped), ERROR_NOT_FOUND);
    T_FALSE(ConnectNamedPipe(pipe, &overlapped), ERROR_IO_PENDING);
    T_TRUE(CancelIoEx(pipe, &overlapped));
    T_FALSE(GetOverlappedResult(pipe, &overlapped, &bytes, TRUE), ERROR_OPERATION_ABORTED);
}

static const struct t_cases cases[] = {
    T_CASE(cancel__pipe__still_works),
};

const struct t_group t_group_kernel_pipe = {"kernel_pipe", cases, T_COUNT(cases), false};
