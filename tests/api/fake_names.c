/*
 * Names: "fake.example" has the address 10.11.12.13 and the alias "alias.example"; "wait.example" is not known until the
 * lookup ends; "bad.example" has an answer that leads out of itself; "fails.example" is refused with WSATRY_AGAIN.
 */
#include "fake_names.h"

#include <stdbool.h>

#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#define FAKE_EXPORT __declspec(dllexport)
#else
#define FAKE_EXPORT __attribute__((visibility("default")))
#endif

struct lookup {
    unsigned kind;
    unsigned given;
    bool waits, bad, fails;
    atomic_bool ended;
};

static struct fake_names_counters count;
static struct lookup lookups[64];
static atomic_uint lookups_used;

FAKE_EXPORT struct fake_names_counters *fake_names_counters(void);
struct fake_names_counters *fake_names_counters(void)
{
    return &count;
}

static INT fail(int code)
{
    WSASetLastError(code);
    return SOCKET_ERROR;
}

static unsigned chars(const WCHAR *text)
{
    unsigned n = 0;
    while (text != NULL && text[n] != 0) {
        n++;
    }
    return n;
}

static bool same(const WCHAR *text, const WCHAR *other)
{
    unsigned n = chars(other);
    return chars(text) == n && memcmp(text, other, n * sizeof *text) == 0;
}

static INT WSPAPI fake_cleanup(LPGUID provider)
{
    (void)provider;
    count.cleanups++;
    return 0;
}

static INT WSPAPI fake_begin(LPGUID provider, LPWSAQUERYSETW query, LPWSASERVICECLASSINFOW info, DWORD flags,
                             LPHANDLE handle)
{
    const WCHAR *name = query->lpszServiceInstanceName;
    struct lookup *lookup;
    count.begins++;
    count.last_flags = flags;
    count.class_name_chars = info == NULL ? 0 : chars(info->lpszServiceClassName);
    if (!same(name, L"fake.example") && !same(name, L"wait.example") && !same(name, L"bad.example") &&
        !same(name, L"fails.example") && !same(name, L"empty.example")) {
        return fail(WSASERVICE_NOT_FOUND);
    }
    lookup = &lookups[lookups_used++ % 64];
    memset(lookup, 0, sizeof *lookup);
    lookup->kind = provider->Data1 & 0xff;
    lookup->waits = same(name, L"wait.example");
    lookup->bad = same(name, L"bad.example");
    lookup->fails = same(name, L"fails.example");
    lookup->given = same(name, L"empty.example"); /* nothing is left */
    *handle = (HANDLE)lookup;
    return 0;
}

/* The whole answer, laid out by hand. */
struct block {
    WSAQUERYSETW set;
    CSADDR_INFO address;
    SOCKADDR_IN sin[2];
    GUID id;
    BLOB blob;
    struct {
        struct hostent host;
        char *aliases[2];
        char *list[2];
        unsigned char four[4];
        char name[20], alias[20];
    } data;
    WCHAR name[20];
};

static void fill(struct block *out, const struct lookup *lookup)
{
    static const unsigned char four[4] = {10, 11, 12, 13};
    memset(out, 0, sizeof *out);
    out->set.dwSize = sizeof out->set;
    out->set.dwNameSpace = FAKE_NAMES_SPACE;
    out->set.lpNSProviderId = &out->id;
    out->id.Data1 = 0xfa4e0000u + lookup->kind;
    memcpy(out->name, L"fake.example", sizeof L"fake.example");
    out->set.lpszServiceInstanceName = out->name;
    out->set.dwNumberOfCsAddrs = 1;
    out->set.lpcsaBuffer = &out->address;
    out->sin[0].sin_family = out->sin[1].sin_family = AF_INET;
    memcpy(&out->sin[1].sin_addr, four, 4);
    out->address.LocalAddr.lpSockaddr = (struct sockaddr *)&out->sin[0];
    out->address.RemoteAddr.lpSockaddr = (struct sockaddr *)&out->sin[1];
    out->address.LocalAddr.iSockaddrLength = out->address.RemoteAddr.iSockaddrLength = sizeof out->sin[0];
    out->address.iSocketType = SOCK_STREAM;
    out->address.iProtocol = IPPROTO_TCP;
    out->set.lpBlob = &out->blob;
    out->blob.cbSize = sizeof out->data;
    out->blob.pBlobData = (BYTE *)&out->data;
    memcpy(out->data.name, "fake.example", 13);
    memcpy(out->data.alias, "alias.example", 14);
    memcpy(out->data.four, four, 4);
    out->data.host.h_addrtype = AF_INET;
    out->data.host.h_length = 4;
    out->data.host.h_name = (char *)((char *)out->data.name - (char *)&out->data);
    out->data.host.h_aliases = (char **)(void *)((char *)out->data.aliases - (char *)&out->data);
    out->data.host.h_addr_list = (char **)(void *)((char *)out->data.list - (char *)&out->data);
    out->data.aliases[0] = (char *)((char *)out->data.alias - (char *)&out->data);
    out->data.list[0] = (char *)((char *)out->data.four - (char *)&out->data);
    if (lookup->bad) {
        out->data.list[0] = (char *)(uintptr_t)(sizeof out->data - 2);
    }
}

