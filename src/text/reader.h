/* Reading a text from a file: bytes → UTF-8 → symbols. Every command reads its texts by this. */
#ifndef RUNE_READER_H
#define RUNE_READER_H

#include "segmenter.h"

/* Whether an encoding is UTF-8 itself, which is read as it is (NULL included). */
bool reader_is_utf8(const char *encoding);

struct reader;

/* Makes a reader for any number of files. `advice` ends the message about bytes that are not UTF-8
 * ("; …", or NULL); it is not copied, nor is the encoding. NULL and a message on failure. */
struct reader *reader_new(const struct text_treatment *treatment, const char *advice);
void reader_free(struct reader *reader);

/* Receives the blocks of a file, as they are in it, each after its symbols. All but the last are of
 * the same length, a multiple of 8. A result other than 0 ends the reading. */
typedef int reader_fn(void *context, const uint8_t *block, size_t length);

/* Reads a file ("-": stdin) that messages call `name`: its path, or "standard input". It gives its
 * symbols to `each` and its blocks to `after` (which may be NULL). Fills the notes. Where the bytes
 * are not UTF-8, the message also says what they seem to be and the command that turns the file to
 * UTF-8. Returns 0, a result of `each` or `after` that is not 0, or −1 and a message. */
int reader_read(struct reader *reader, const char *path, const char *name, segmenter_fn *each,
                reader_fn *after, void *context, struct text_notes *notes);

/* Whether the last file could be read, but is not text of the treatment's encoding; and whether it
 * then seems to be no text of any. */
bool reader_found_no_text(const struct reader *reader);
bool reader_found_binary(const struct reader *reader);

#endif
