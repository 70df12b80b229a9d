#include "safetensors.h"

#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "file.h"
#include "mem.h"

#define LENGTH_BYTES 8

struct entry {
    const char *name; /* the header's */
    size_t rows, columns;
    const real *reals;
    const uint64_t *u64;
    bool turned;
};

struct safetensors_out {
    json_t *header, *metadata; /* metadata belongs to the header */
    struct entry *entries;
    size_t num_entries, capacity, bytes;
    char problem[160]; /* why it cannot be saved; "" if it can */
};

/* Where number (row, column) of a matrix lies in memory. */
static size_t index_of(size_t row, size_t column, size_t rows, size_t columns, bool turned)
{
    return turned ? column * rows + row : row * columns + column;
}

static size_t width(size_t columns)
{
    return columns ? columns : 1;
}

static void no_memory(struct safetensors_out *out)
{
    snprintf(out->problem, sizeof out->problem, "no memory for the header");
}

struct safetensors_out *safetensors_out_new(void)
{
    struct safetensors_out *out = mem_new(1, sizeof *out);
    if (!out)
        return NULL;
    out->header = json_object();
    out->metadata = json_object();
    if (json_object_set_new(out->header, "__metadata__", out->metadata) != 0)
        no_memory(out);
    return out;
}

void safetensors_out_free(struct safetensors_out *out)
{
    if (!out)
        return;
    json_decref(out->header);
    free(out->entries);
    free(out);
}

static void add_entry(struct safetensors_out *out, const char *name, const char *type, size_t size,
                      struct entry entry)
{
    const size_t bytes = size * entry.rows * width(entry.columns);
    json_t *shape = json_pack("[I]", (json_int_t)entry.rows);
    if (entry.columns)
        json_array_append_new(shape, json_integer((json_int_t)entry.columns));
    json_t *item = json_pack("{s:s, s:o, s:[I, I]}", "dtype", type, "shape", shape, "data_offsets",
                             (json_int_t)out->bytes, (json_int_t)(out->bytes + bytes));
    if (!item || json_object_set_new(out->header, name, item) != 0 ||
        mem_grow(&out->entries, &out->capacity, out->num_entries + 1, sizeof *out->entries) != 0) {
        no_memory(out);
        return;
    }
    entry.name = json_object_iter_key(json_object_iter_at(out->header, name));
    out->entries[out->num_entries++] = entry;
    out->bytes += bytes;
}

void safetensors_add_reals(struct safetensors_out *out, const char *name, size_t rows,
                           size_t columns, const real *data, bool turned)
{
    add_entry(out, name, "F32", sizeof(float),
              (struct entry){.rows = rows, .columns = columns, .reals = data, .turned = turned});
}

void safetensors_add_u64(struct safetensors_out *out, const char *name, size_t count,
                         const uint64_t *data)
{
    add_entry(out, name, "U64", sizeof *data, (struct entry){.rows = count, .u64 = data});
}

void safetensors_add_text(struct safetensors_out *out, const char *key, const char *text)
{
    json_t *bytes = json_string_nocheck(text), *string = json_string(text);
    if (bytes && !string)
        snprintf(out->problem, sizeof out->problem, "its \"%s\" is not UTF-8", key);
    else if (json_object_set(out->metadata, key, string) != 0)
        no_memory(out);
    json_decref(bytes);
    json_decref(string);
}

static void write_u64(const struct entry *entry, FILE *stream)
{
    for (size_t k = 0; k < entry->rows; k++) {
        const uint64_t number = htole64(entry->u64[k]);
        fwrite(&number, sizeof number, 1, stream);
    }
}

static int write_reals(const struct entry *entry, FILE *stream)
{
    const size_t rows = entry->rows, columns = width(entry->columns);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            const size_t at = index_of(row, column, rows, columns, entry->turned);
            const float number = entry->reals ? (float)entry->reals[at] : 0;
            if (!isfinite(number))
                return error_set("array \"%s\" has a number that is not finite, at [%zu, %zu]",
                                 entry->name, row, column);
            uint32_t bits;
            memcpy(&bits, &number, sizeof bits);
            bits = htole32(bits);
            fwrite(&bits, sizeof bits, 1, stream);
        }
    return 0;
}