static INT WSPAPI fake_next(HANDLE handle, DWORD flags, LPDWORD bytes, LPWSAQUERYSETW results)
{
    struct lookup *lookup = (struct lookup *)handle;
    (void)flags;
    count.nexts++;
    while (lookup->waits && !lookup->ended) {
        Sleep(1);
    }
    if (lookup->ended) {
        return fail(WSA_E_CANCELLED);
    }
    if (lookup->fails && lookup->given++ == 0) {
        return fail(WSATRY_AGAIN);
    }
    if (lookup->given > 0) {
        return fail(lookup->kind == FAKE_NAMES_OLD ? WSAENOMORE : WSA_E_NO_MORE); /* the old ones say it so */
    }
    if (*bytes < sizeof(struct block)) {
        *bytes = sizeof(struct block);
        return fail(WSAEFAULT);
    }
    fill((struct block *)(void *)results, lookup);
    lookup->given = 1;
    return 0;
}

static INT WSPAPI fake_end(HANDLE handle)
{
    count.ends++;
    ((struct lookup *)handle)->ended = true;
    return 0;
}

static INT WSPAPI fake_set(LPGUID provider, LPWSASERVICECLASSINFOW info, LPWSAQUERYSETW registration,
                           WSAESETSERVICEOP operation, DWORD flags)
{
    (void)info;
    (void)registration;
    (void)operation;
    (void)flags;
    count.sets++;
    return (provider->Data1 & 0xff) == FAKE_NAMES_SECOND ? fail(WSAEACCES) : 0;
}

static INT WSPAPI fake_install(LPGUID provider, LPWSASERVICECLASSINFOW info)
{
    (void)provider;
    (void)info;
    count.installs++;
    return fail(WSAEOPNOTSUPP);
}

static INT WSPAPI fake_remove(LPGUID provider, LPGUID class_id)
{
    (void)provider;
    (void)class_id;
    count.removes++;
    return fail(WSAEOPNOTSUPP);
}

static INT WSPAPI fake_info(LPGUID provider, LPDWORD bytes, LPWSASERVICECLASSINFOW info)
{
    (void)provider;
    (void)bytes;
    (void)info;
    return fail(WSAEOPNOTSUPP);
}

static INT WSPAPI fake_ioctl(HANDLE handle, DWORD code, LPVOID in, DWORD in_bytes, LPVOID out, DWORD out_bytes,
                             LPDWORD returned, LPWSACOMPLETION completion, LPWSATHREADID thread)
{
    (void)handle;
    (void)in;
    (void)in_bytes;
    (void)out;
    (void)out_bytes;
    count.ioctls++;
    *returned = 7;
    return code == SIO_NSP_NOTIFY_CHANGE && completion == NULL && thread != NULL ? fail(WSAEWOULDBLOCK) : 0;
}

FAKE_EXPORT INT WSPAPI NSPStartup(LPGUID provider, LPNSP_ROUTINE routines)
{
    unsigned kind = provider->Data1 & 0xff;
    count.startups++;
    if (kind == FAKE_NAMES_NO_START) {
        return fail(WSAEACCES);
    }
    routines->cbSize = kind == FAKE_NAMES_OLD ? offsetof(NSP_ROUTINE, NSPIoctl) : sizeof *routines;
    routines->dwMajorVersion = 4;
    routines->dwMinorVersion = 4;
    routines->NSPCleanup = fake_cleanup;
    routines->NSPLookupServiceBegin = fake_begin;
    routines->NSPLookupServiceNext = fake_next;
    routines->NSPLookupServiceEnd = fake_end;
    routines->NSPSetService = kind == FAKE_NAMES_NO_SLOT ? NULL : fake_set;
    routines->NSPInstallServiceClass = fake_install;
    routines->NSPRemoveServiceClass = fake_remove;
    routines->NSPGetServiceClassInfo = fake_info;
    if (kind != FAKE_NAMES_OLD) {
        routines->NSPIoctl = fake_ioctl;
    }
    return 0;
}
