#include "caption.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glyph.h"
#include "mem.h"

char *caption_of_trace(const struct trace *trace)
{
    static const char separator[] = ", read by ";
    const size_t room = strlen(trace->text) + sizeof separator + strlen(trace->model);
    char *names = mem_new(room, 1), *caption = NULL;
    if (names) {
        snprintf(names, room, "%s%s%s", trace->text, separator, trace->model);
        caption = glyph_shown(names, strlen(names));
    }
    free(names);
    return caption;
}

char *caption_of_discovery(const struct inspection *inspection, size_t discovery)
{
    char sentence[DISCOVERY_ROOM];
    discovery_describe(&inspection->discoveries.list[discovery], &inspection->trace,
                       &inspection->labels, sentence);
    return glyph_shown(sentence, strlen(sentence));
}

char *caption_of_attempt(const struct inspection *inspection, size_t label)
{
    char sentence[DISCOVERY_ROOM];
    attempt_describe(&inspection->discoveries, &inspection->trace, &inspection->labels, label,
                     sentence);
    return glyph_shown(sentence, strlen(sentence));
}

size_t caption_find(const struct discoveries *discoveries, size_t signal)
{
    size_t d = 0;
    while (d < discoveries->count && discoveries->list[d].signal != signal)
        d++;
    return d;
}

char *caption_of_signal(const struct inspection *inspection, size_t signal)
{
    const size_t d = caption_find(&inspection->discoveries, signal);
    return d < inspection->discoveries.count ? caption_of_discovery(inspection, d)
                                             : glyph_shown("", 0);
}

char *caption_of_curve(const struct reach *reach, int curve, char *out, size_t room)
{
    if (curve == reach->curves - 1)
        snprintf(out, room, "input");
    else
        snprintf(out, room, "layer %d", curve);
    return out;
}
