/*
 * What plain Winsock programs use beside sockets: wide formats, short texts, memory by its old names, slots of threads, console
 * events. Linux only: Windows has its own.
 */
#include "t_api.h"

#include <conio.h>
#include <process.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strsafe.h>
#include <tchar.h>
#include <unistd.h>

struct format_row {
    const WCHAR *want;
    int (*format)(WCHAR *out, size_t chars);
};

static int of_words(WCHAR *out, size_t chars)
{
    return swprintf(out, chars, L"%s %ls %ws %hs %S", L"a", L"b", L"c", "d", "e");
}

static int of_numbers(WCHAR *out, size_t chars)
{
    return swprintf(out, chars, L"%d %ld %u %lu %I64d %llx %hd %zu", -5, -6, 4000000000u, (DWORD)7, (LONGLONG)-8,
                    (ULONGLONG)0xabcdef012345u, 65535, (size_t)9);
}

static int of_widths(WCHAR *out, size_t chars)
{
    return swprintf(out, chars, L"[%5d][%-5d][%05d][%.3d][%*d][%.2s][%4s][%-4hs]", 1, 2, 3, 4, 3, 5, L"abc", L"x", "y");
}

static int of_others(WCHAR *out, size_t chars)
{
    return swprintf(out, chars, L"%c%%%.1f %x %#o %s", 'k', 1.25, 255, 8, (const WCHAR *)NULL);
}

static int of_utf8(WCHAR *out, size_t chars)
{
    return swprintf(out, chars, L"%hs", "\xc3\xa4\xf0\x9f\x98\x80");
}

static int of_pointer(WCHAR *out, size_t chars)
{
    return swprintf(out, chars, L"%p", (void *)(uintptr_t)0xabc);
}

static void wide__formats_of_each_kind__as_microsoft_writes_them(void **state)
{
    static const struct format_row rows[] = {
        {L"a b c d e", of_words},
        {L"-5 -6 4000000000 7 -8 abcdef012345 -1 9", of_numbers},
        {L"[    1][2    ][00003][004][  5][ab][   x][y   ]", of_widths},
        {L"k%1.2 ff 010 (null)", of_others},
        {L"\x00e4\xd83d\xde00", of_utf8},
        {L"0000000000000ABC", of_pointer},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        WCHAR out[80];
        WCHAR small[4];
        int count = rows[i].format(out, 80);
        if (count != (int)wcslen(rows[i].want) || wcscmp(out, rows[i].want) != 0) {
            fwprintf(stderr, L"row %d: '%s'\n", (int)i, out);
            fail();
        }
        /* What does not fit is no text at all. */
        small[0] = 'x';
        assert_int_equal(rows[i].format(small, 3), -1);
        assert_int_equal(small[0], 0);
    }
}

static void wide__wrong_formats__refused(void **state)
{
    WCHAR out[8] = L"x";
    (void)state;
    assert_int_equal(swprintf(out, 8, L"%y", 1), -1);
    assert_int_equal(out[0], 0);
    assert_int_equal(swprintf(out, 8, L"%"), -1);
    assert_int_equal(swprintf(out, 8, L"%9999d", 1), -1);
    assert_int_equal(swprintf(NULL, 8, L"x"), -1);
}

/* The text between two ends of a stream is UTF-8. */
static void wide__printed__utf8_on_the_stream(void **state)
{
    FILE *file = tmpfile();
    char line[40];
    (void)state;
    assert_non_null(file);
    assert_int_equal(fwprintf(file, L"\x20ac %s %d\n", L"\x00e4", 7), 6);
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "\xe2\x82\xac \xc3\xa4 7\n");
    fclose(file);
}

static void wide__texts__copied_compared_and_counted(void **state)
{
    WCHAR out[8];
    (void)state;
    assert_int_equal(wcscpy_s(out, 8, L"abc"), 0);
    assert_int_equal(wcscat_s(out, 8, L"defg"), 0);
    assert_int_equal(wcscmp(out, L"abcdefg"), 0);
    assert_int_equal(wcscat_s(out, 8, L"h"), ERANGE);
    assert_int_equal(out[0], 0);
    assert_int_equal(wcscpy_s(out, 3, L"abc"), ERANGE);
    assert_int_equal(_wcsicmp(L"WinSock", L"winSOCK"), 0);
    assert_true(_wcsicmp(L"a", L"B") < 0 && wcscmp(L"a", L"B") > 0);
    assert_int_equal(wcsncmp(L"abc", L"abd", 2), 0);
    assert_int_equal(_wtoi(L" -42x"), -42);
    assert_int_equal(_wtoi(L"2147483647"), INT32_MAX);
    assert_int_equal(_wtoi(L"-99999999999999999999"), INT32_MIN);
}

