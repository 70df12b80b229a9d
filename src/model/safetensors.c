#include "safetensors.h"

#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "error.h"
#include "file.h"
#include "mem.h"
#include "utf8.h"

#define LENGTH_BYTES 8
#define HEADER_MOST 100000000     /* bytes, as other readers have it */
#define BLOCK 16384               /* numbers that are converted at once */
#define DATA_KEY "data_crc32"     /* of all bytes behind the header */
#define HEADER_KEY "header_crc32" /* of the header without it, compact, keys in order */

/* Numbers first … first + count of a matrix, in the file's order. */
struct stretch {
    size_t rows, columns; /* of the matrix */
    bool transposed;      /* in memory it is [columns][rows] */
    size_t first, count;
};

static size_t width(size_t columns)
{
    return columns ? columns : 1;
}

static struct stretch stretch_of(size_t rows, size_t columns, bool transposed, size_t first)
{
    const size_t left = rows * width(columns) - first;
    return (struct stretch){rows, width(columns), transposed, first, left < BLOCK ? left : BLOCK};
}

/* Where number k of the stretch lies in memory. */
static size_t place_of(const struct stretch *stretch, size_t k)
{
    const size_t at = stretch->first + k;
    return stretch->transposed ? at % stretch->columns * stretch->rows + at / stretch->columns : at;
}

/* Which of the numbers is the first that is not finite; `count` if none is. */
static size_t find_not_finite(const float *numbers, size_t count)
{
    size_t k = 0;
    while (k < count && isfinite(numbers[k]))
        k++;
    return k;
}

/* Between numbers and the bytes of the file, which are little-endian. */
static void swap_floats(float *numbers, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, &numbers[k], sizeof bits);
        bits = htole32(bits);
        memcpy(&numbers[k], &bits, sizeof bits);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

struct entry {
    const char *name; /* the header's */
    size_t rows, columns;
    const real *reals;
    const uint64_t *u64;
    bool transposed;
};

struct safetensors_out {
    json_t *header, *metadata; /* metadata belongs to the header */
    struct entry *entries;
    size_t num_entries, capacity, bytes;
    char problem[160]; /* why it cannot be saved; "" if it can */
};

static void no_memory(struct safetensors_out *out)
{
    snprintf(out->problem, sizeof out->problem, "no memory for the header");
}

/* Sets the checksum in the header; it has the same length whatever it is. */
static int set_checksum(json_t *metadata, const char *key, unsigned long checksum)
{
    return json_object_set_new(metadata, key, json_sprintf("%08lx", checksum & 0xFFFFFFFF));
}

/* A JSON value as text, new memory for free(). NULL and a message if there is none: json_dumps
 * would leave out characters where memory fails it. */
static char *dump(const json_t *value, size_t flags, size_t *length)
{
    *length = json_dumpb(value, NULL, 0, JSON_COMPACT | flags);
    char *text = *length > 0 ? mem_new(*length, 1) : NULL;
    if (text && json_dumpb(value, text, *length, JSON_COMPACT | flags) == *length)
        return text;
    free(text);
    error_set("no memory for the header");
    return NULL;
}

/* The checksum of a header that does not hold it. */
static int checksum_header(const json_t *header, unsigned long *checksum)
{
    size_t length;
    char *text = dump(header, JSON_SORT_KEYS, &length);
    if (text)
        *checksum = crc32_z(crc32(0, NULL, 0), (const Bytef *)text, length);
    free(text);
    return text ? 0 : -1;
}

struct safetensors_out *safetensors_out_new(void)
{
    struct safetensors_out *out = mem_new(1, sizeof *out);
    if (!out)
        return NULL;
    out->header = json_object();
    out->metadata = json_object();
    if (json_object_set_new(out->header, "__metadata__", out->metadata) != 0) {
        error_set("no memory for a file's header");
        safetensors_out_free(out);
        return NULL;
    }
    if (set_checksum(out->metadata, DATA_KEY, 0) != 0 ||
        set_checksum(out->metadata, HEADER_KEY, 0) != 0)
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
    json_t *shape = entry.columns
                        ? json_pack("[I, I]", (json_int_t)entry.rows, (json_int_t)entry.columns)
                        : json_pack("[I]", (json_int_t)entry.rows);
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
                           size_t columns, const real *data, bool transposed)
{
    add_entry(
        out, name, "F32", sizeof(float),
        (struct entry){.rows = rows, .columns = columns, .reals = data, .transposed = transposed});
}

