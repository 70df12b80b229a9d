/* Discovery: finds units that are related to labels of a text. At most 32 signals of a label are
 * screened as candidates on the first half of the text and tested on the second: against the
 * baseline, which is what the current symbol alone tells of the label, and against circular shifts
 * of the label by a tenth of the text or more. Of a half over 32,768 characters, an excerpt of that
 * length is shifted: blocks of 256 characters, evenly spaced.
 *
 * No p is less than 1 in the number of those shifts, which is 0.3 of the text's characters. With G
 * groups of candidates (at most two of a label: linear and nonlinear ones), a single finding takes
 * a p of 0.01 / G, so a text of 330 · G characters. A shorter text shows findings of many labels at
 * once, or none. */
#ifndef RUNE_DISCOVER_H
#define RUNE_DISCOVER_H

#include <stddef.h>

#include "arena.h"
#include "labels.h"
#include "team.h"
#include "trace.h"

/* auc: of a binary label, the area under the ROC curve in the direction of the sign, 0.5 … 1.
 * r: of a scalar label, Pearson's.
 * mi: of any label, where the relation is nonlinear: mutual information over quantile bins, from 0
 * to 1 (see measure_mi). */
enum measure { MEASURE_AUC, MEASURE_R, MEASURE_MI };
extern const char *const measure_names[]; /* "auc", "r", "mi" */

/* A signal that is related to a label; all numbers are of the second half of the text. */
struct discovery {
    size_t signal, label;
    enum measure measure; /* that it was found by */
    float score;          /* in it; r with its sign */
    float baseline;       /* what the current symbol alone reaches; never negative */
    int sign; /* 1: it rises with the label; −1: it falls; 0: by mi, where neither is clear */
    float auc, average_precision; /* of a binary label, in the direction of the sign; else NAN */
    float r, r2;                  /* Pearson's, signed, and its square */
    float information;            /* mutual information in bits */
    float on, off;                /* the signal's mean where a binary label is on, and elsewhere */
    float p;                      /* that a candidate of its group is as good by chance */
};

/* The signal that is most related to a label on the first half of the text, by AUC (0.5 … 1) or
 * |r|. NAN for a label that does not vary in both halves. */
struct attempt {
    size_t signal;
    float score, baseline;
};

/* The list is ordered by what is above the baseline. Labels that only rise, or only fall, from the
 * text's start to its end come last: within one text all that drifts is related. */
struct discoveries {
    struct discovery *list; /* best first */
    size_t count;
    size_t *units; /* [num_units] indices into the list: the best of each unit, best first */
    size_t num_units;
    size_t num_signals, num_labels; /* that were compared */
    struct attempt *attempts;       /* [num_labels]; NULL for a text that is too short */
};

#define DISCOVER_RATE 0.01 /* false discovery rate over groups (Benjamini & Hochberg 1995) */

/* Fills zeroed discoveries, which lie in `memory`; the trace is only read. A text of under 327
 * characters has too few shifts for any. Returns 0, or −1 and a message. */
int discover(struct discoveries *discoveries, struct arena *memory, struct team *team,
             const struct trace *trace, const struct labels *labels);

#define DISCOVERY_ROOM 512 /* bytes for a sentence */

/* "no unit was found to go with “year” …": the sentence for a label without a discovery. Returns
 * out. */
char *attempt_describe(const struct discoveries *discoveries, const struct trace *trace,
                       const struct labels *labels, size_t label, char out[DISCOVERY_ROOM]);

/* "layer 1 unit 37: counts down to the end of the line (r = −0.93)", of c "layer 1 unit 37, cell
 * state c: …". Returns out. */
char *discovery_describe(const struct discovery *discovery, const struct trace *trace,
                         const struct labels *labels, char out[DISCOVERY_ROOM]);

#endif
