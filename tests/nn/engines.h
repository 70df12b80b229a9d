/* Every engine that this machine can run, one after the other. */
#ifndef RUNE_TEST_ENGINES_H
#define RUNE_TEST_ENGINES_H

#include "engine.h"

/* The k-th, those of engine_at first; NULL behind the last. */
static inline const struct engine *engines_at(int k)
{
    for (int precision = 0; precision_names[precision]; precision++)
        for (int i = 0; engine_of((enum precision)precision, i); i++)
            if (k-- == 0)
                return engine_of((enum precision)precision, i);
    return NULL;
}

static inline bool engine_trains(const struct engine *engine)
{
    return engine->precision != PRECISION_INT8;
}

#endif
