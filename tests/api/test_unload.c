/*
 * A program that loads the Winsock DLL at run time and frees it, while its threads still end: each of them has data of the
 * DLL's, whose release must not be a jump into memory that is gone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <winsock2.h>

#include <stdio.h>
#include <string.h>

#define ROUNDS 8

struct visit {
    HMODULE dll;
    char text[16];
};

static DWORD WINAPI use_and_free(LPVOID argument)
{
    struct visit *visit = (struct visit *)argument;
    union {
        FARPROC found;
        char *(WINAPI *ntoa)(struct in_addr);
    } both;
    struct in_addr in;
    in.s_addr = 0x04030201;
    both.found = GetProcAddress(visit->dll, "inet_ntoa");
    if (both.found == NULL) {
        return 1;
    }
    snprintf(visit->text, sizeof visit->text, "%s", both.ntoa(in));
    return FreeLibrary(visit->dll) ? 0 : 2;
}

static void library__freed_before_the_thread_ends__thread_ends_in_peace(void **state)
{
    unsigned i;
    (void)state;
    assert_null(GetModuleHandleA("ws2_32.dll"));
    for (i = 0; i < ROUNDS; i++) {
        struct visit visit = {LoadLibraryA("ws2_32.dll"), ""};
        DWORD code = 99;
        HANDLE thread;
        assert_non_null(visit.dll);
        thread = CreateThread(NULL, 0, use_and_free, &visit, 0, NULL);
        assert_non_null(thread);
        assert_int_equal(WaitForSingleObject(thread, 10000), WAIT_OBJECT_0);
        assert_true(GetExitCodeThread(thread, &code));
        assert_int_equal(code, 0);
        assert_string_equal(visit.text, "1.2.3.4");
        CloseHandle(thread);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library__freed_before_the_thread_ends__thread_ends_in_peace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