static void narrow__texts_that_do_not_fit__cut_or_refused_as_asked(void **state)
{
    char out[6];
    size_t chars = 0;
    (void)state;
    assert_int_equal(strcpy_s(out, sizeof out, "abc"), 0);
    assert_int_equal(strcat_s(out, sizeof out, "de"), 0);
    assert_string_equal(out, "abcde");
    assert_int_equal(strcat_s(out, sizeof out, "f"), ERANGE);
    assert_string_equal(out, "");
    assert_int_equal(strncpy_s(out, sizeof out, "abcdef", 3), 0);
    assert_string_equal(out, "abc");
    assert_int_equal(strncpy_s(out, sizeof out, "abcdef", 6), ERANGE);
    assert_string_equal(out, "");
    assert_int_equal(strncpy_s(out, sizeof out, "abcdef", _TRUNCATE), STRUNCATE);
    assert_string_equal(out, "abcde");
    assert_int_equal(StringCchPrintf(out, sizeof out, "%d", 12345), S_OK);
    assert_int_equal(StringCchPrintf(out, sizeof out, "%d", 123456), STRSAFE_E_INSUFFICIENT_BUFFER);
    assert_string_equal(out, "12345");
    assert_int_equal(StringCbCopy(out, sizeof out, "ab"), S_OK);
    assert_int_equal(StringCbCat(out, sizeof out, "cdefg"), STRSAFE_E_INSUFFICIENT_BUFFER);
    assert_string_equal(out, "abcde");
    assert_int_equal(StringCchLength(out, sizeof out, &chars), S_OK);
    assert_int_equal(chars, 5);
    assert_int_equal(wsprintf(out, "%s", _T("x")), 1);
    assert_int_equal(lstrcmpi("ABC", "abc"), 0);
    assert_int_equal(lstrlen(NULL), 0);
    assert_string_equal(lstrcpyn(out, "abcdef", 4), "abc");
}

static void memory__by_its_old_names__zeroed_where_asked(void **state)
{
    unsigned char *block = (unsigned char *)GlobalAlloc(GPTR, 64);
    size_t i;
    (void)state;
    assert_non_null(block);
    for (i = 0; i < 64; i++) {
        assert_int_equal(block[i], 0);
    }
    assert_null(GlobalFree(block));
    SetLastError(0);
    assert_null(GlobalAlloc(2, 64)); /* movable */
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    block = (unsigned char *)LocalAlloc(LPTR, 1);
    assert_int_equal(*block, 0);
    assert_null(LocalFree(block));
    block = (unsigned char *)HeapAlloc(GetProcessHeap(), 0, 4);
    memcpy(block, "abc", 4);
    block = (unsigned char *)HeapReAlloc(GetProcessHeap(), 0, block, 4000);
    assert_string_equal((char *)block, "abc");
    assert_true(HeapFree(GetProcessHeap(), 0, block));
}

static DWORD slot;

static DWORD WINAPI slot_main(LPVOID unused)
{
    (void)unused;
    return TlsGetValue(slot) == NULL && TlsSetValue(slot, &slot) ? 7 : 8;
}

static void slots__of_two_threads__each_its_own(void **state)
{
    HANDLE thread;
    DWORD code = 0;
    (void)state;
    slot = TlsAlloc();
    assert_int_not_equal(slot, TLS_OUT_OF_INDEXES);
    assert_null(TlsGetValue(slot));
    assert_true(TlsSetValue(slot, &code));
    thread = CreateThread(NULL, 0, slot_main, NULL, 0, NULL);
    assert_int_equal(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 7);
    assert_ptr_equal(TlsGetValue(slot), &code);
    CloseHandle(thread);
    assert_true(TlsFree(slot));
    assert_false(TlsSetValue(slot, &code));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
}

static void clock__of_the_day__two_ways_agree(void **state)
{
    SYSTEMTIME parts;
    FILETIME ticks;
    ULONGLONG days;
    (void)state;
    GetSystemTimeAsFileTime(&ticks);
    GetSystemTime(&parts);
    days = ((ULONGLONG)ticks.dwHighDateTime << 32 | ticks.dwLowDateTime) / 864000000000u;
    /* Day 0 was a Monday; midnight may lie between the two calls. */
    assert_true(parts.wDayOfWeek == (days + 1) % 7 || parts.wDayOfWeek == (days + 2) % 7);
    assert_true(parts.wYear >= 2020 && parts.wMonth >= 1 && parts.wMonth <= 12 && parts.wMilliseconds < 1000);
}

static LONG volatile awaited;
static HANDLE awaiting;

static DWORD WINAPI awaited_main(LPVOID unused)
{
    LONG before = 0;
    (void)unused;
    SetEvent(awaiting);
    while (awaited == before) {
        if (!WaitOnAddress(&awaited, &before, sizeof awaited, 10000)) {
            return GetLastError();
        }
    }
    return 0;
}

