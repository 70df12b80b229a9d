/* The memory and cores that this process may use, within the limits of its control group (that of
 * its container). `root` is a prefix of the paths that are read: "" except in tests. */
#ifndef RUNE_QUOTA_H
#define RUNE_QUOTA_H

#include <stddef.h>

/* Bytes that can still be allocated without swapping. Page cache that the kernel can drop counts as
 * free. A number larger than any machine's memory if nothing is known. */
size_t quota_memory(const char *root);

/* The limit on CPU time, in cores, rounded up, at least 1; INT_MAX if there is none. */
int quota_cores(const char *root);

#endif
