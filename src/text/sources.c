#include "sources.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "file.h"
#include "mem.h"
#include "reader.h"

struct gatherer {
    struct sources *sources;
    const struct sources_options *options;
    struct reader *reader; /* finds out what is text */
    bool binary;           /* of the file that is checked: it has a NUL */
};

/* Files, or one file and many, in the words of a note. */
static const struct {
    const char *one, *many;
} reasons[NUM_SOURCE_LEFT_OUT] = {
    [SOURCE_EMPTY] = {"empty file", "empty files"},
    [SOURCE_HIDDEN] = {"hidden", "hidden"},
    [SOURCE_BINARY] = {"binary file", "binary files"},
    [SOURCE_NOT_TEXT] = {"in another encoding", "in other encodings"},
    [SOURCE_LARGE] = {"over 100 MB", "over 100 MB"},
    [SOURCE_LINK] = {"symbolic link", "symbolic links"},
    [SOURCE_SPECIAL] = {"pipe, socket or device", "pipes, sockets or devices"},
    [SOURCE_UNREADABLE] = {"unreadable", "unreadable"},
    [SOURCE_BAD_NAME] = {"with a name that is not UTF-8", "with names that are not UTF-8"},
    [SOURCE_RUN] = {"directory of a run", "directories of runs"},
    [SOURCE_DIRECTORY] = {"directory of the list", "directories of the list"},
};

/* The example is the first path in byte order, whatever the order in which they are found. */
static int leave_out(struct sources *sources, enum source_left_out why, const char *path)
{
    char **const example = &sources->left_out[why].example;
    if (sources->left_out[why].count++ > 0 && strcmp(path, *example) >= 0)
        return 0;
    free(*example);
    *example = mem_copy(path, strlen(path));
    return *example ? 0 : -1;
}

static int add(struct sources *sources, const char *path)
{
    if (mem_grow(&sources->files, &sources->capacity, sources->count + 1, sizeof *sources->files) !=
        0)
        return -1;
    char *copy = mem_copy(path, strlen(path));
    if (!copy)
        return -1;
    sources->files[sources->count++] = copy;
    return 0;
}

/* --- what is text ----------------------------------------------------------------------------- */

static int pass_run(void *context, const struct segmenter_run *run)
{
    (void)context, (void)run;
    return 0;
}

/* Stops at a block with a NUL, unless NULs are part of the encoding. */
static int check_block(void *context, const uint8_t *block, size_t length)
{
    struct gatherer *gatherer = context;
    gatherer->binary =
        reader_is_utf8(gatherer->options->treatment.encoding) && memchr(block, 0, length);
    return gatherer->binary;
}

static int add_if_text(struct gatherer *gatherer, const char *path)
{
    struct text_notes notes = {0};
    gatherer->binary = false;
    const int result =
        reader_read(gatherer->reader, path, path, pass_run, check_block, gatherer, &notes);
    if (gatherer->binary || reader_found_binary(gatherer->reader) || notes.nul_bytes > 0)
        return leave_out(gatherer->sources, SOURCE_BINARY, path);
    if (reader_found_no_text(gatherer->reader))
        return leave_out(gatherer->sources, SOURCE_NOT_TEXT, path);
    if (result != 0 && error_is_memory())
        return -1;
    return result == 0 ? add(gatherer->sources, path)
                       : leave_out(gatherer->sources, SOURCE_UNREADABLE, path);
}

/* --- directories ------------------------------------------------------------------------------ */

static bool is_utf8(const char *path)
{
    int32_t point;
    for (size_t at = 0, length = strlen(path); at < length;) {
        const int bytes = utf8_decode((const uint8_t *)path + at, length - at, &point);
        if (bytes <= 0)
            return false;
        at += (size_t)bytes;
    }
    return true;
}

/* Whether the directory is that of a run. */
static bool is_run(const struct gatherer *gatherer, const char *directory)
{
    struct stat status;
    char *path =
        gatherer->options->run_file ? file_join(directory, gatherer->options->run_file) : NULL;
    const bool found = path && lstat(path, &status) == 0;
    free(path);
    return found;
}

