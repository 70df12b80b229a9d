#include "view.h"

#include <string.h>

#include "error.h"
#include "writers.h"

const struct view *const views[] = {
    &page_view, &npy_view, &csv_view, &png_view, &svg_view, &pdf_view, NULL,
};

const struct view *view_find(const char *format)
{
    char names[128] = "";
    for (const struct view *const *view = views; *view; view++) {
        if (strcmp((*view)->format, format) == 0)
            return *view;
        strcat(strcat(names, view == views ? "" : ", "), (*view)->format);
    }
    error_set("there is no format '%s': take one of %s", format, names);
    return NULL;
}
