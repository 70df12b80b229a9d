#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../text/random_text.h"
#include "error.h"
#include "labels.h"
#include "passage.h"

static const struct label *find(const struct labels *labels, const char *name)
{
    for (size_t k = 0; k < labels->count; k++)
        if (strcmp(labels->list[k].name, name) == 0)
            return &labels->list[k];
    return NULL;
}

static struct labels labels_of(const struct passage *passage)
{
    struct labels labels = {0};
    assert_int_equal(labels_make(&labels, &passage->vocab, passage->ids, passage->length), 0);
    assert_int_equal(labels.length, passage->length);
    return labels;
}

/* --- values ----------------------------------------------------------------------------------- */

#define TIMES 200
#define VERSE "The sea (so {grey [and (old)])} is\n\t  wide,\nand I am here.\n\n"

/* Of a verse that is there many times, so that its patterns are no chance. */
static void check_values(const char *name, enum label_kind kind, const char *expected)
{
    const size_t length = strlen(VERSE);
    char *text = malloc(TIMES * length);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(text + i * length, VERSE, length);
    struct passage passage = passage_new(VOCAB_CODEPOINT, text, TIMES * length);
    struct labels labels = labels_of(&passage);
    const struct label *label = find(&labels, name);
    char found[sizeof VERSE] = "";
    if (!label)
        fail_msg("no label '%s'", name);
    assert_int_equal(label->kind, kind);
    assert_false(label->own);
    for (size_t t = 0; t < length; t++) {
        int value = (int)label->values[5 * length + t];
        found[t] = (char)(value == 0 ? '.' : value < 10 ? '0' + value : 'a' + value - 10);
    }
    assert_string_equal(found, expected);
    labels_release(&labels);
    passage_release(&passage);
    free(text);
}

static void values_are_as_said(void **state)
{
    (void)state;
    /* VERSE:                                  "The sea (so {grey [and (old)])} is\n\t  wide,\n" */
    check_values("inside ( )", LABEL_BINARY, "........11111111111111111111.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_as_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
