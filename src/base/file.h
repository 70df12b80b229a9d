/* Files: read whole, or written beside their place and renamed, so that at no moment there is half
 * a file. */
#ifndef RUNE_FILE_H
#define RUNE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Opens a regular file, pipe or, for "-", stdin for reading; fclose() closes it. NULL and a message
 * that names the path if it cannot be read or is a directory. */
FILE *file_open(const char *path);

/* The name of a path in messages: "-" is "stdin". */
const char *file_name(const char *path);

/* Reads the whole of a file ("-": stdin). *data is the caller's, to free(), and has a NUL behind
 * its *length bytes. Returns 0, or −1 and a message. */
int file_read(const char *path, uint8_t **data, size_t *length);

/* A file under way: write to `stream`, then commit or abandon. */
struct file_out {
    FILE *stream;
    char *path, *temporary;
};

/* Opens a temporary file beside `path`. Returns 0, or −1 and a message. */
int file_create(struct file_out *out, const char *path);

/* Flushes, syncs and renames the file into place; on failure (a full disk, say) removes it and
 * leaves untouched what stood at the path, if anything did. Returns 0, or −1 and a message.
 * Releases `out`. */
int file_commit(struct file_out *out);

/* Removes the temporary file and releases `out`. Safe on a zeroed or committed one. */
void file_abandon(struct file_out *out);

/* From here on a signal that ends the program (SIGINT, SIGTERM, SIGHUP, SIGPIPE) removes the files
 * that are under way first. */
void file_clean_on_signals(void);

/* In a process that was forked: files under way are the first process's to remove. */
void file_disown(void);

/* Sets the message of a write that failed for the reason `number` (an errno): "path: what: reason:
 * what to do about it". Returns −1. */
int file_write_error(const char *path, const char *what, int number);

/* Copies stdin to a temporary file beside `path` and flushes it, so that it can be read under the
 * name out->temporary; the caller commits or abandons it. Returns 0, or −1 and a message. */
int file_copy_stdin(struct file_out *out, const char *path);

/* Opens a file without a name in the directory of `path`, for reading and writing. The system
 * removes it when it is closed, however the program ends. Returns a file descriptor, or −1 and the
 * message "path: what: reason". */
int file_open_unnamed(const char *path, const char *what);

/* Removes the temporary files that killed processes left in a directory. Files that a process still
 * writes, and files that this program did not name, stay. */
void file_sweep(const char *directory);

/* A path as a pattern of glob() that matches it alone, with `room` bytes more behind its NUL: new
 * memory, to free(). NULL and a message if there is none. */
char *file_pattern(const char *path, size_t room);

/* Makes a directory and its parents; one that is there is fine. Returns 0, or −1 and a message. */
int file_make_directory(const char *path);

/* "directory/name" in new memory, to free(). NULL and a message if there is none. */
char *file_join(const char *directory, const char *name);

/* The same in the directory for temporary files: $TMPDIR, or /tmp. */
char *file_temporary(const char *name);

#endif
