/* Reading whole files, and writing them atomically: a file is written under a temporary name in the
 * same directory and then renamed, so that a partial file never stands at its path. */
#ifndef RUNE_FILE_H
#define RUNE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Opens a file, a pipe or stdin ("-") for reading; the caller closes it with fclose(). Returns NULL
 * and a message that names the path if it cannot be read or is a directory. */
FILE *file_open(const char *path);

/* The path as messages name it: "standard input" for "-". */
const char *file_name(const char *path);

/* Reads a whole file ("-": stdin). The caller frees *data; a NUL follows its *length bytes. Returns
 * 0, or −1 and a message. */
int file_read(const char *path, uint8_t **data, size_t *length);

/* A file being written: write to `stream`, then commit or abandon it. */
struct file_out {
    FILE *stream;
    char *path, *temporary;
};

/* Opens a temporary file in the directory of `path`. Returns 0, or −1, errno and a message. */
int file_create(struct file_out *out, const char *path);

/* Flushes, syncs and renames the file into place. On failure, such as a full disk, the temporary
 * file is removed and an older file at the path stays unchanged. Releases `out`. Returns 0, or −1
 * and a message. */
int file_commit(struct file_out *out);

/* Removes the temporary file and releases `out`. Safe on a zeroed or committed one. */
void file_abandon(struct file_out *out);

/* Installs handlers for SIGINT, SIGTERM, SIGHUP and SIGPIPE that remove uncommitted files before
 * the signal ends the program. */
void file_clean_on_signals(void);

/* To be called in a forked process: leaves uncommitted files to the parent, which removes them. */
void file_disown(void);

/* Sets the message of a failed write: "path: what: reason: what to do". `number` is an errno.
 * Returns −1. */
int file_write_error(const char *path, const char *what, int number);

/* Copies stdin to a temporary file in the directory of `path`, which messages do not name, and
 * flushes it. The copy can be read
 * as out->temporary until the caller commits or abandons it. Returns 0, or −1 and a message. */
int file_copy_stdin(struct file_out *out, const char *path);

/* Opens a file without a name in the directory of `path`, for reading and writing. The system
 * removes it when it is closed, however the program ends. Returns a file descriptor, or −1 and the
 * message "path: what: reason". */
int file_open_unnamed(const char *path, const char *what);

/* Removes temporary files that killed processes left in a directory. Files that a process is still
 * writing and files of other programs stay. */
void file_sweep(const char *directory);

/* Returns the path escaped for glob(), with `extra` bytes of free space after its NUL. The caller
 * frees it. NULL and a message if memory is short. */
char *file_pattern(const char *path, size_t extra);

/* Makes a directory and its parents unless they exist. Returns 0, or −1 and a message. */
int file_make_directory(const char *path);

/* For a caller that may remove again what file_make_directory makes: how many bytes of the path,
 * from its start, name a directory that exists; 0 if none. */
size_t file_existing_part(const char *path);

/* Removes the directory and its parents, as long as they are empty and longer than `kept` bytes of
 * the path. */
void file_unmake_directory(const char *path, size_t kept);

/* Returns "directory/name", which the caller frees. NULL and a message if memory is short. */
char *file_join(const char *directory, const char *name);

/* The same for the directory of temporary files: $TMPDIR, or /tmp. */
char *file_temporary(const char *name);

#endif
