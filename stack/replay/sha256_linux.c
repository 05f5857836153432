#include "replay/sha256.h"

#include <gcrypt.h>
#include <pthread.h>
#include <string.h>

/* A handle of libgcrypt; the structure of this name is never defined. */
static gcry_md_hd_t handle_of(struct stk_sha256 *sha)
{
    return (gcry_md_hd_t)(void *)sha;
}

/* What the library's manual asks of its first caller in a process; some other user of it may have been before. */
static void library_start(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P) != 0)
        return;
    (void)gcry_check_version(NULL);
    (void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    (void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

struct stk_sha256 *stk_sha256_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    gcry_md_hd_t handle;

    (void)pthread_once(&once, library_start);
    return gcry_md_open(&handle, GCRY_MD_SHA256, 0) == 0 ? (struct stk_sha256 *)(void *)handle : NULL;
}

void stk_sha256_add(struct stk_sha256 *sha, const void *data, size_t len)
{
    gcry_md_write(handle_of(sha), data, len);
}

void stk_sha256_end(struct stk_sha256 *sha, uint8_t digest[STK_SHA256_BYTES])
{
    if (digest != NULL)
        memset(digest, 0, STK_SHA256_BYTES);
    if (sha == NULL)
        return;
    if (digest != NULL)
        memcpy(digest, gcry_md_read(handle_of(sha), GCRY_MD_SHA256), STK_SHA256_BYTES);
    gcry_md_close(handle_of(sha));
}
