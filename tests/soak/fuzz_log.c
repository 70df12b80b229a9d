/* libFuzzer: whatever log.csv holds, reading it gives its rows or a message, and going on behind
 * any of them keeps those before and takes new ones. The first byte is the number of rows. */
#include "fuzz.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const uint64_t rows = data[0];
    const char *path = fuzz_file("log.csv", data + 1, size - 1);
    struct log_row *list, last = {0};
    size_t count = 0, then = 0;
    struct log log;
    if (log_read(path, &list, &count) == 0)
        free(list);
    if (log_open(&log, path, rows, &last) != 0)
        return 0;
    const uint64_t kept = log.rows;
    require(kept <= rows);
    require(log_append(&log, &(struct log_row){.step = 1}) == 0 && log_sync(&log) == 0);
    log_close(&log);
    require(log_read(path, &list, &then) == 0 && then == kept + 1);
    free(list);
    return 0;
}
