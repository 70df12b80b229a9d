/* libFuzzer: whatever log.csv holds, reading it gives its rows or a message, and going on behind
 * any of them keeps those before and takes new ones. The first byte is the number of rows. */
#include "fuzz.h"
#include "log.h"

static void count_row(void *context, const struct log_row *row)
{
    uint64_t *count = context;
    *count = row ? *count + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const uint64_t rows = data[0];
    const char *path = fuzz_file("log.csv", data + 1, size - 1);
    uint64_t count = 0;
    struct log_position place = {0};
    struct log_row last = {0};
    struct log log;
    log_follow(path, &place, count_row, &count);
    require(count == place.rows);
    if (log_open(&log, path, rows, &last) != 0)
        return 0;
    const uint64_t kept = log.rows;
    require(kept <= rows);
    require(log_append(&log, &(struct log_row){.step = 1}) == 0 && log_sync(&log) == 0);
    log_close(&log);
    place = (struct log_position){0};
    require(log_follow(path, &place, count_row, &count) == 0 && count == kept + 1);
    return 0;
}
