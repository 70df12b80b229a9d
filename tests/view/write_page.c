/* write_page awkward|hebrew|chinese|bytes|small|full DIRECTORY: writes a page for the test in a
 * browser, of an awkward text, right-to-left text, wide characters, bytes, a text with all
 * findings, or a text of 200,000 characters that fills the largest page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "example.h"
#include "writers.h"

int main(int argc, char **argv)
{
    static const char *const hebrew[] = {"1",      " ",      "\u05E9", "\u05DC",
                                         "\u05D5", "\u05DD", "a",      "\n"};
    static const char *const chinese[] = {"\u5929", "\u5730", "\u7384", "\u9EC3", "\u3099"};
    static const char *const bytes[] = {"\xE6", "\xBC", "\xA2", "\xFF", "a"};
    struct example example;
    assert_int_equal(argc, 3);
    if (strcmp(argv[1], "awkward") == 0)
        example_awkward(&example, 300);
    else if (strcmp(argv[1], "hebrew") == 0)
        example_init(&example, VOCAB_CODEPOINT, hebrew, sizeof hebrew / sizeof *hebrew, 100);
    else if (strcmp(argv[1], "chinese") == 0)
        example_init(&example, VOCAB_CODEPOINT, chinese, sizeof chinese / sizeof *chinese, 400);
    else if (strcmp(argv[1], "bytes") == 0)
        example_init(&example, VOCAB_BYTE, bytes, sizeof bytes / sizeof *bytes, 100);
    else if (strcmp(argv[1], "small") == 0)
        example_full(&example, 6000, 20);
    else
        example_full(&example, 200000, 80);
    int result = page_view.write(&example.inspection, &example.options, argv[2]);
    example_release(&example);
    return result == 0 ? 0 : 1;
}