int safetensors_save(const struct safetensors_out *out, const char *path)
{
    struct file_out file;
    if (out->problem[0])
        return error_set("%s: cannot be written: %s", path, out->problem);
    char *header = json_dumps(out->header, JSON_COMPACT);
    if (!header)
        return error_set("%s: no memory for the header", path);
    if (file_create(&file, path) != 0) {
        free(header);
        return -1;
    }
    /* Spaces behind the header put the arrays on a multiple of 64 bytes, for readers that map the
     * file. */
    const size_t length = strlen(header), padding = (64 - (LENGTH_BYTES + length) % 64) % 64;
    const uint64_t header_bytes = htole64((uint64_t)(length + padding));
    fwrite(&header_bytes, LENGTH_BYTES, 1, file.stream);
    fprintf(file.stream, "%s%*s", header, (int)padding, "");
    free(header);
    for (size_t k = 0; k < out->num_entries; k++) {
        if (out->entries[k].u64)
            write_u64(&out->entries[k], file.stream);
        else if (write_reals(&out->entries[k], file.stream) != 0) {
            file_abandon(&file);
            return error_set("%s: cannot be written: %s; what stood there is unchanged", path,
                             error_message());
        }
    }
    return file_commit(&file);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct safetensors {
    char *path;
    uint8_t *bytes;
    const uint8_t *data; /* behind the header */
    size_t data_length;
    json_t *header;
};

static bool known_type(const char *type, size_t *size)
{
    static const struct {
        const char *name;
        size_t size;
    } types[] = {{"F32", 4}, {"U64", 8}, {"F64", 8}, {"F16", 2}, {"BF16", 2},
                 {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},
                 {"U16", 2}, {"U32", 4}, {"BOOL", 1}};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (strcmp(types[k].name, type) == 0) {
            *size = types[k].size;
            return true;
        }
    return false;
}

/* Checks one array of the header: its type, and that its shape and offsets agree and lie in the
 * file. */
static int check_item(const struct safetensors *in, const char *name, json_t *item)
{
    const char *type;
    json_t *shape, *dimension;
    json_int_t start, end;
    size_t size, k;
    uint64_t bytes;
    if (json_unpack(item, "{s:s, s:o, s:[I, I]}", "dtype", &type, "shape", &shape, "data_offsets",
                    &start, &end) != 0 ||
        !json_is_array(shape))
        return error_set("%s: the header's entry \"%s\" is not an array's", in->path, name);
    if (!known_type(type, &size))
        return error_set("%s: array \"%s\" has an unknown type \"%s\"", in->path, name, type);
    bytes = size;
    json_array_foreach(shape, k, dimension)
    {
        const json_int_t extent = json_is_integer(dimension) ? json_integer_value(dimension) : -1;
        if (extent < 0 || __builtin_mul_overflow(bytes, (uint64_t)extent, &bytes))
            return error_set("%s: array \"%s\" has an impossible shape", in->path, name);
    }
    if (start < 0 || end < start || (uint64_t)end > in->data_length)
        return error_set("%s: array \"%s\" lies outside the file, which is damaged or cut off",
                         in->path, name);
    if ((uint64_t)(end - start) != bytes)
        return error_set("%s: array \"%s\" does not have the bytes of its shape", in->path, name);
    return 0;
}

static int check_header(const struct safetensors *in)
{
    const char *name;
    json_t *item, *text;
    json_object_foreach(in->header, name, item)
    {
        if (strcmp(name, "__metadata__") != 0) {
            if (check_item(in, name, item) != 0)
                return -1;
            continue;
        }
        if (!json_is_object(item))
            return error_set("%s: __metadata__ is not an object", in->path);
        const char *key;
        json_object_foreach(item, key, text)
        {
            if (!json_is_string(text))
                return error_set("%s: __metadata__ \"%s\" is not a text", in->path, key);
        }
    }
    return 0;
}

static int parse(struct safetensors *in, size_t length)
{
    uint64_t header_bytes;
    json_error_t problem;
    if (length < LENGTH_BYTES)
        return error_set("%s: is not a safetensors file: it has %zu bytes", in->path, length);
    memcpy(&header_bytes, in->bytes, sizeof header_bytes);
    header_bytes = le64toh(header_bytes);
    if (in->bytes[LENGTH_BYTES] != '{' || header_bytes < 2)
        return error_set("%s: is not a safetensors file", in->path);
    if (header_bytes > length - LENGTH_BYTES)
        return error_set("%s: is cut off: its header would have %llu bytes, the file has %zu",
                         in->path, (unsigned long long)header_bytes, length);
    in->header = json_loadb((const char *)in->bytes + LENGTH_BYTES, (size_t)header_bytes,
                            JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(in->header))
        return error_set("%s: its header is damaged: %s", in->path, problem.text);
    in->data = in->bytes + LENGTH_BYTES + header_bytes;
    in->data_length = length - LENGTH_BYTES - (size_t)header_bytes;
    return check_header(in);
}

struct safetensors *safetensors_load(const char *path)
{
    size_t length;
    struct safetensors *in = mem_new(1, sizeof *in);
    if (in && (in->path = mem_copy(path, strlen(path))) != NULL &&
        file_read(path, &in->bytes, &length) == 0 && parse(in, length) == 0)
        return in;
    safetensors_free(in);
    return NULL;
}

void safetensors_free(struct safetensors *in)
{
    if (!in)
        return;
    json_decref(in->header);
    free(in->bytes);
    free(in->path);
    free(in);
}

const char *safetensors_path(const struct safetensors *in)
{
    return in->path;
}

const char *safetensors_text(const struct safetensors *in, const char *key)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(in->header, "__metadata__"), key));
    if (!text)
        error_set("%s: is not a model of rune: its header has no \"%s\"", in->path, key);
    return text;
}

