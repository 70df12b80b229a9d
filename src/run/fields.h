/* Saves numbers of a struct to the metadata of a checkpoint and loads them, by a table of
 * fields. */
#ifndef RUNE_FIELDS_H
#define RUNE_FIELDS_H

#include <stddef.h>

#include "safetensors.h"

enum field_kind {
    FIELD_INT,
    FIELD_COUNT,        /* uint64_t */
    FIELD_REAL,         /* double */
    FIELD_OPTIONAL = 8, /* flag: older checkpoints lack the field, which then keeps its value */
};

struct field {
    const char *key;
    int kind;
    size_t offset;   /* in the struct */
    double min, max; /* valid range; max 0: no upper limit, infinity included */
};

void fields_save(const struct field *fields, size_t count, const void *from,
                 struct safetensors_out *out);

/* Returns 0, or −1 and a message that names the missing or invalid field. */
int fields_load(const struct field *fields, size_t count, void *to, const struct safetensors *in);

#endif
