#include "origin.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "fields.h"
#include "file.h"
#include "log.h"
#include "mem.h"
#include "rundir.h"
#include "version.h"

#define TEXT "text.name"
#define INIT_FROM "init_from"
#define VERSION "rune_version"

static const struct field fields[] = {
    {"text.num_files", FIELD_COUNT, offsetof(struct origin, num_files), 1, 1e9},
    {"text.bytes", FIELD_COUNT, offsetof(struct origin, bytes), 1, 1e18},
    {"text.training", FIELD_COUNT, offsetof(struct origin, training), 1, 1e18},
    {"text.held_out", FIELD_COUNT, offsetof(struct origin, held_out), 0, 1e18},
    {"unigram_loss", FIELD_REAL, offsetof(struct origin, unigram_loss), 0, 1e300},
};

#define NUM_FIELDS (sizeof fields / sizeof *fields)

/* Adds the number of each symbol in a part to counts[V]. */
static int count_symbols(const struct corpus *corpus, const struct corpus_part *part,
                         uint64_t *counts)
{
    int32_t ids[4096];
    const size_t most = sizeof ids / sizeof *ids;
    for (uint64_t at = 0, left; (left = part->length - at) > 0;) {
        const size_t n = left < most ? (size_t)left : most;
        if (corpus_read(corpus, part, at, n, ids) != 0)
            return -1;
        for (size_t k = 0; k < n; k++)
            counts[ids[k]]++;
        at += n;
    }
    return 0;
}

int origin_measure(struct origin *origin, const struct corpus *corpus, int vocab_size)
{
    const size_t V = (size_t)vocab_size;
    const struct corpus_part *const part =
        corpus->validation.length > 0 ? &corpus->validation : &corpus->training;
    uint64_t *counts = mem_new(V, sizeof *counts), *targets = mem_new(V, sizeof *targets);
    const int result = counts && targets && count_symbols(corpus, &corpus->training, counts) == 0
                           ? count_symbols(corpus, part, targets)
                           : -1;
    const double total = (double)corpus->training.length + (double)V;
    double sum = 0;
    for (size_t id = 0; result == 0 && id < V; id++)
        sum -= (double)targets[id] * log(((double)counts[id] + 1) / total);
    free(counts);
    free(targets);
    origin->bytes = corpus->notes.bytes;
    origin->training = corpus->training.length;
    origin->held_out = corpus->validation.length;
    /* Six decimals are the same whatever the machine's log(), as model files are to be. */
    origin->unigram_loss = round(sum / (double)part->length * 1e6) / 1e6;
    return result;
}

void origin_save(const struct origin *origin, struct safetensors_out *out)
{
    safetensors_add_text(out, TEXT, origin->text);
    if (origin->init_from)
        safetensors_add_text(out, INIT_FROM, origin->init_from);
    safetensors_add_text(out, VERSION, RUNE_VERSION);
    fields_save(fields, NUM_FIELDS, origin, out);
}

/* Copies a text of the metadata, or sets NULL if it is not there. */
static int copy_text(char **copy, const struct safetensors *in, const char *key)
{
    const char *text = safetensors_find_text(in, key);
    *copy = text ? mem_copy(text, strlen(text)) : NULL;
    return text && !*copy ? -1 : 0;
}

int origin_load(struct origin *origin, const struct safetensors *in)
{
    if (!safetensors_find_text(in, TEXT))
        return 0;
    if (copy_text(&origin->text, in, TEXT) == 0 &&
        copy_text(&origin->init_from, in, INIT_FROM) == 0 &&
        copy_text(&origin->version, in, VERSION) == 0 &&
        fields_load(fields, NUM_FIELDS, origin, in) == 0 && plan_load_fit(&origin->plan, in) == 0)
        return 0;
    origin_release(origin);
    return -1;
}

struct search {
    uint64_t step;
    double seconds;
};

static void find_step(void *context, const struct log_row *row)
{
    struct search *search = context;
    if (row && row->step <= search->step)
        search->seconds = row->seconds;
}

int origin_seconds(const char *model, uint64_t step, double *seconds)
{
    struct search search = {step, NAN};
    struct log_position position = {0};
    struct stat status;
    char *directory, *log = NULL;
    int result = rundir_of(model, &directory);
    if (result == 0 && directory)
        result = (log = file_join(directory, RUNDIR_LOG)) ? 0 : -1;
    if (log && stat(log, &status) == 0)
        result = log_follow(log, &position, find_step, &search) == -1 ? -1 : 0;
    else if (log && errno != ENOENT && errno != ENOTDIR)
        result = error_set("%s: %s", log, strerror(errno));
    free(log);
    free(directory);
    *seconds = search.seconds;
    return result;
}

void origin_release(struct origin *origin)
{
    free(origin->text);
    free(origin->init_from);
    free(origin->version);
    *origin = (struct origin){0};
}
