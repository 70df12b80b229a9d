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

/* The path of a name in a folder of this process, which is removed at its end if it is empty. */
static inline const char *fuzz_path(const char *name)
{
    static char folder[] = "/tmp/fuzz-XXXXXX", path[64];
    static bool made;
    if (!made)
        require(mkdtemp(folder) != NULL);
    made = true;
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
