/* Reading and writing safetensors files: 8 bytes little-endian length, a JSON header, raw
 * little-endian arrays. https://github.com/huggingface/safetensors
 * What is written has two checksums in its __metadata__, CRC-32 in 8 hexadecimal digits:
 * "data_crc32" of all bytes behind the header, and "header_crc32" of the header without it, as JSON
 * that is compact and has its keys in order. */
#ifndef RUNE_SAFETENSORS_H
#define RUNE_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "real.h"

/* --- writing ---------------------------------------------------------------------------------- */

struct safetensors_out;

struct safetensors_out *safetensors_out_new(void);
void safetensors_out_free(struct safetensors_out *out);

/* These add an entry; arrays are not copied and must stay until the file is saved. A failure is
 * remembered, and told by safetensors_save. */

/* A matrix [rows][columns], or a vector [rows] where columns is 0, as F32; `transposed`: in memory
 * it lies as [columns][rows]; data NULL: zeros. */
void safetensors_add_reals(struct safetensors_out *out, const char *name, size_t rows,
                           size_t columns, const real *data, bool transposed);
/* A vector as U64. */
void safetensors_add_u64(struct safetensors_out *out, const char *name, size_t count,
                         const uint64_t *data);
/* Text in __metadata__; NULL, for which there was no memory, is a failure. */
void safetensors_add_text(struct safetensors_out *out, const char *key, const char *text);

/* Writes the file, whole or not at all. Returns 0, or −1 and a message, also where a text is not
 * UTF-8 or an array, which the message names, has a number that is not finite. */
int safetensors_save(const struct safetensors_out *out, const char *path);

/* --- reading ---------------------------------------------------------------------------------- */

struct safetensors;

/* Opens a file ("-": stdin) and reads its header alone, which must be sound; its arrays must fill
 * the rest of the file, without holes. They stay in the file until they are asked for; those of a
 * pipe are read into memory. NULL and a message that names the path and what is wrong. */
struct safetensors *safetensors_open(const char *path);

/* The same, and holds the arrays against their checksum. A file without one, of another program or
 * an older one of this, is taken as it is. */
struct safetensors *safetensors_load(const char *path);

void safetensors_free(struct safetensors *in);

/* The path that it was read from, for messages. */
const char *safetensors_path(const struct safetensors *in);

/* The text of that key in __metadata__; NULL and a message if there is none. */
const char *safetensors_text(const struct safetensors *in, const char *key);

/* The same for what a file need not have: NULL, and no message. */
const char *safetensors_find_text(const struct safetensors *in, const char *key);

/* A whole number, or any number, in such a text. Return 0, or −1 and a message if it is not one or
 * lies outside [lowest, highest]. */
int safetensors_integer(const struct safetensors *in, const char *key, long long lowest,
                        long long highest, long long *number);
int safetensors_number(const struct safetensors *in, const char *key, double *number);

/* Whether there is an array of exactly that shape, as safetensors_read_reals needs it. Returns 0,
 * or −1 and a message. */
int safetensors_check_reals(const struct safetensors *in, const char *name, size_t rows,
                            size_t columns);

/* Copy an array of exactly that type and shape (columns 0: a vector; as in safetensors_add_reals).
 * Return 0, or −1 and a message if it is missing, of another type or shape, cannot be read, or has
 * a number that is not finite. */
int safetensors_read_reals(const struct safetensors *in, const char *name, size_t rows,
                           size_t columns, real *data, bool transposed);
int safetensors_read_u64(const struct safetensors *in, const char *name, size_t count,
                         uint64_t *data);

#endif
