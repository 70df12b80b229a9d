/* Discovery: which unit goes with which label of a text. Candidates, at most 32 signals of a label,
 * are chosen on the first half of the text and scored on the second, against what the current
 * character alone tells and against circular shifts of the label by a tenth of the text or more. Of
 * a half over 32,768 characters, so many are shifted: blocks of 256 from all over it.
 *
 * A p is at least one in the number of those shifts, 0.3 of the text's characters. To be the only
 * finding among G tests (two for a label at most: along a line, and of another shape) takes a p of
 * 0.01 / G, so a text of 330 · G characters; a short one shows what many labels agree in, or
 * nothing. */
#ifndef RUNE_DISCOVER_H
#define RUNE_DISCOVER_H

#include <stddef.h>

#include "labels.h"
#include "team.h"
#include "trace.h"

/* auc: binary labels, area under the ROC curve with the sign folded, 0.5 … 1; r: scalar ones,
 * Pearson's; mi: any, where the relation has another shape: mutual information over quantile bins
 * as the correlation √(1 − e^(−2I)) of equal information (Linfoot 1957) for scalar labels, as the
 * share of the label's entropy for binary ones. */
enum measure { MEASURE_AUC, MEASURE_R, MEASURE_MI };
extern const char *const measure_names[]; /* "auc", "r", "mi" */

/* A signal and a label that go together, on the second half of the text. */
struct discovery {
    size_t signal, label;
    enum measure measure; /* that it was found by */
    float score;          /* in it; r with its sign */
    float baseline;       /* what the current character alone reaches, magnitude */
    int sign;             /* 1: higher where the label is; −1: lower; 0 by mi where neither is
                             clear */
    float auc, average_precision; /* of a binary label, in the direction of the sign; else NAN */
    float r, r2;                  /* Pearson's, signed, and its square */
    float information;            /* mutual information in bits */
    float on, off;                /* the signal's mean where a binary label is on, and elsewhere */
    float p; /* of one as good by chance among the candidates it was tested with: those of the label
                that were chosen along a line, or for another shape */
};

/* How far it went with a label: the signal that goes best with it on the first half of the text, in
 * AUC (0.5 … 1) or |r|. NAN for a label that does not vary in both halves. */
struct attempt {
    size_t signal;
    float score, baseline;
};

struct discoveries {
    struct discovery *list; /* best first: by what is above the character alone; last of all what
                               goes with a label that only rises, or falls, from the text's start
                               to its end: in one text all that drifts goes together */
    size_t count;
    size_t *units; /* [num_units] of the list: the best of each unit (layer, unit), best first */
    size_t num_units;
    size_t num_signals, num_labels; /* that were tried */
    struct attempt *attempts;       /* [num_labels]; NULL for a text that is too short */
};

#define DISCOVER_RATE 0.01 /* false discovery rate over labels (Benjamini & Hochberg 1995) */

/* Fills zeroed discoveries. The trace's arrays are only read. Text of under 327 characters has too
 * few shifts for any. Returns 0, or −1 and a message. */
int discover(struct discoveries *discoveries, struct team *team, const struct trace *trace,
             const struct labels *labels);

/* "no unit was found to go with “year” …": what is said of a label that no discovery is of. Writes
 * at most `size` bytes with the NUL, never half a character; returns out. */
char *attempt_describe(const struct discoveries *discoveries, const struct trace *trace,
                       const struct labels *labels, size_t label, char *out, size_t size);

/* Safe on zeroed ones. */
void discoveries_release(struct discoveries *discoveries);

/* "layer 1 unit 37: counts down to the end of the line (r = −0.93)", of c "layer 1 unit 37, cell
 * state c: …"; at most `size` bytes with the NUL. Returns out. */
char *discovery_describe(const struct discovery *discovery, const struct trace *trace,
                         const struct labels *labels, char *out, size_t size);

#endif
