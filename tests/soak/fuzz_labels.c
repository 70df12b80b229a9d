/* libFuzzer: whatever a table of labels holds, it gives labels of the text's length or a message.
 * The first byte is the length of the text. */
#include <math.h>

#include "fuzz.h"
#include "labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct labels labels = {.length = data[0] % 8};
    const char *path = fuzz_file("labels.csv", data + 1, size - 1);
    if (labels_add_file(&labels, path, labels.length + data[0] / 8) == 0)
        for (size_t k = 0; k < labels.count; k++)
            for (size_t t = 0; t < labels.length; t++)
                require(isfinite(labels.list[k].values[t]));
    labels_release(&labels);
    return 0;
}
