/* libFuzzer: whatever last.safetensors holds, a run is gone on with or there is a message.
 * FUZZ_TEXT is the text of the runs that the corpus holds, which read it from stdin. */
#include <string.h>

#include "file.h"
#include "fuzz.h"
#include "trainer.h"

/* A changed byte would be told from the checksum alone; a file without one is read, too. */
static void take_checksum_out(uint8_t *data, size_t size)
{
    static const char key[] = "\"data_crc32\"";
    uint8_t *at = memmem(data, size, key, strlen(key));
    if (at)
        at[strlen(key) - 2] = '3';
}

static void copy_text(void)
{
    static bool copied;
    uint8_t *text;
    size_t length;
    if (copied)
        return;
    copied = true;
    require(getenv("FUZZ_TEXT") && file_read(getenv("FUZZ_TEXT"), &text, &length) == 0);
    fuzz_file("stdin.txt", text, length);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct train_observer silent = {0};
    struct trainer trainer = {0};
    uint8_t *copy = malloc(size + 1);
    require(copy != NULL);
    memcpy(copy, data, size);
    take_checksum_out(copy, size);
    copy_text();
    fuzz_file("last.safetensors", copy, size);
    free(copy);
    unlink(fuzz_path("log.csv"));
    if (trainer_resume(&trainer, fuzz_path(""), &plan_unchanged, 1, &silent) == 0)
        require(trainer.model.weights && trainer.batch.B > 0);
    trainer_close(&trainer);
    return 0;
}
