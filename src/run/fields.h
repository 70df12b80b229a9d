/* Numbers of a struct as texts of a checkpoint: one table saves them and loads them. */
#ifndef RUNE_FIELDS_H
#define RUNE_FIELDS_H

#include <stddef.h>

#include "safetensors.h"

enum field_kind {
    FIELD_INT,
    FIELD_COUNT,     /* uint64_t */
    FIELD_REAL,      /* double */
    FIELD_LATER = 8, /* added to one of them where older checkpoints lack the field: what the struct
                        holds then stays */
};

struct field {
    const char *key;
    int kind;
    size_t offset;   /* in the struct */
    double min, max; /* what is sound; max 0: any number from min up, infinity too */
};

void fields_save(const struct field *fields, size_t count, const void *from,
                 struct safetensors_out *out);

/* Returns 0, or −1 and a message that names a field which is missing or not sound. */
int fields_load(const struct field *fields, size_t count, void *to, const struct safetensors *in);

#endif
