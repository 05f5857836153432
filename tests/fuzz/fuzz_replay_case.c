/* Case files from anywhere: accepted or refused with a line, never more. */
#include "case.h"

#include "stack/err.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stk_case of;
    char error[STK_CASE_ERROR_SIZE];
    if (stk_case_parse((const char *)data, size, "folder/fuzz.case", &of, error) != STK_OK) {
        if (strncmp(error, "folder/fuzz.case:", 17) != 0) {
            abort();
        }
    } else if (stk_case_check(&of) != NULL || of.capture[0] == '\0') {
        abort();
    }
    return 0;
}