/* A growing list of paths. */
struct paths {
    char **list;
    size_t count, capacity;
};

static void paths_release(struct paths *paths)
{
    for (size_t k = 0; k < paths->count; k++)
        free(paths->list[k]);
    free(paths->list);
}

/* Adds the paths of a directory's entries, those of its own directories with a slash at their end.
 * Leaves out what needs no reading. */
static int list_entry(struct gatherer *gatherer, const char *directory, const char *name,
                      struct paths *found)
{
    struct stat status;
    const size_t length = strlen(directory);
    char *path = mem_new(length + strlen(name) + 3, 1);
    if (!path ||
        mem_grow(&found->list, &found->capacity, found->count + 1, sizeof *found->list) != 0) {
        free(path);
        return -1;
    }
    sprintf(path, "%s%s%s", directory, length > 0 && directory[length - 1] == '/' ? "" : "/", name);
    found->list[found->count++] = path; /* kept until the directory has been read */
    int why = -1;
    if (name[0] == '.')
        why = SOURCE_HIDDEN;
    else if (lstat(path, &status) != 0)
        why = SOURCE_UNREADABLE;
    else if (S_ISLNK(status.st_mode))
        why = SOURCE_LINK;
    else if (!is_utf8(path))
        why = SOURCE_BAD_NAME;
    else if (S_ISDIR(status.st_mode))
        why = is_run(gatherer, path) ? SOURCE_RUN : -1;
    else if (!S_ISREG(status.st_mode))
        why = SOURCE_SPECIAL;
    else if (status.st_size == 0)
        why = SOURCE_EMPTY;
    else if (status.st_size > SOURCES_MAX_BYTES)
        why = SOURCE_LARGE;
    if (why < 0) {
        if (S_ISDIR(status.st_mode))
            strcat(path, "/");
        return 0;
    }
    const int result = leave_out(gatherer->sources, (enum source_left_out)why, path);
    free(path);
    found->count--;
    return result;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds the files of a directory and of those in it. Directories are sorted as their files' paths
 * begin, with a slash, so that all paths come in byte order. */
static int add_directory(struct gatherer *gatherer, const char *directory)
{
    struct paths found = {0};
    DIR *stream = opendir(directory);
    if (!stream)
        return leave_out(gatherer->sources, SOURCE_UNREADABLE, directory);
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = list_entry(gatherer, directory, entry->d_name, &found);
    closedir(stream); /* before those in it are opened: their depth has no limit */
    if (found.count > 0)
        qsort(found.list, found.count, sizeof *found.list, compare_paths);
    for (size_t k = 0; k < found.count && result == 0; k++) {
        const char *path = found.list[k];
        result = path[strlen(path) - 1] == '/' ? add_directory(gatherer, path)
                                               : add_if_text(gatherer, path);
    }
    paths_release(&found);
    return result;
}

/* --- names ------------------------------------------------------------------------------------ */

static int add_named(struct gatherer *gatherer, const char *path, bool listed)
{
    struct stat status;
    struct sources *sources = gatherer->sources;
    if (!listed && strcmp(path, "-") == 0)
        return add(sources, path);
    if (stat(path, &status) != 0)
        return error_set("%s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode) && listed)
        return leave_out(sources, SOURCE_DIRECTORY, path);
    if (S_ISDIR(status.st_mode)) {
        sources->gathered = true;
        return add_directory(gatherer, path);
    }
    if (S_ISREG(status.st_mode) && status.st_size == 0)
        return leave_out(sources, SOURCE_EMPTY, path);
    return add(sources, path);
}

/* A file of the list may be called "-", which is not stdin. */
static int add_listed(struct gatherer *gatherer, const char *name)
{
    return add_named(gatherer, strcmp(name, "-") == 0 ? "./-" : name, true);
}

static int add_list(struct gatherer *gatherer)
{
    const char *list = gatherer->options->list;
    uint8_t *data = NULL;
    size_t length;
    for (int k = 0; k < gatherer->options->num_names; k++)
        if (strcmp(list, "-") == 0 && strcmp(gatherer->options->names[k], "-") == 0)
            return error_set("standard input cannot be both a text and the list of --files-from");
    if (file_read(list, &data, &length) != 0)
        return -1;
    char *text = (char *)data, *const end = text + length;
    const char separator = memchr(text, '\0', length) ? '\0' : '\n';
    int result = 0;
    gatherer->sources->gathered = true;
    for (char *next; text < end && result == 0; text = next) {
        char *stop = memchr(text, separator, (size_t)(end - text));
        next = stop ? stop + 1 : end;
        stop = stop ? stop : end; /* a NUL follows the end */
        if (separator == '\n' && stop > text && stop[-1] == '\r')
            stop--;
        *stop = '\0';
        if (*text)
            result = add_listed(gatherer, text);
    }
    if (result != 0)
        error_set("%s; it is named in %s", error_message(), file_name(list));
    free(data);
    return result;
}

/* The message where no file is left. */
static int refuse(const struct sources *sources, const struct sources_options *options)
{
    char left_out[600];
    const uint64_t empty = sources->left_out[SOURCE_EMPTY].count;
    if (!sources->gathered && empty == 1)
        return error_set("%s: is empty", sources->left_out[SOURCE_EMPTY].example);
    if (!sources->gathered)
        return error_set("all %" PRIu64 " files are empty, such as %s", empty,
                         sources->left_out[SOURCE_EMPTY].example);
    sources_describe(sources, left_out, sizeof left_out);
    return error_set(
        "%s: %s", options->num_names > 0 ? options->names[0] : file_name(options->list), left_out);
}

int sources_gather(struct sources *sources, const struct sources_options *options)
{
    const struct text_treatment treatment = {
        .encoding = options->treatment.encoding,
        .unit = options->treatment.unit == VOCAB_BYTE ? VOCAB_BYTE : VOCAB_CODEPOINT};
    struct gatherer gatherer = {.sources = sources, .options = options};
    gatherer.reader = reader_new(&treatment, NULL);
    int result = gatherer.reader ? 0 : -1;
    for (int k = 0; k < options->num_names && result == 0; k++)
        result = add_named(&gatherer, options->names[k], false);
    if (options->list && result == 0)
        result = add_list(&gatherer);
    if (result == 0 && sources->count == 0)
        result = refuse(sources, options);
    reader_free(gatherer.reader);
    if (result != 0)
        sources_release(sources);
    return result;
}

void sources_release(struct sources *sources)
{
    for (size_t k = 0; k < sources->count; k++)
        free(sources->files[k]);
    free(sources->files);
    for (int why = 0; why < NUM_SOURCE_LEFT_OUT; why++)
        free(sources->left_out[why].example);
    *sources = (struct sources){0};
}

/* --- the note --------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void append(char *out, size_t room, const char *format,
                                                         ...)
{
    const size_t used = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + used, room - used, format, args);
    va_end(args);
}

char *sources_describe(const struct sources *sources, char *out, size_t room)
{
    uint64_t total = 0;
    const char *separator = "; left out: ";
    out[0] = '\0';
    for (int why = 0; why < NUM_SOURCE_LEFT_OUT; why++)
        total += sources->left_out[why].count;
    if (total == 0 && !sources->gathered)
        return out;
    if (sources->count == 0)
        append(out, room, "has no text to read");
    else
        append(out, room, "%zu file%s read", sources->count, sources->count > 1 ? "s are" : " is");
    for (int why = 0; why < NUM_SOURCE_LEFT_OUT; why++) {
        const uint64_t count = sources->left_out[why].count;
        if (count == 0)
            continue;
        append(out, room, "%s%" PRIu64 " %s (%s%s)", separator, count,
               count > 1 ? reasons[why].many : reasons[why].one, count > 1 ? "such as " : "",
               sources->left_out[why].example);
        separator = ", ";
    }
    return out;
}
