/* Texts as they are named on the command line, and how they are read. */
#ifndef RUNE_INPUTS_H
#define RUNE_INPUTS_H

#include "sources.h"

/* Rows of option tables. `at` is the offset of a const char *, or an int for INPUTS_ON_UNKNOWN. */
#define INPUTS_FILES_FROM(at)                                                                      \
    {                                                                                              \
        "files-from", 0, OPTION_TEXT, at, "LIST",                                                  \
            "Also read the files that LIST names (-: stdin), one a line or separated by NULs",     \
            .default_text = NULL                                                                   \
    }
#define INPUTS_ENCODING(at)                                                                        \
    {                                                                                              \
        "encoding", 0, OPTION_TEXT, at, "NAME",                                                    \
            "Encoding of the text, such as WINDOWS-1252 or UTF-16; iconv -l lists them",           \
            .default_text = "UTF-8"                                                                \
    }
#define INPUTS_ON_UNKNOWN(at)                                                                      \
    {                                                                                              \
        "on-unknown", 0, OPTION_CHOICE, at, "WHAT",                                                \
            "What to do with characters that the model does not know: error, skip or replace",     \
            .choices = encode_unknown_names                                                        \
    }

/* Checks the value of --encoding (or NULL). Returns 0, or −1 and a message. */
int inputs_check_encoding(const char *encoding);

/* Fills zeroed sources with the files, directories and list of the command line, and prints a note
 * on what is left out unless `quiet`. Returns 0, or −1 and a message. */
int inputs_gather(struct sources *sources, const char *const *names, int num_names,
                  const char *list, const struct text_treatment *treatment, bool quiet);

#endif
