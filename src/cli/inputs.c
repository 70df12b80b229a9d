#include "inputs.h"

#include "decoder.h"
#include "error.h"
#include "reader.h"
#include "rundir.h"
#include "say.h"

int inputs_check_encoding(const char *encoding)
{
    if (reader_is_utf8(encoding) || decoder_check(encoding) == 0)
        return 0;
    return error_set("--encoding: %s", error_message());
}

int inputs_gather(struct sources *sources, const char *const *names, int num_names,
                  const char *list, const struct text_treatment *treatment, bool quiet)
{
    char note[1000];
    const struct sources_options options = {
        .names = names,
        .num_names = num_names,
        .list = list,
        .treatment = *treatment,
        .run_file = RUNDIR_LAST,
    };
    if (sources_gather(sources, &options) != 0)
        return -1;
    if (!quiet && *sources_describe(sources, note, sizeof note))
        say("note: %s", note);
    return 0;
}