void safetensors_add_u64(struct safetensors_out *out, const char *name, size_t count,
                         const uint64_t *data)
{
    add_entry(out, name, "U64", sizeof *data, (struct entry){.rows = count, .u64 = data});
}

void safetensors_add_text(struct safetensors_out *out, const char *key, const char *text)
{
    if (text && !utf8_is_valid(text, strlen(text)))
        snprintf(out->problem, sizeof out->problem, "its \"%s\" is not UTF-8", key);
    else if (!text || json_object_set_new(out->metadata, key, json_string(text)) != 0)
        no_memory(out);
}

/* Numbers as the file has them. */
static void gather(struct stretch stretch, const real *data, float *numbers)
{
    for (size_t k = 0; k < stretch.count; k++)
        numbers[k] = data ? (float)data[place_of(&stretch, k)] : 0;
}

/* Bytes on their way to a file. */
struct sink {
    FILE *stream;
    unsigned long checksum;
};

/* Returns whether they could be written. */
static bool put(struct sink *sink, const void *bytes, size_t count)
{
    sink->checksum = crc32(sink->checksum, bytes, (uInt)count);
    return fwrite(bytes, 1, count, sink->stream) == count;
}

/* These return 0 also where the stream has failed, which it remembers. */

static int write_u64(const struct entry *entry, struct sink *sink)
{
    for (size_t k = 0; k < entry->rows; k++) {
        const uint64_t number = htole64(entry->u64[k]);
        if (!put(sink, &number, sizeof number))
            break;
    }
    return 0;
}

static int write_reals(const struct entry *entry, struct sink *sink)
{
    const size_t columns = width(entry->columns), count = entry->rows * columns;
    float numbers[BLOCK];
    for (size_t first = 0; first < count; first += BLOCK) {
        const struct stretch stretch =
            stretch_of(entry->rows, entry->columns, entry->transposed, first);
        gather(stretch, entry->reals, numbers);
        const size_t bad = first + find_not_finite(numbers, stretch.count);
        if (bad < first + stretch.count)
            return error_set("array \"%s\" has a number that is not finite, at [%zu, %zu]",
                             entry->name, bad / columns, bad % columns);
        swap_floats(numbers, stretch.count);
        if (!put(sink, numbers, stretch.count * sizeof *numbers))
            break;
    }
    return 0;
}

static int write_header(const struct safetensors_out *out, FILE *stream)
{
    size_t length;
    char *header = dump(out->header, 0, &length);
    if (!header)
        return -1;
    /* Spaces behind the header put the arrays on a multiple of 64 bytes, for readers that map the
     * file. */
    const size_t padding = (64 - (LENGTH_BYTES + length) % 64) % 64;
    const uint64_t header_bytes = htole64((uint64_t)(length + padding));
    fwrite(&header_bytes, LENGTH_BYTES, 1, stream);
    fwrite(header, 1, length, stream);
    fprintf(stream, "%*s", (int)padding, "");
    free(header);
    return 0;
}

static int set_checksums(const struct safetensors_out *out, unsigned long data)
{
    unsigned long header;
    json_object_del(out->metadata, HEADER_KEY);
    if (set_checksum(out->metadata, DATA_KEY, data) != 0 ||
        checksum_header(out->header, &header) != 0 ||
        set_checksum(out->metadata, HEADER_KEY, header) != 0)
        return error_set("no memory for the header");
    return 0;
}

