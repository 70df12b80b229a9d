/* What was perhaps meant by a name that rune does not have. */
#ifndef RUNE_SUGGEST_H
#define RUNE_SUGGEST_H

#include <stddef.h>

#include "options.h"

/* A name in another program for one of rune. A name may have several rows. */
struct synonym {
    const char *other; /* in lower case, with dashes between words */
    const char *ours;  /* counts only where it is among the names; NULL: rune has none */
    const char *note;  /* where `ours` is NULL: why, or what to do instead */
};

#define SUGGEST_ROOM 256 /* bytes */

/* Writes "did you mean --a?", "did you mean --a, --b or --c?" or a synonym's note to `out`, or ""
 * if nothing is similar. Looks for names that are the typed one in another spelling (Max_steps),
 * begin with it, have a word that does (steps), go by it in another program, or differ in few
 * letters, in this order. `dashes` stand before each name in the message. `synonyms` ends with a
 * zeroed row. */
void suggest(char out[SUGGEST_ROOM], struct option_item typed, const char *dashes,
             const char *const *names, size_t count, const struct synonym *synonyms);

/* Whether a name is the typed one, where capitals count as small letters and "_" as "-". */
bool suggest_same(struct option_item typed, const char *name);

/* What other programs call options of rune's commands. */
extern const struct synonym suggest_options[];

#endif
