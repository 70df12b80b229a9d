#include "view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mem.h"
#include "writers.h"

const struct view *const views[] = {
    &page_view, &npy_view, &csv_view, &png_view, &svg_view, &pdf_view, NULL,
};

const char *const view_files[] = {
    "index.html", "neurons.csv", "scores.csv", "ablation.csv",  "gates.csv",
    "reach.*",    "gates.*",     "neuron_*.*", "activations.*", NULL,
};

const struct view *view_find(const char *format)
{
    char names[128] = "";
    for (const struct view *const *view = views; *view; view++) {
        if (strcmp((*view)->format, format) == 0)
            return *view;
        strcat(strcat(names, view == views ? "" : ", "), (*view)->format);
    }
    error_set("there is no format '%s'; the formats are %s", format, names);
    return NULL;
}

/* Whether an allocation for JSON failed: parts of a value may then be missing. */
static bool json_failed;

static void *allocate_json(size_t size)
{
    void *memory = malloc(size);
    json_failed = json_failed || !memory;
    return memory;
}

int view_open(struct file_out *out, const char *directory, const char *name)
{
    char *path = file_join(directory, name);
    *out = (struct file_out){0};
    json_set_alloc_funcs(allocate_json, free);
    json_failed = false;
    int result = path ? file_create(out, path) : -1;
    free(path);
    return result;
}

int view_close(struct file_out *out, const struct view_options *options, int result)
{
    if (json_failed)
        result = error_set("%s: not enough memory to write it", out->path);
    char *path = result == 0 ? mem_copy(out->path, strlen(out->path)) : NULL;
    result = path ? file_commit(out) : -1;
    file_abandon(out);
    if (result == 0 && options->wrote)
        options->wrote(options->context, path);
    free(path);
    return result;
}

int view_write(const struct inspection *inspection, const struct view_options *options,
               const char *directory, const char *name,
               int (*put)(const struct file_out *out, const struct inspection *inspection,
                          const struct view_options *options))
{
    struct file_out out;
    int result = view_open(&out, directory, name);
    if (result == 0)
        result = put(&out, inspection, options);
    return view_close(&out, options, result);
}
