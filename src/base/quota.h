/* What the system lets this process have: memory and cores, limits of its control group (that of
 * the container it runs in) included. `root` stands before the paths that are read: "" but in
 * tests. */
#ifndef RUNE_QUOTA_H
#define RUNE_QUOTA_H

#include <stddef.h>

/* Bytes that can still be taken without swapping. Files that the kernel keeps in memory and can
 * drop count as free. More than any machine has where nothing is known. */
size_t quota_memory(const char *root);

/* Cores' worth of time, rounded up, at least 1; INT_MAX without a limit. */
int quota_cores(const char *root);

#endif
