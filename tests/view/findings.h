/* An inspection with plausible invented values in all its parts, for tests of views. */
#ifndef RUNE_FINDINGS_H
#define RUNE_FINDINGS_H

#include "example.h"

#define FINDINGS_HIDDEN 40
#define FINDINGS_STEPS 50
#define FINDINGS_LABELS 6

/* A text of verses with a card, gates, ablation and discoveries for the signals of the example, a
 * reach, and output weights; chosen are c 1:0, h 1:0 and h 0:1. Released by example_release. */
void findings_init(struct example *example);

/* Adds them to an existing example, of which text, signals and options stay as they are. */
void findings_add(struct example *example);

#endif