int safetensors_integer(const struct safetensors *in, const char *key, long long lowest,
                        long long highest, long long *number)
{
    char *end;
    const char *text = safetensors_text(in, key);
    if (!text)
        return -1;
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (end == text || *end || errno || *number < lowest || *number > highest)
        return error_set("%s: its \"%s\" is \"%.40s\", which is not a number from %lld to %lld",
                         in->path, key, text, lowest, highest);
    return 0;
}

int safetensors_number(const struct safetensors *in, const char *key, double *number)
{
    char *end;
    const char *text = safetensors_text(in, key);
    if (!text)
        return -1;
    *number = strtod(text, &end);
    if (end == text || *end)
        return error_set("%s: its \"%s\" is \"%.40s\", which is not a number", in->path, key, text);
    return 0;
}

/* The bytes of an array of that type and shape; NULL and a message otherwise. */
static const uint8_t *find(const struct safetensors *in, const char *name, const char *type,
                           size_t rows, size_t columns)
{
    json_t *item = json_object_get(in->header, name), *shape = json_object_get(item, "shape");
    if (!item) {
        error_set("%s: has no array \"%s\"", in->path, name);
        return NULL;
    }
    if (strcmp(json_string_value(json_object_get(item, "dtype")), type) != 0) {
        error_set("%s: array \"%s\" is not of type %s", in->path, name, type);
        return NULL;
    }
    if (json_array_size(shape) != (columns ? 2u : 1u) ||
        json_integer_value(json_array_get(shape, 0)) != (json_int_t)rows ||
        (columns && json_integer_value(json_array_get(shape, 1)) != (json_int_t)columns)) {
        char wanted[48];
        snprintf(wanted, sizeof wanted, columns ? "%zu, %zu" : "%zu", rows, columns);
        char *found = json_dumps(shape, 0);
        error_set("%s: array \"%s\" has the shape %s where [%s] is needed", in->path, name,
                  found ? found : "?", wanted);
        free(found);
        return NULL;
    }
    return in->data + json_integer_value(json_array_get(json_object_get(item, "data_offsets"), 0));
}

int safetensors_read_reals(const struct safetensors *in, const char *name, size_t rows,
                           size_t columns, real *data, bool turned)
{
    const uint8_t *bytes = find(in, name, "F32", rows, columns);
    if (!bytes)
        return -1;
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < width(columns); column++, bytes += sizeof(float)) {
            uint32_t bits;
            float number;
            memcpy(&bits, bytes, sizeof bits);
            bits = le32toh(bits);
            memcpy(&number, &bits, sizeof number);
            if (!isfinite(number))
                return error_set(
                    "%s: array \"%s\" has a number that is not finite, at [%zu, %zu]: the "
                    "file is damaged",
                    in->path, name, row, column);
            data[index_of(row, column, rows, width(columns), turned)] = (real)number;
        }
    return 0;
}

int safetensors_read_u64(const struct safetensors *in, const char *name, size_t count,
                         uint64_t *data)
{
    const uint8_t *bytes = find(in, name, "U64", count, 0);
    if (!bytes)
        return -1;
    for (size_t k = 0; k < count; k++, bytes += sizeof *data) {
        memcpy(&data[k], bytes, sizeof *data);
        data[k] = le64toh(data[k]);
    }
    return 0;
}
