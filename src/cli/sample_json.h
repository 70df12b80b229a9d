/* A sample as a line of JSON. */
#ifndef RUNE_SAMPLE_JSON_H
#define RUNE_SAMPLE_JSON_H

#include <stddef.h>
#include <stdint.h>

struct sample_record {
    const uint8_t *prompt; /* NULL: the object has no "prompt" */
    size_t prompt_length;
    const uint8_t *text; /* what follows the prompt */
    size_t text_length;
    int sample; /* its number, from 0 on */
    uint64_t seed;
    uint64_t characters; /* symbols of the text */
    double log_prob;     /* ln p of the text */
};

/* Prints {"prompt", "text", "sample", "seed", "characters", "log_probability"} and a newline on
 * stdout. Texts that are not UTF-8 have U+FFFD in place of each wrong byte, and the keys
 * "prompt_hex" and "text_hex" then have their bytes. Characters that could control a terminal are
 * escaped. Returns 0, or −1 and a message. */
int sample_json_print(const struct sample_record *record);

#endif
