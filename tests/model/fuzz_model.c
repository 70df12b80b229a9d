/* libFuzzer: whatever the bytes of a model file, describing it by its header and loading it give a
 * model or a message, and what can be loaded is as described.
 *
 *     CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
 *         -Dc_args=-fsanitize=fuzzer-no-link
 *     ninja -C build-fuzz tests/model/fuzz_model
 *     build-fuzz/tests/model/fuzz_model -max_len=4096 CORPUS
 *
 * where the directory CORPUS holds a small model for a start. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    struct model model = {0}, described = {0};
    const int fd = memfd_create("model", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct safetensors *in = model_open(path);
    const int header = in ? checkpoint_describe_model(in, engine_at(0), &described) : -1;
    safetensors_free(in);
    if (model_load(&model, engine_at(0), path) == 0 &&
        (header != 0 || model.params.total == 0 || described.weights ||
         model.params.total != described.params.total || model.step != described.step))
        abort();
    model_release(&described);
    model_release(&model);
    close(fd);
    return 0;
}
