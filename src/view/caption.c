#include "caption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glyph.h"
#include "mem.h"

char *caption_of_trace(const struct trace *trace)
{
    static const char between[] = ", read by ";
    const size_t room = strlen(trace->text) + sizeof between + strlen(trace->model);
    char *names = mem_new(room, 1), *caption = NULL;
    if (names) {
        snprintf(names, room, "%s%s%s", trace->text, between, trace->model);
        caption = glyph_shown(names, strlen(names));
    }
    free(names);
    return caption;
}

char *caption_of_discovery(const struct inspection *inspection, size_t discovery)
{
    char sentence[CAPTION_ROOM];
    discovery_describe(&inspection->discoveries.list[discovery], &inspection->trace,
                       &inspection->labels, sentence, sizeof sentence);
    return glyph_shown(sentence, strlen(sentence));
}

char *caption_of_attempt(const struct inspection *inspection, size_t label)
{
    char sentence[CAPTION_ROOM];
    attempt_describe(&inspection->discoveries, &inspection->trace, &inspection->labels, label,
                     sentence, sizeof sentence);
    return glyph_shown(sentence, strlen(sentence));
}

char *caption_of_signal(const struct inspection *inspection, size_t signal)
{
    const struct discoveries *discoveries = &inspection->discoveries;
    for (size_t d = 0; d < discoveries->count; d++)
        if (discoveries->list[d].signal == signal)
            return caption_of_discovery(inspection, d);
    return glyph_shown("", 0);
}

char *caption_of_curve(const struct reach *reach, int curve, char *out, size_t room)
{
    if (curve == reach->curves - 1)
        snprintf(out, room, "input");
    else
        snprintf(out, room, "layer %d", curve);
    return out;
}
