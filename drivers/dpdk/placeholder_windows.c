/*
 * Wine 8 refuses placeholders, by which EAL reserves addresses: error 87. In builds for tests EAL finds this function in
 * place of VirtualAlloc2; where the system has placeholders it changes nothing.
 */
#include <string.h>
#include <windows.h>

/* Not in this compiler's headers. */
#define RESERVE_PLACEHOLDER 0x00040000

/* The linker gives every reference to the import by this name (--wrap), and the import itself by the other. */
extern FARPROC(WINAPI *const __wrap___imp_GetProcAddress)(HMODULE module, const char *name);
extern FARPROC(WINAPI *const __real___imp_GetProcAddress)(HMODULE module, const char *name);

typedef void (*any_fn)(void);
typedef void *(WINAPI *alloc2_fn)(HANDLE process, void *base, SIZE_T size, ULONG type, ULONG protection,
                                  void *parameters, ULONG parameters_count);
static alloc2_fn alloc2_system;

static void *WINAPI alloc2(HANDLE process, void *base, SIZE_T size, ULONG type, ULONG protection, void *parameters,
                           ULONG parameters_count)
{
    void *memory = alloc2_system(process, base, size, type, protection, parameters, parameters_count);

    if (memory != NULL || GetLastError() != ERROR_INVALID_PARAMETER || (type & RESERVE_PLACEHOLDER) == 0)
        return memory;
    return VirtualAllocEx(process, base, size, MEM_RESERVE, PAGE_NOACCESS);
}

static FARPROC WINAPI find(HMODULE module, const char *name)
{
    FARPROC found = __real___imp_GetProcAddress(module, name);

    /* An ordinal is a number, not a name. */
    if (found == NULL || (ULONG_PTR)name < 0x10000 || strcmp(name, "VirtualAlloc2") != 0)
        return found;
    alloc2_system = (alloc2_fn)(any_fn)found;
    return (FARPROC)(any_fn)alloc2;
}

FARPROC(WINAPI *const __wrap___imp_GetProcAddress)(HMODULE module, const char *name) = find;
