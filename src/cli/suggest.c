#include "suggest.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 32 /* bytes of a name; to longer ones nothing is similar */
#define MOST 3     /* names in a message */

#define CPU "rune runs on the CPU: leave it out"
#define TEXT "a text is named without an option, as in rune train book.txt"
#define MODEL "the model is named without an option, as in rune sample runs/book"

/* Of char-rnn, torch-rnn, nanoGPT, Keras and PyTorch's example; names that begin as rune's are
 * found without a row. */
const struct synonym suggest_options[] = {
    {"lr", "learning-rate", NULL},
    {"rnn-size", "hidden-size", NULL},
    {"n-embd", "hidden-size", NULL},
    {"units", "hidden-size", NULL},
    {"nhid", "hidden-size", NULL},
    {"n-hidden", "hidden-size", NULL},
    {"width", "hidden-size", NULL},
    {"n-layer", "num-layers", NULL},
    {"n-layers", "num-layers", NULL},
    {"nlayers", "num-layers", NULL},
    {"depth", "num-layers", NULL},
    {"block-size", "seq-length", NULL},
    {"bptt", "seq-length", NULL},
    {"context", "seq-length", NULL},
    {"context-length", "seq-length", NULL},
    {"sequence-length", "seq-length", NULL},
    {"timesteps", "seq-length", NULL},
    {"num-epochs", "max-epochs", NULL},
    {"n-epochs", "max-epochs", NULL},
    {"iters", "max-steps", NULL},
    {"iterations", "max-steps", NULL},
    {"max-iters", "max-steps", NULL},
    {"time", "max-minutes", NULL},
    {"model", "cell", NULL},
    {"model-type", "cell", NULL},
    {"rnn-type", "cell", NULL},
    {"lstm", "cell", NULL},
    {"gru", "cell", NULL},
    {"grad-clip", "clip-norm", NULL},
    {"grad-clip", "clip-value", NULL},
    {"decay-lr", "schedule", NULL},
    {"lr-decay", "schedule", NULL},
    {"decay-rate", "schedule", NULL},
    {"learning-rate-decay", "schedule", NULL},
    {"warmup-iters", "warmup", NULL},
    {"train-frac", "val-fraction", NULL},
    {"validation-split", "val-fraction", NULL},
    {"eval-interval", "validate-every", NULL},
    {"eval-val-every", "validate-every", NULL},
    {"checkpoint-every", "save-every", NULL},
    {"early-stopping", "patience", NULL},
    {"dtype", "precision", NULL},
    {"bf16", "precision", NULL},
    {"fp16", "precision", NULL},
    {"out-dir", "output", NULL},
    {"checkpoint-dir", "output", NULL},
    {"checkpoint-name", "output", NULL},
    {"save", "output", NULL},
    {"continue", "resume", NULL},
    {"checkpoint", "resume", NULL},
    {"workers", "threads", NULL},
    {"n-threads", "threads", NULL},
    {"random-seed", "seed", NULL},
    {"start", "prompt", NULL},
    {"start-text", "prompt", NULL},
    {"primetext", "prompt", NULL},
    {"prefix", "prompt", NULL},
    {"text", "prompt", NULL},
    {"max-new-tokens", "length", NULL},
    {"max-length", "length", NULL},
    {"num-chars", "length", NULL},
    {"chars", "length", NULL},
    {"tokens", "length", NULL},
    {"num-samples", "count", NULL},
    {"diversity", "temperature", NULL},
    {"neurons", "units", NULL},
    {"batch-size", "streams", NULL},
    {"gpu", NULL, CPU},
    {"gpuid", NULL, CPU},
    {"gpu-backend", NULL, CPU},
    {"cuda", NULL, CPU},
    {"opencl", NULL, CPU},
    {"device", NULL, CPU},
    {"text", NULL, TEXT},
    {"data", NULL, TEXT},
    {"data-dir", NULL, TEXT},
    {"dataset", NULL, TEXT},
    {"input", NULL, TEXT},
    {"input-txt", NULL, TEXT},
    {"file", NULL, TEXT},
    {"model", NULL, MODEL},
    {"checkpoint", NULL, MODEL},
    {0},
};

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with swaps of neighbours (optimal string alignment); SIZE_MAX for long names. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[LONGEST + 1][LONGEST + 1];
    const size_t m = strlen(a), n = strlen(b);
    if (m > LONGEST || n > LONGEST)
        return SIZE_MAX;
    for (size_t i = 0; i <= m; i++)
        for (size_t j = 0; j <= n; j++) {
            rows[i][j] = i + j;
            if (i > 0 && j > 0)
                rows[i][j] = min_size(min_size(rows[i - 1][j], rows[i][j - 1]) + 1,
                                      rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[i][j] = min_size(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    return rows[m][n];
}

static const char *nearest(const char *typed, const char *const *names, size_t count)
{
    const char *found = NULL;
    size_t found_distance = strlen(typed) / 3 + 2; /* names farther away are not similar */
    for (size_t k = 0; k < count; k++) {
        const size_t d = distance(typed, names[k]);
        if (d < found_distance) {
            found_distance = d;
            found = names[k];
        }
    }
    return found;
}

/* In small letters, with "-" for "_". What does not fit is cut off: nothing is similar to it. */
static void normalise(struct option_item typed, char out[LONGEST + 2])
{
    size_t k = 0;
    for (; k < typed.length && k < LONGEST + 1; k++)
        out[k] = typed.text[k] == '_' ? '-' : (char)tolower((unsigned char)typed.text[k]);
    out[k] = '\0';
}

bool suggest_same(struct option_item typed, const char *name)
{
    char plain[LONGEST + 2];
    normalise(typed, plain);
    return strcmp(plain, name) == 0;
}

/* Whether a name, or with `words` a word in it, begins as typed. */
static bool begins(const char *name, const char *typed, bool words)
{
    const size_t length = strlen(typed);
    while (name && strncmp(name, typed, length) != 0) {
        name = words ? strchr(name, '-') : NULL;
        name = name ? name + 1 : NULL;
    }
    return name != NULL;
}

/* The names that begin as typed, at most MOST. */
static size_t find_beginning(const char *typed, bool words, const char *const *names, size_t count,
                             const char *found[MOST])
{
    size_t num_found = 0;
    for (size_t k = 0; k < count && num_found < MOST && typed[0]; k++)
        if (strcmp(names[k], typed) == 0)
            return (found[0] = names[k], 1);
        else if (begins(names[k], typed, words))
            found[num_found++] = names[k];
    return num_found;
}

/* The names with the synonym, at most MOST. If there are none, *note is that of the synonym, or
 * unchanged. */
static size_t find_synonyms(const char *typed, const struct synonym *synonyms,
                            const char *const *names, size_t count, const char *found[MOST],
                            const char **note)
{
    size_t num_found = 0;
    for (const struct synonym *row = synonyms; row->other; row++) {
        if (strcmp(row->other, typed) != 0)
            continue;
        if (!row->ours)
            *note = row->note;
        for (size_t k = 0; row->ours && k < count && num_found < MOST; k++)
            if (strcmp(names[k], row->ours) == 0)
                found[num_found++] = names[k];
    }
    return num_found;
}

void suggest(char out[SUGGEST_ROOM], struct option_item typed, const char *dashes,
             const char *const *names, size_t count, const struct synonym *synonyms)
{
    char plain[LONGEST + 2];
    const char *found[MOST], *note = "";
    normalise(typed, plain);
    size_t num_found = find_beginning(plain, false, names, count, found);
    if (num_found == 0)
        num_found = find_beginning(plain, true, names, count, found);
    if (num_found == 0)
        num_found = find_synonyms(plain, synonyms, names, count, found, &note);
    if (num_found == 0 && !note[0] && (found[0] = nearest(plain, names, count)))
        num_found = 1;
    snprintf(out, SUGGEST_ROOM, "%s", num_found > 0 ? "did you mean " : note);
    for (size_t k = 0, used; k < num_found; k++) {
        used = strlen(out);
        snprintf(out + used, SUGGEST_ROOM - used, "%s%s%s%s",
                 k == 0               ? ""
                 : k + 1 == num_found ? " or "
                                      : ", ",
                 dashes, found[k], k + 1 == num_found ? "?" : "");
    }
}
