#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>

#include "clock.h"
#include "error.h"
#include "label_add.h"
#include "label_text.h"
#include "labels.h"

#define MATCH_LIMIT 1000000   /* PCRE2's steps, from one place of the text */
#define HEAP_LIMIT (64 << 10) /* KiB */
#define JIT_STACK (8 << 20)   /* bytes */
#define SECONDS 10            /* for one regex over the whole text */

struct search {
    pcre2_code *code;
    pcre2_compile_context *compile;
    pcre2_match_data *data;
    pcre2_match_context *match;
    pcre2_jit_stack *stack;
};

static int refuse(const struct label_pattern *pattern, int number)
{
    uint8_t reason[128] = "";
    switch (number) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
        return error_set("label '%s': the regex '%s' takes too long: make it simpler",
                         pattern->name, pattern->regex);
    default:
        pcre2_get_error_message(number, reason, sizeof reason);
        return error_set("label '%s': the regex '%s' fails: %s", pattern->name, pattern->regex,
                         (const char *)reason);
    }
}

static int search_init(struct search *search, const struct label_pattern *pattern, bool utf)
{
    /* The text decides whether it is matched as UTF-8, not the regex: by a leading (*UTF) PCRE2
     * would read bytes as UTF-8 that are not. */
    const uint32_t options = PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C |
                             (utf ? PCRE2_UTF | PCRE2_UCP : PCRE2_NEVER_UTF);
    uint8_t reason[128] = "";
    PCRE2_SIZE offset = 0;
    int number = PCRE2_ERROR_NOMEMORY;
    if ((search->compile = pcre2_compile_context_create(NULL)) == NULL ||
        (search->match = pcre2_match_context_create(NULL)) == NULL ||
        (search->stack = pcre2_jit_stack_create(32 << 10, JIT_STACK, NULL)) == NULL)
        return refuse(pattern, number);
    pcre2_set_newline(search->compile, PCRE2_NEWLINE_ANYCRLF);
    search->code = pcre2_compile((PCRE2_SPTR)pattern->regex, PCRE2_ZERO_TERMINATED, options,
                                 &number, &offset, search->compile);
    if (!search->code) {
        pcre2_get_error_message(number, reason, sizeof reason);
        return error_set("label '%s': the regex '%s' is wrong at byte %zu: %s", pattern->name,
                         pattern->regex, (size_t)offset, (const char *)reason);
    }
    search->data = pcre2_match_data_create_from_pattern(search->code, NULL);
    if (!search->data)
        return refuse(pattern, PCRE2_ERROR_NOMEMORY);
    pcre2_jit_compile(search->code, PCRE2_JIT_COMPLETE); /* else it is interpreted */
    pcre2_jit_stack_assign(search->match, NULL, search->stack);
    pcre2_set_match_limit(search->match, MATCH_LIMIT);
    pcre2_set_heap_limit(search->match, HEAP_LIMIT);
    return 0;
}

static void search_release(struct search *search)
{
    pcre2_match_data_free(search->data);
    pcre2_code_free(search->code);
    pcre2_jit_stack_free(search->stack);
    pcre2_match_context_free(search->match);
    pcre2_compile_context_free(search->compile);
}

/* A text in bytes, and the offsets of its symbols. */
struct subject {
    uint8_t *bytes;
    size_t *starts; /* [length + 1] */
    size_t length;  /* symbols */
    size_t size;    /* bytes */
    bool utf;
};

static size_t next_point(const struct subject *subject, size_t at)
{
    do
        at++;
    while (subject->utf && at < subject->size && (subject->bytes[at] & 0xC0) == 0x80);
    return at;
}

/* Sets values[length] to 1 where a match covers a symbol or a part of it. The search goes in
 * segments, to check the time: PCRE2's limit of steps begins anew at each offset, so that a text
 * without a match could take hours within it. */
static int search_all(struct search *search, const struct subject *subject,
                      const struct label_pattern *pattern, float *values)
{
    const size_t segment = subject->size / 256 + 1024;
    const PCRE2_SIZE *match = pcre2_get_ovector_pointer(search->data);
    const double start = clock_seconds();
    for (size_t at = 0, t = 0; at < subject->size;) {
        pcre2_set_offset_limit(search->match, at + segment);
        int number = pcre2_match(search->code, subject->bytes, subject->size, at,
                                 PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK, search->data, search->match);
        if (number < 0 && number != PCRE2_ERROR_NOMATCH)
            return refuse(pattern, number);
        if (clock_seconds() - start > SECONDS)
            return refuse(pattern, PCRE2_ERROR_MATCHLIMIT);
        if (number < 0) {
            at = next_point(subject, at + segment);
            continue;
        }
        while (subject->starts[t + 1] <= match[0])
            t++;
        for (; t < subject->length && subject->starts[t] < match[1]; t++)
            values[t] = 1;
        t -= t > 0; /* the next match may cover another part of it */
        at = match[1] > at ? match[1] : next_point(subject, at);
    }
    return 0;
}

static int add_pattern(struct labels *labels, const struct subject *subject,
                       const struct label_pattern *pattern)
{
    struct search search = {0};
    bool found = false;
    int result = -1;
    float *values = arena_take(&labels->memory, subject->length, sizeof *values);
    if (values && label_check_name(labels, "", pattern->name) == 0 &&
        search_init(&search, pattern, subject->utf) == 0)
        result = search_all(&search, subject, pattern, values);
    search_release(&search);
    for (size_t t = 0; result == 0 && t < subject->length && !found; t++)
        found = values[t] > 0;
    if (result == 0 && !found)
        result = error_set("label '%s': the regex '%s' matches nothing in the text", pattern->name,
                           pattern->regex);
    return result == 0 ? label_add_own(labels, "", pattern->name, LABEL_BINARY, values) : -1;
}

int labels_add_patterns(struct labels *labels, const struct vocab *vocab, const int32_t *ids,
                        const struct label_pattern *patterns, size_t count)
{
    struct subject subject = {.length = labels->length};
    struct arena scratch = {0};
    int result =
        label_text_bytes(&scratch, vocab, ids, subject.length, &subject.bytes, &subject.starts);
    subject.size = result == 0 ? subject.starts[subject.length] : 0;
    subject.utf = utf8_is_valid(subject.bytes, subject.size);
    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_pattern(labels, &subject, &patterns[i]);
    arena_release(&scratch);
    return result;
}
