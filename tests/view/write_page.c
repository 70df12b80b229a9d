/* write_page DIRECTORY: the page of an awkward text, for the test in a browser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "example.h"
#include "writers.h"

int main(int argc, char **argv)
{
    struct example example;
    assert_int_equal(argc, 2);
    example_awkward(&example, 300);
    int result = page_view.write(&example.inspection, &example.options, argv[1]);
    example_release(&example);
    return result == 0 ? 0 : 1;
}
