/*
 * Exports whose arguments are documented nowhere: each fails with WSAEOPNOTSUPP and looks at none of them.
 */
#include "ws2_unlisted_windows.h"

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WPUGetProviderPathEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSApSetPostRoutine(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCDeinstallProviderEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCEnumProtocolsEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCGetApplicationCategoryEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCInstallNameSpaceEx2(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. The documented one of this name exists in 32-bit Windows only. */
int WSAAPI WSCInstallProviderAndChains(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCInstallProviderEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCSetApplicationCategoryEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCUnInstallNameSpaceEx2(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCUpdateProviderEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}

/** Fails with WSAEOPNOTSUPP. */
int WSAAPI WSCWriteProviderOrderEx(void)
{
    return ws2_fail(WSAEOPNOTSUPP);
}
