/*
 * A program that imports by number, as those of Microsoft's compiler do: linked with ordinals.def, whose entries have no
 * names. Rules 5.6, WS2-70.
 */
#include "t_api.h"

#include <string.h>

/* What the loader is asked for by name in this program, from its own import table: nothing of ws2_32. */
static unsigned imports_by_name(void)
{
    const uint8_t *base = (const uint8_t *)GetModuleHandleA(NULL);
    const IMAGE_DOS_HEADER *dos = (const IMAGE_DOS_HEADER *)(const void *)base;
    const IMAGE_NT_HEADERS *nt = (const IMAGE_NT_HEADERS *)(const void *)(base + dos->e_lfanew);
    const IMAGE_IMPORT_DESCRIPTOR *dll =
        (const IMAGE_IMPORT_DESCRIPTOR
             *)(const void *)(base + nt->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);
    unsigned named = 1000;
    for (; dll->Name != 0; dll++) {
        if (_stricmp((const char *)base + dll->Name, "ws2_32.dll") == 0) {
            const IMAGE_THUNK_DATA *thunk = (const IMAGE_THUNK_DATA *)(const void *)(base + dll->OriginalFirstThunk);
            for (named = 0; thunk->u1.Ordinal != 0; thunk++) {
                named += !IMAGE_SNAP_BY_ORDINAL(thunk->u1.Ordinal);
            }
        }
    }
    return named;
}

static void imports__of_this_program__numbers_only(void **state)
{
    (void)state;
    assert_int_equal(imports_by_name(), 0);
}

static void functions__by_number__are_the_right_ones(void **state)
{
    WSADATA data;
    SOCKET s, there;
    SOCKADDR_IN sin = t_api_loopback(0);
    int len = sizeof sin;
    u_long one = 1;
    char byte = 'o';
    struct protoent *udp;
    fd_set set;
    (void)state;
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_int_equal(htons(0x1234), 0x3412);
    assert_int_equal(ntohl(0x01000000), 1);
    assert_int_equal(inet_addr("1.2.3.4"), 0x04030201);
    assert_string_equal(inet_ntoa(sin.sin_addr), "127.0.0.1");
    s = socket(AF_INET, SOCK_DGRAM, 0);
    there = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(s != INVALID_SOCKET && there != INVALID_SOCKET);
    assert_int_equal(bind(there, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(getsockname(there, (struct sockaddr *)&sin, &len), 0);
    assert_int_equal(connect(s, (struct sockaddr *)&sin, sizeof sin), 0);
    assert_int_equal(send(s, &byte, 1, 0), 1);
    byte = 0;
    assert_int_equal(recv(there, &byte, 1, 0), 1);
    assert_int_equal(byte, 'o');
    assert_int_equal(ioctlsocket(there, (LONG)FIONBIO, &one), 0);
    assert_int_equal(recv(there, &byte, 1, 0), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
    FD_ZERO(&set);
    FD_SET(s, &set);
    assert_true(FD_ISSET(s, &set)); /* 151 */
    udp = getprotobyname("udp");
    assert_non_null(udp);
    assert_int_equal(udp->p_proto, 17);
    assert_int_equal(closesocket(s), 0);
    assert_int_equal(closesocket(there), 0);
    assert_int_equal(closesocket(there), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSAENOTSOCK);
    assert_int_equal(WSACleanup(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imports__of_this_program__numbers_only),
        cmocka_unit_test(functions__by_number__are_the_right_ones),
    };
    return cmocka_run_group_tests(tests, t_api_use_fake, NULL);
}
