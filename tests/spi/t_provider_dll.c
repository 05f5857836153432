/** @file The provider as it is installed: winlane.dll in ../lib, its engine winlane-stack.dll beside it. */
#include "t_host.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

static LPWSPSTARTUP provider_find(void)
{
    static LPWSPSTARTUP found;
    char path[MAX_PATH], *name;
    HMODULE module;

    if (found)
        return found;
    assert_true(GetModuleFileNameA(NULL, path, sizeof path) != 0);
    name = strrchr(path, '\\');
    assert_non_null(name);
    assert_true((size_t)(name - path) + sizeof "\\..\\lib\\winlane.dll" <= sizeof path);
    memcpy(name, "\\..\\lib\\winlane.dll", sizeof "\\..\\lib\\winlane.dll");
    module = LoadLibraryA(path);
    if (!module)
        fail_msg("%s does not load: error %lu", path, GetLastError());
    found = (LPWSPSTARTUP)(void (*)(void))GetProcAddress(module, "WSPStartup");
    assert_non_null(found);
    return found;
}

int t_provider_start(WORD version, LPWSPDATA data, LPWSAPROTOCOL_INFOW info, WSPUPCALLTABLE upcalls,
                     LPWSPPROC_TABLE table)
{
    return provider_find()(version, data, info, upcalls, table);
}

void t_requests_are(unsigned count)
{
    (void)count;
}

void t_sockets_are(unsigned count)
{
    (void)count;
}
