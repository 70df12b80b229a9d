/* What fuzzers share: what must hold, and a folder whose files hold what the fuzzer made. */
#ifndef RUNE_FUZZ_H
#define RUNE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* The path of a name in a folder of this process, in $TMPDIR; valid until the next call. */
static inline const char *fuzz_path(const char *name)
{
    static char folder[200], path[256];
    const char *place = getenv("TMPDIR");
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/fuzz-XXXXXX", place ? place : "/tmp");
        require(mkdtemp(folder) != NULL);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline const char *fuzz_file(const char *name, const uint8_t *data, size_t size)
{
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    require(file && (size == 0 || fwrite(data, 1, size, file) == size) && fclose(file) == 0);
    return path;
}

#endif
