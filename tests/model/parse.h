/* A reader of safetensors files that shares nothing with the program's: for what it expects. */
#ifndef RUNE_TEST_PARSE_H
#define RUNE_TEST_PARSE_H

#include <stddef.h>
#include <stdint.h>

struct parsed {
    char type[8], shape[64]; /* as they stand in the header: "F32", "[3,4]" */
    const uint8_t *data;
    size_t bytes;
};

/* Finds an array in the bytes of a file; fails the test if it is not there or not in the file. */
struct parsed parse_array(const uint8_t *file, size_t length, const char *name);

/* The k-th number of an F32 array. */
float parse_float(const struct parsed *parsed, size_t k);

/* Takes the checksum out of a file's header, so that its arrays can be changed. */
void parse_drop_checksum(uint8_t *file, size_t length);

/* The length of the header, and where the arrays begin. */
size_t parse_header(const uint8_t *file, size_t length);

#endif
