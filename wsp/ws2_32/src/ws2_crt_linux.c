/*
 * process.h, Linux: threads as Microsoft's C library starts them.
 */
#include <errno.h>
#include <stdlib.h>

#include <process.h>

/** As CreateThread. @return The handle, or 0 with errno EINVAL or EAGAIN. */
uintptr_t WINAPI _beginthreadex(void *attributes, unsigned stack_bytes, unsigned (*start)(void *), void *context,
                                unsigned flags, unsigned *thread_id)
{
    DWORD id = 0;
    HANDLE thread = CreateThread((LPSECURITY_ATTRIBUTES)attributes, stack_bytes, (LPTHREAD_START_ROUTINE)start, context,
                                 flags, &id);
    if (thread == NULL) {
        errno = GetLastError() == ERROR_NOT_ENOUGH_MEMORY ? EAGAIN : EINVAL;
        return 0;
    }
    if (thread_id != NULL) {
        *thread_id = id;
    }
    return (uintptr_t)thread;
}

/** As ExitThread. */
void WINAPI _endthreadex(unsigned code)
{
    ExitThread(code);
}

struct plain_start {
    void (*start)(void *);
    void *context;
};

static DWORD plain_main(LPVOID argument)
{
    struct plain_start call = *(struct plain_start *)argument;
    free(argument);
    call.start(call.context);
    return 0;
}

/** A thread whose handle closes itself: what is returned only says that it was started. @return -1 with errno. */
uintptr_t WINAPI _beginthread(void (*start)(void *), unsigned stack_bytes, void *context)
{
    struct plain_start *call = (struct plain_start *)malloc(sizeof *call);
    HANDLE thread;
    if (call == NULL || start == NULL) {
        free(call);
        errno = start == NULL ? EINVAL : ENOMEM;
        return (uintptr_t)-1;
    }
    call->start = start;
    call->context = context;
    thread = CreateThread(NULL, stack_bytes, plain_main, call, 0, NULL);
    if (thread == NULL) {
        free(call);
        errno = EAGAIN;
        return (uintptr_t)-1;
    }
    CloseHandle(thread);
    return (uintptr_t)thread;
}

/** End of the calling thread. */
void WINAPI _endthread(void)
{
    ExitThread(0);
}