static void address__value_changes__sleeper_is_woken(void **state)
{
    LONG same = 0;
    LONG other = 1;
    HANDLE thread;
    DWORD code = 99;
    (void)state;
    awaited = 0;
    assert_true(WaitOnAddress(&awaited, &other, sizeof awaited, INFINITE));
    assert_false(WaitOnAddress(&awaited, &same, sizeof awaited, 1));
    assert_int_equal(GetLastError(), ERROR_TIMEOUT);
    assert_false(WaitOnAddress(&awaited, &same, 3, 1));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    awaiting = CreateEvent(NULL, FALSE, FALSE, NULL);
    thread = CreateThread(NULL, 0, awaited_main, NULL, 0, NULL);
    assert_int_equal(WaitForSingleObject(awaiting, 5000), WAIT_OBJECT_0);
    InterlockedIncrement(&awaited);
    WakeByAddressSingle((PVOID)(uintptr_t)&awaited);
    assert_int_equal(WaitForSingleObject(thread, 20000), WAIT_OBJECT_0);
    assert_true(GetExitCodeThread(thread, &code));
    assert_int_equal(code, 0);
    CloseHandle(thread);
    CloseHandle(awaiting);
}

static DWORD WINAPI mutex_main(LPVOID mutex)
{
    return WaitForSingleObject(mutex, 0);
}

/* All or none: what was taken for nothing is as it was. An event that is there twice is there only once. */
static void mutex__abandoned_and_taken_in_vain__still_abandoned(void **state)
{
    HANDLE objects[3];
    HANDLE thread;
    (void)state;
    objects[0] = CreateMutex(NULL, FALSE, NULL);
    objects[1] = objects[2] = CreateEvent(NULL, FALSE, TRUE, NULL);
    thread = CreateThread(NULL, 0, mutex_main, objects[0], 0, NULL);
    assert_int_equal(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    assert_int_equal(WaitForMultipleObjects(3, objects, TRUE, 0), WAIT_TIMEOUT);
    assert_int_equal(WaitForMultipleObjects(2, objects, TRUE, 0), WAIT_ABANDONED_0);
    assert_true(ReleaseMutex(objects[0]));
    assert_int_equal(WaitForSingleObject(objects[0], 0), WAIT_OBJECT_0);
    assert_true(ReleaseMutex(objects[0]));
    CloseHandle(thread);
    CloseHandle(objects[1]);
    CloseHandle(objects[0]);
}

static HANDLE told[2];
static DWORD told_event[2];

static BOOL WINAPI first_handler(DWORD event)
{
    told_event[0] = event;
    SetEvent(told[0]);
    return TRUE;
}

static BOOL WINAPI second_handler(DWORD event)
{
    told_event[1] = event;
    SetEvent(told[1]);
    return FALSE;
}

static void console__interrupted__newest_handler_first_then_the_next(void **state)
{
    (void)state;
    told[0] = CreateEvent(NULL, FALSE, FALSE, NULL);
    told[1] = CreateEvent(NULL, FALSE, FALSE, NULL);
    assert_true(SetConsoleCtrlHandler(first_handler, TRUE));
    assert_true(SetConsoleCtrlHandler(second_handler, TRUE));
    kill(getpid(), SIGINT);
    assert_int_equal(WaitForSingleObject(told[1], 5000), WAIT_OBJECT_0);
    assert_int_equal(WaitForSingleObject(told[0], 5000), WAIT_OBJECT_0);
    assert_int_equal(told_event[0], CTRL_C_EVENT);
    assert_int_equal(told_event[1], CTRL_C_EVENT);
    assert_true(SetConsoleCtrlHandler(second_handler, FALSE));
    assert_false(SetConsoleCtrlHandler(second_handler, FALSE));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    kill(getpid(), SIGQUIT);
    assert_int_equal(WaitForSingleObject(told[0], 5000), WAIT_OBJECT_0);
    assert_int_equal(told_event[0], CTRL_BREAK_EVENT);
    assert_int_equal(WaitForSingleObject(told[1], 0), WAIT_TIMEOUT);
    CloseHandle(told[0]);
    CloseHandle(told[1]);
}

static void keys__at_a_pipe__seen_and_taken(void **state)
{
    int ends[2];
    int before = dup(STDIN_FILENO);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    assert_int_equal(_kbhit(), 0);
    assert_int_equal(write(ends[1], "k", 1), 1);
    assert_int_not_equal(_kbhit(), 0);
    assert_int_equal(_getch(), 'k');
    assert_int_equal(_kbhit(), 0);
    close(ends[1]);
    assert_int_equal(_getch(), -1);
    dup2(before, STDIN_FILENO);
    close(before);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide__formats_of_each_kind__as_microsoft_writes_them),
        cmocka_unit_test(wide__wrong_formats__refused),
        cmocka_unit_test(wide__printed__utf8_on_the_stream),
        cmocka_unit_test(wide__texts__copied_compared_and_counted),
        cmocka_unit_test(narrow__texts_that_do_not_fit__cut_or_refused_as_asked),
        cmocka_unit_test(memory__by_its_old_names__zeroed_where_asked),
        cmocka_unit_test(slots__of_two_threads__each_its_own),
        cmocka_unit_test(clock__of_the_day__two_ways_agree),
        cmocka_unit_test(address__value_changes__sleeper_is_woken),
        cmocka_unit_test(mutex__abandoned_and_taken_in_vain__still_abandoned),
        cmocka_unit_test(console__interrupted__newest_handler_first_then_the_next),
        cmocka_unit_test(keys__at_a_pipe__seen_and_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