/* The checksums are known when all is written; then the header is written once more. */
static int write_all(const struct safetensors_out *out, FILE *stream)
{
    struct sink sink = {stream, crc32(0, NULL, 0)};
    int result = write_header(out, stream);
    for (size_t k = 0; k < out->num_entries && result == 0; k++)
        result = out->entries[k].u64 ? write_u64(&out->entries[k], &sink)
                                     : write_reals(&out->entries[k], &sink);
    if (result != 0 || ferror(stream))
        return result;
    if (set_checksums(out, sink.checksum) != 0)
        return -1;
    return fseek(stream, 0, SEEK_SET) == 0 ? write_header(out, stream)
                                           : error_set("%s", strerror(errno));
}

int safetensors_save(const struct safetensors_out *out, const char *path)
{
    struct file_out file;
    if (out->problem[0])
        return error_set("%s: cannot be written: %s", path, out->problem);
    if (file_create(&file, path) != 0)
        return -1;
    if (write_all(out, file.stream) != 0) {
        file_abandon(&file);
        return error_set("%s: cannot be written: %s%s", path, error_message(),
                         access(path, F_OK) == 0 ? "; what stood there is unchanged" : "");
    }
    return file_commit(&file);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct safetensors {
    char *path;
    FILE *file;
    uint8_t *data; /* all arrays, of a file that can be read only once; else NULL: they are read */
    uint64_t data_start, data_length; /* in the file */
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

/* Where an array lies among the data. */
struct span {
    const char *name;
    uint64_t start, end;
};

/* The span of one array of the header, if its type, shape and offsets agree. */
static int read_item(const struct safetensors *in, const char *name, const json_t *item,
                     struct span *span)
{
    const json_t *shape = json_object_get(item, "shape"),
                 *offsets = json_object_get(item, "data_offsets"), *dimension;
    const char *type = json_string_value(json_object_get(item, "dtype"));
    size_t size, k;
    if (!type || !json_is_array(shape) || json_array_size(offsets) != 2 ||
        !json_is_integer(json_array_get(offsets, 0)) ||
        !json_is_integer(json_array_get(offsets, 1)))
        return error_set("%s: the header's entry \"%s\" is not an array's", in->path, name);
    if (!known_type(type, &size))
        return error_set("%s: array \"%s\" has an unknown type \"%s\"", in->path, name, type);
    uint64_t bytes = size;
    json_array_foreach(shape, k, dimension)
    {
        const json_int_t extent = json_is_integer(dimension) ? json_integer_value(dimension) : -1;
        if (extent < 0 || __builtin_mul_overflow(bytes, (uint64_t)extent, &bytes))
            return error_set("%s: array \"%s\" has an impossible shape", in->path, name);
    }
    const json_int_t start = json_integer_value(json_array_get(offsets, 0)),
                     end = json_integer_value(json_array_get(offsets, 1));
    if (start < 0 || end < start || (uint64_t)(end - start) != bytes)
        return error_set("%s: array \"%s\" does not have the bytes of its shape", in->path, name);
    *span = (struct span){name, (uint64_t)start, (uint64_t)end};
    return 0;
}

static int check_metadata(const struct safetensors *in, json_t *metadata)
{
    const char *key;
    json_t *text;
    if (!json_is_object(metadata))
        return error_set("%s: __metadata__ is not an object", in->path);
    json_object_foreach(metadata, key, text)
    {
        if (!json_is_string(text))
            return error_set("%s: __metadata__ \"%s\" is not a text", in->path, key);
    }
    return 0;
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    return left->start != right->start ? (left->start > right->start) - (left->start < right->start)
                                       : (left->end > right->end) - (left->end < right->end);
}

/* Each array must begin where the last one ends; *end is where all of them do. */
static int check_order(const struct safetensors *in, struct span *spans, size_t count,
                       uint64_t *end)
{
    *end = 0;
    qsort(spans, count, sizeof *spans, compare_spans);
    for (size_t k = 0; k < count; *end = spans[k++].end)
        if (spans[k].start != *end)
            return error_set("%s: array \"%s\" %s: the file is damaged", in->path, spans[k].name,
                             spans[k].start < *end ? "overlaps another"
                                                   : "has bytes before it that belong to none");
    return 0;
}

/* Checks all that the header says, and how many bytes it says there are behind it. */
static int check_header(const struct safetensors *in, uint64_t *bytes)
{
    const char *name;
    json_t *item;
    size_t count = 0;
    int result = 0;
    struct span *spans = mem_new(json_object_size(in->header), sizeof *spans);
    if (!spans)
        return -1;
    json_object_foreach(in->header, name, item)
    {
        result = strcmp(name, "__metadata__") == 0 ? check_metadata(in, item)
                                                   : read_item(in, name, item, &spans[count++]);
        if (result != 0)
            break;
    }
    if (result == 0)
        result = check_order(in, spans, count, bytes);
    free(spans);
    return result;
}

static int refuse_read(const struct safetensors *in)
{
    return error_set("%s: cannot be read: %s", in->path, strerror(errno));
}

static int refuse_cut(const struct safetensors *in, uint64_t wanted, uint64_t found)
{
    return error_set("%s: is cut off: by its header it would have %llu bytes, and it has %llu",
                     in->path, (unsigned long long)wanted, (unsigned long long)found);
}

/* The bytes of the header that are still to be read. */
struct header_bytes {
    FILE *file;
    uint64_t left;
};

static size_t next_bytes(void *buffer, size_t room, void *context)
{
    struct header_bytes *bytes = context;
    const size_t wanted = bytes->left < room ? (size_t)bytes->left : room,
                 got = fread(buffer, 1, wanted, bytes->file);
    bytes->left -= got;
    return got;
}

/* Where to go when there is no memory for what is parsed: jansson leaves out characters then, and
 * stumbles over what is left. What it has taken until then is lost. */
static _Thread_local jmp_buf *no_memory_here;

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    if (!memory && no_memory_here)
        longjmp(*no_memory_here, 1);
    return memory;
}

/* Returns whether there was memory for it. */
static bool parse_json(struct header_bytes *bytes, json_t **json, json_error_t *problem)
{
    jmp_buf here;
    const bool returned = setjmp(here) != 0;
    if (!returned) {
        no_memory_here = &here;
        json_set_alloc_funcs(allocate, free);
        *json = json_load_callback(next_bytes, bytes, JSON_REJECT_DUPLICATES, problem);
    }
    no_memory_here = NULL;
    return !returned;
}

/* Reads the header; of a file of known size nothing is read that does not fit it. */
static int parse_header(struct safetensors *in, const uint64_t *size)
{
    uint64_t length = 0;
    json_error_t problem;
    const size_t got = fread(&length, 1, sizeof length, in->file);
    const int first = getc(in->file);
    length = le64toh(length);
    if (ferror(in->file))
        return refuse_read(in);
    if (got < sizeof length)
        return error_set("%s: is not a safetensors file: it has %zu bytes", in->path, got);
    if (first != '{' || length < 2 || length > HEADER_MOST)
        return error_set("%s: is not a model, which is a run's directory or a .safetensors file",
                         in->path);
    if (size && length > *size - LENGTH_BYTES)
        return refuse_cut(in, LENGTH_BYTES + length, *size);
    ungetc(first, in->file);
    struct header_bytes bytes = {in->file, length};
    if (!parse_json(&bytes, &in->header, &problem))
        return error_set("%s: no memory for its header", in->path);
    if (ferror(in->file))
        return refuse_read(in);
    if (!in->header && feof(in->file))
        return refuse_cut(in, LENGTH_BYTES + length, LENGTH_BYTES + length - bytes.left);
    if (!json_is_object(in->header))
        return error_set("%s: its header is damaged: %s", in->path, problem.text);
    in->data_start += LENGTH_BYTES + length;
    return 0;
}

/* Reads up to `most` bytes into memory. */
static int read_data(struct safetensors *in, uint64_t most)
{
    size_t used = 0, capacity = 0, got;
    do {
        const uint64_t left = most - used;
        const size_t room = left < 1 << 16 ? (size_t)left : 1 << 16;
        if (mem_grow(&in->data, &capacity, used + room, 1) != 0)
            return -1;
        got = fread(in->data + used, 1, room, in->file);
        used += got;
    } while (got > 0);
    in->data_length = used;
    return ferror(in->file) ? refuse_read(in) : 0;
}

const char *safetensors_find_text(const struct safetensors *in, const char *key)
{
    return json_string_value(json_object_get(json_object_get(in->header, "__metadata__"), key));
}

static int refuse_damage(const struct safetensors *in, const char *what)
{
    return error_set("%s: its %s not what was saved: the file is damaged, or another program "
                     "changed it: take another copy, or, if the change was meant, remove "
                     "\"" DATA_KEY "\" and \"" HEADER_KEY "\" from its metadata",
                     in->path, what);
}

/* Holds the header against its checksum, which files of older versions and of other programs lack.
 */
static int check_checksum(const struct safetensors *in)
{
    unsigned long checksum;
    char digits[9], saved[9] = "";
    const char *text = safetensors_find_text(in, HEADER_KEY);
    if (!text)
        return safetensors_find_text(in, DATA_KEY) ? refuse_damage(in, "header is") : 0;
    snprintf(saved, sizeof saved, "%s", text);
    json_object_del(json_object_get(in->header, "__metadata__"), HEADER_KEY);
    if (checksum_header(in->header, &checksum) != 0)
        return error_set("%s: %s", in->path, error_message());
    snprintf(digits, sizeof digits, "%08lx", checksum);
    return strcmp(digits, saved) == 0 ? 0 : refuse_damage(in, "header is");
}

/* Reads the header, and of what is no regular file, all that the header promises. */
static int open_file(struct safetensors *in)
{
    struct stat status;
    uint64_t promised, size = 0;
    if (!(in->file = file_open(in->path)))
        return -1;
    const off_t start = lseek(fileno(in->file), 0, SEEK_CUR);
    const bool regular =
        start >= 0 && fstat(fileno(in->file), &status) == 0 && S_ISREG(status.st_mode);
    if (regular && status.st_size > start)
        size = (uint64_t)(status.st_size - start);
    if (parse_header(in, regular ? &size : NULL) != 0 || check_checksum(in) != 0 ||
        check_header(in, &promised) != 0 || (!regular && read_data(in, promised + 1) != 0))
        return -1;
    if (regular)
        in->data_length = size - in->data_start;
    if (in->data_length < promised)
        return refuse_cut(in, in->data_start + promised, in->data_start + in->data_length);
    if (in->data_length > promised)
        return error_set("%s: has bytes behind its last array, which ends at byte %llu: the file "
                         "is damaged",
                         in->path, (unsigned long long)(in->data_start + promised));
    in->data_start += regular ? (uint64_t)start : 0;
    return 0;
}

struct safetensors *safetensors_open(const char *path)
{
    struct safetensors *in = mem_new(1, sizeof *in);
    if (in && (in->path = mem_copy(path, strlen(path))) != NULL && open_file(in) == 0)
        return in;
    safetensors_free(in);
    return NULL;
}

/* Reads `count` bytes of the arrays, from byte `at` of them on. */
static int read_bytes(const struct safetensors *in, uint64_t at, void *to, size_t count)
{
    char *next = to;
    if (in->data) {
        memcpy(to, in->data + at, count);
        return 0;
    }
    while (count > 0) {
        const ssize_t got = pread(fileno(in->file), next, count, (off_t)(in->data_start + at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set("%s: cannot be read: %s", in->path,
                             got < 0 ? strerror(errno) : "it was cut off meanwhile");
        next += got;
        at += (uint64_t)got;
        count -= (size_t)got;
    }
    return 0;
}

/* Holds the arrays against the checksum in the header, if there is one. */
static int check_data(const struct safetensors *in)
{
    const char *saved = safetensors_find_text(in, DATA_KEY);
    unsigned long checksum = crc32(0, NULL, 0);
    uint8_t block[BLOCK];
    char digits[9];
    for (uint64_t at = 0; saved && at < in->data_length; at += BLOCK) {
        const uint64_t left = in->data_length - at;
        const size_t count = left < BLOCK ? (size_t)left : BLOCK;
        if (read_bytes(in, at, block, count) != 0)
            return -1;
        checksum = crc32(checksum, block, (uInt)count);
    }
    snprintf(digits, sizeof digits, "%08lx", checksum);
    if (saved && strcmp(digits, saved) != 0)
        return refuse_damage(in, "arrays are");
    return 0;
}

struct safetensors *safetensors_load(const char *path)
{
    struct safetensors *in = safetensors_open(path);
    if (!in || check_data(in) == 0)
        return in;
    safetensors_free(in);
    return NULL;
}

void safetensors_free(struct safetensors *in)
{
    if (!in)
        return;
    if (in->file)
        fclose(in->file);
    json_decref(in->header);
    free(in->data);
    free(in->path);
    free(in);
}

const char *safetensors_path(const struct safetensors *in)
{
    return in->path;
}

const char *safetensors_text(const struct safetensors *in, const char *key)
{
    const char *text = safetensors_find_text(in, key);
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

/* Finds an array of that type and shape: where it begins among the data. */
static int find(const struct safetensors *in, const char *name, const char *type, size_t rows,
                size_t columns, uint64_t *start)
{
    json_t *item = json_object_get(in->header, name), *shape = json_object_get(item, "shape");
    if (!item)
        return error_set("%s: has no array \"%s\"", in->path, name);
    if (strcmp(json_string_value(json_object_get(item, "dtype")), type) != 0)
        return error_set("%s: array \"%s\" is not of type %s", in->path, name, type);
    if (json_array_size(shape) != (columns ? 2u : 1u) ||
        json_integer_value(json_array_get(shape, 0)) != (json_int_t)rows ||
        (columns && json_integer_value(json_array_get(shape, 1)) != (json_int_t)columns)) {
        char wanted[48];
        snprintf(wanted, sizeof wanted, columns ? "%zu, %zu" : "%zu", rows, columns);
        char *found = json_dumps(shape, 0);
        error_set("%s: array \"%s\" has the shape %s where [%s] is needed", in->path, name,
                  found ? found : "?", wanted);
        free(found);
        return -1;
    }
    *start = (uint64_t)json_integer_value(json_array_get(json_object_get(item, "data_offsets"), 0));
    return 0;
}

int safetensors_check_reals(const struct safetensors *in, const char *name, size_t rows,
                            size_t columns)
{
    uint64_t start = 0;
    return find(in, name, "F32", rows, columns, &start);
}

/* Numbers of the file to where they are in memory. */
static void scatter(struct stretch stretch, const float *numbers, real *data)
{
    for (size_t k = 0; k < stretch.count; k++)
        data[place_of(&stretch, k)] = (real)numbers[k];
}

int safetensors_read_reals(const struct safetensors *in, const char *name, size_t rows,
                           size_t columns, real *data, bool transposed)
{
    const size_t count = rows * width(columns);
    uint64_t start = 0;
    float numbers[BLOCK];
    if (find(in, name, "F32", rows, columns, &start) != 0)
        return -1;
    for (size_t first = 0; first < count; first += BLOCK) {
        const struct stretch stretch = stretch_of(rows, columns, transposed, first);
        if (read_bytes(in, start + first * sizeof *numbers, numbers,
                       stretch.count * sizeof *numbers) != 0)
            return -1;
        swap_floats(numbers, stretch.count);
        const size_t bad = first + find_not_finite(numbers, stretch.count);
        if (bad < first + stretch.count)
            return error_set("%s: array \"%s\" has a number that is not finite, at [%zu, %zu]: the "
                             "file is damaged",
                             in->path, name, bad / width(columns), bad % width(columns));
        scatter(stretch, numbers, data);
    }
    return 0;
}

int safetensors_read_u64(const struct safetensors *in, const char *name, size_t count,
                         uint64_t *data)
{
    uint64_t start = 0;
    if (find(in, name, "U64", count, 0, &start) != 0 ||
        read_bytes(in, start, data, count * sizeof *data) != 0)
        return -1;
    for (size_t k = 0; k < count; k++)
        data[k] = le64toh(data[k]);
    return 0;
}
