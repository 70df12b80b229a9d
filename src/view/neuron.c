/* The figure of a neuron: panels with statistics of its signal, then passages where the signal is
 * highest, lowest, and at each decile. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caption.h"
#include "figures.h"
#include "mem.h"
#include "plot.h"
#include "strip.h"
#include "symbols.h"

#define MARGIN 24
#define GAP 30
#define COLUMNS 3
#define PANEL_WIDTH 262
#define WIDTH (2 * MARGIN + COLUMNS * PANEL_WIDTH + (COLUMNS - 1) * GAP)
#define TITLE_HEIGHT 66
#define LINE_HEIGHT 19 /* of titles and notes */

#define EXTREMES 8 /* symbols with the highest values, and with the lowest */
#define MAX_BARS (2 * EXTREMES)

#define SNIPPET_FONT "Monospace 11px"
#define SNIPPET_COLUMN 6.6 /* approximate width of a column in that font */
#define SNIPPET_BEFORE 36  /* columns of text before the character, at most */
#define SNIPPET_AFTER 12   /* columns after it, at most */
#define SNIPPET_HEIGHT 18
#define SNIPPET_LABEL 52 /* room for the value */
#define SNIPPET_WIDTH ((WIDTH - 2 * MARGIN - GAP) / 2)

struct neuron {
    const struct inspection *inspection;
    const struct glyph *glyphs;
    struct symbols *symbols;
    size_t signal;
    const struct trace_signal *unit;
    const struct card *card; /* NULL if there is none */
    size_t ablated;          /* index in inspection->ablation; its count if not ablated */
    char *title, *source;
};

/* A panel of the figure. */
struct panel {
    const char *title;
    double (*height)(const struct neuron *neuron); /* below the title; 0: nothing to draw */
    void (*draw)(cairo_t *cr, const struct neuron *neuron, struct box box);
};

/* Draws a note at the top of the box; the box becomes what is below it. */
static void draw_note(cairo_t *cr, struct box *box, const char *note)
{
    canvas_text_within(cr, box->x, box->y + 8, 0, CANVAS_SMALL, CANVAS_QUIET, note, box->width);
    box->y += LINE_HEIGHT;
    box->height -= LINE_HEIGHT;
}

/* The height of a note and bars below it. */
static double bars_height(size_t count)
{
    return LINE_HEIGHT + PLOT_BAR * (double)(count < MAX_BARS ? count : MAX_BARS);
}

/* --- values over the text --------------------------------------------------------------------- */

/* Draws a box from quartile to quartile with the median, and a line over the middle 98 %. */
static void draw_quantiles(cairo_t *cr, const struct card *card, const struct axis *x, double y)
{
    enum { LOW = 1, QUARTILE = 3, MEDIAN = 4, UPPER = 5, HIGH = 7 };
    double at[CARD_QUANTILES];
    for (int q = 0; q < CARD_QUANTILES; q++) {
        if (!isfinite(card->quantiles[q]))
            return;
        at[q] = axis_place(x, (double)card->quantiles[q]);
    }
    canvas_colour(cr, CANVAS_BLACK);
    cairo_set_line_width(cr, 1);
    canvas_line(cr, at[LOW], y, at[HIGH], y);
    cairo_rectangle(cr, at[QUARTILE], y - 5, at[UPPER] - at[QUARTILE], 10);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_fill_preserve(cr);
    canvas_colour(cr, CANVAS_BLACK);
    cairo_stroke(cr);
    cairo_set_line_width(cr, 2.5);
    canvas_line(cr, at[MEDIAN], y - 5, at[MEDIAN], y + 5);
}

static double card_height(const struct neuron *neuron)
{
    return neuron->card ? bars_height(MAX_BARS) : 0;
}

static void draw_histogram(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    const struct card *card = neuron->card;
    double total = 0, largest = 0;
    draw_note(cr, &box, "box: median and quartiles; line: 1 to 99 %");
    for (int b = 0; b < CARD_BINS; b++) {
        total += (double)card->histogram[b];
        largest = fmax(largest, (double)card->histogram[b]);
    }
    const double percent = total > 0 ? 100 / total : 0, range = (double)card->range;
    const struct axis x = axis_exact(-range, range, box.x + 48, box.x + box.width - 8);
    const struct axis y =
        axis_around(0, fmax(largest * percent * 1.2, 0.1), box.y + box.height - 44, box.y + 32);
    plot_frame(cr, &x, &y, "value", "% of characters");
    canvas_colour(cr, CANVAS_GREY);
    for (int b = 0; b < CARD_BINS; b++) {
        const double left = x.start + (x.end - x.start) * b / CARD_BINS;
        const double top = axis_place(&y, (double)card->histogram[b] * percent);
        cairo_rectangle(cr, left + 0.5, top, (x.end - x.start) / CARD_BINS - 1, y.start - top);
        cairo_fill(cr);
    }
    draw_quantiles(cr, card, &x, y.end + 9);
}

/* --- symbols ---------------------------------------------------------------------------------- */

/* Draws the first and the last of the listed symbols. */
static void draw_symbols(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    const struct symbols *symbols = neuron->symbols;
    const int count = symbols->count < MAX_BARS ? symbols->count : MAX_BARS;
    struct bar bars[MAX_BARS];
    for (int i = 0; i < count; i++) {
        const int place = i < count - EXTREMES ? i : symbols->count - count + i;
        const char *shown = neuron->glyphs[symbols->list[place].symbol].shown;
        bars[i] =
            (struct bar){strcmp(shown, " ") == 0 ? "␣" : shown, (double)symbols->list[place].value};
    }
    plot_bars(cr, box, bars, count, 2);
}

static void draw_means(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    char note[64];
    symbols_list_means(neuron->symbols, neuron->card);
    const size_t least = neuron->symbols->least;
    snprintf(note, sizeof note, "occurring %zu time%s or more: highest and lowest", least,
             least == 1 ? "" : "s");
    draw_note(cr, &box, note);
    draw_symbols(cr, neuron, box);
}

static double output_weights_height(const struct neuron *neuron)
{
    const bool last = neuron->unit->layer == neuron->inspection->trace.num_layers - 1;
    return neuron->inspection->output_weights && last ? bars_height(MAX_BARS) : 0;
}

static void draw_output_weights(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    symbols_list_weights(neuron->symbols, neuron->inspection->output_weights, neuron->unit->unit);
    draw_note(cr, &box, "output weights: added to the logit by h = 1");
    draw_symbols(cr, neuron, box);
}

/* --- gates ------------------------------------------------------------------------------------ */

#define GATE_HEIGHT 32
#define GATE_LABEL 24
#define GATE_MEAN 44

static double gates_height(const struct neuron *neuron)
{
    const int count = neuron->inspection->gates.count;
    return count > 0 ? 2 * LINE_HEIGHT + count * GATE_HEIGHT : 0;
}

static size_t gate_of(const struct neuron *neuron, int gate)
{
    return gates_place(&neuron->inspection->trace, gate, neuron->unit->layer, neuron->unit->unit);
}

/* Draws a part of a bar, with its percentage if that fits. Returns its right end. */
static double draw_share(cairo_t *cr, double x, double y, double whole, double share,
                         struct colour colour)
{
    const double width = isfinite(share) ? fmin(fmax(share, 0), 1) * whole : 0;
    char text[32];
    cairo_rectangle(cr, x, y - 9, width, 18);
    canvas_colour(cr, colour);
    cairo_fill_preserve(cr);
    canvas_colour(cr, CANVAS_QUIET);
    cairo_set_line_width(cr, 0.5);
    cairo_stroke(cr);
    snprintf(text, sizeof text, "%.0f %%", 100 * share);
    if (canvas_text_width(CANVAS_SMALL, text) + 4 < width)
        canvas_text(cr, x + width / 2, y, 0.5, CANVAS_SMALL, CANVAS_BLACK, text);
    return x + width;
}

static void draw_gates(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    const struct gates *gates = &neuron->inspection->gates;
    const struct colour white = {255, 255, 255};
    const double whole = box.width - GATE_LABEL - GATE_MEAN;
    char mean[32];
    draw_note(cr, &box, "share of time under 0.1, between, and over 0.9");
    canvas_text(cr, box.x, box.y + 8, 0, CANVAS_SMALL, CANVAS_QUIET,
                "(a gate g from −1 to 1: of (g + 1) / 2)");
    canvas_text(cr, box.x + box.width, box.y + 8, 1, CANVAS_SMALL, CANVAS_QUIET, "mean");
    for (int g = 0; g < gates->count; g++) {
        const size_t at = gate_of(neuron, g);
        const double low = (double)gates->low[at], high = (double)gates->high[at];
        const double y = box.y + LINE_HEIGHT + (g + 0.5) * GATE_HEIGHT;
        double x = box.x + GATE_LABEL;
        canvas_text(cr, box.x, y, 0, CANVAS_BOLD, CANVAS_BLACK, gates->names[g]);
        x = draw_share(cr, x, y, whole, low, colour_of(-1, 1));
        x = draw_share(cr, x, y, whole, 1 - low - high, white);
        draw_share(cr, x, y, whole, high, colour_of(1, 1));
        canvas_number(mean, sizeof mean, (double)gates->mean[at], 2, false);
        canvas_text(cr, box.x + box.width, y, 1, CANVAS_FONT, CANVAS_BLACK, mean);
    }
}

/* --- other units ------------------------------------------------------------------------------ */

static double related_height(const struct neuron *neuron)
{
    return neuron->card ? bars_height(2 * CARD_RELATED) : 0;
}

static void draw_related(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    const struct trace *trace = &neuron->inspection->trace;
    const struct card_related *lists[] = {neuron->card->alike, neuron->card->opposed};
    struct bar bars[2 * CARD_RELATED];
    char names[2 * CARD_RELATED][64];
    int count = 0;
    draw_note(cr, &box, "correlation over the text");
    for (int i = 0; i < 2 * CARD_RELATED; i++) {
        const struct card_related *related = &lists[i / CARD_RELATED][i % CARD_RELATED];
        if (related->signal < trace->num_signals) {
            trace_signal_name(trace, related->signal, names[count], sizeof *names);
            bars[count] = (struct bar){names[count], (double)related->r};
            count++;
        }
    }
    plot_bars(cr, box, bars, count, 2);
}

/* --- loss without it -------------------------------------------------------------------------- */

static double ablation_height(const struct neuron *neuron)
{
    const struct ablation *ablation = &neuron->inspection->ablation;
    const size_t labels = ablation->by_label ? neuron->inspection->labels.count : 0;
    return neuron->ablated < ablation->count ? bars_height(1 + labels) : 0;
}

static int compare_magnitudes(const void *a, const void *b)
{
    const double left = fabs(((const struct bar *)a)->value);
    const double right = fabs(((const struct bar *)b)->value);
    return (left < right) - (left > right);
}

/* Draws the change over the whole text, then the largest changes by label. */
static void draw_ablation(cairo_t *cr, const struct neuron *neuron, struct box box)
{
    const struct ablation *ablation = &neuron->inspection->ablation;
    const struct labels *labels = &neuron->inspection->labels;
    struct bar *bars = mem_new(labels->count + 1, sizeof *bars);
    int count = 0;
    draw_note(cr, &box,
              ablation->kind == ABLATION_MEAN ? "clamped to its mean: change in nats per character"
                                              : "clamped to 0: change in nats per character");
    if (!bars)
        return;
    bars[count++] = (struct bar){"everywhere", (double)ablation->change[neuron->ablated]};
    for (size_t k = 0; ablation->by_label && k < labels->count; k++) {
        const float change = ablation->by_label[neuron->ablated * labels->count + k];
        if (isfinite(change))
            bars[count++] = (struct bar){labels->list[k].name, (double)change};
    }
    qsort(bars + 1, (size_t)count - 1, sizeof *bars, compare_magnitudes);
    plot_bars(cr, box, bars, count < MAX_BARS ? count : MAX_BARS, 2);
    free(bars);
}

/* --- passages --------------------------------------------------------------------------------- */

/* The range of characters around one, limited by SNIPPET_BEFORE and SNIPPET_AFTER columns. */
static void find_window(const struct neuron *neuron, size_t at, size_t *start, size_t *end)
{
    const struct trace *trace = &neuron->inspection->trace;
    int before = 0, after = 0;
    for (*start = at; *start > 0; --*start)
        if ((before += neuron->glyphs[trace->ids[*start - 1]].columns) > SNIPPET_BEFORE)
            break;
    for (*end = at + 1; *end < trace->length; ++*end)
        if ((after += neuron->glyphs[trace->ids[*end]].columns) > SNIPPET_AFTER)
            break;
}

/* Draws the text around a character, which is framed; frames of several snippets are aligned. */
static void draw_snippet(cairo_t *cr, const struct neuron *neuron, size_t at, double x, double y)
{
    const struct trace *trace = &neuron->inspection->trace;
    const double room = SNIPPET_WIDTH - SNIPPET_LABEL;
    struct strip strip;
    size_t start, end;
    char value[32];
    find_window(neuron, at, &start, &end);
    canvas_number(value, sizeof value, (double)*trace_place(trace, neuron->signal, at), 2, true);
    canvas_text(cr, x + SNIPPET_LABEL - 8, y + SNIPPET_HEIGHT / 2.0, 1, CANVAS_SMALL, CANVAS_QUIET,
                value);
    if (strip_init(&strip, trace, neuron->glyphs, SNIPPET_FONT, start, end) == 0) {
        const struct strip_span *framed = &strip.spans[at - start];
        const double scale = fmin(room / fmax(strip.width, 1), 1);
        const double left = fmin(fmax(SNIPPET_BEFORE * SNIPPET_COLUMN - framed->left, 0),
                                 fmax(room - strip.width, 0));
        cairo_save(cr);
        cairo_translate(cr, x + SNIPPET_LABEL + left, y);
        cairo_scale(cr, scale, 1);
        strip_draw(cr, &strip, trace, neuron->signal, neuron->card->range, 0, 0,
                   SNIPPET_HEIGHT - 1);
        cairo_set_line_width(cr, 1.2);
        cairo_rectangle(cr, framed->left, 0, framed->right - framed->left, SNIPPET_HEIGHT - 1);
        cairo_stroke(cr);
        cairo_restore(cr);
    }
    strip_release(&strip);
}

/* Returns the y below them. */
static double draw_snippets(cairo_t *cr, const struct neuron *neuron, const char *title,
                            const size_t *places, int count, double x, double y)
{
    canvas_text(cr, x, y + 8, 0, CANVAS_BOLD, CANVAS_BLACK, title);
    y += LINE_HEIGHT + 4;
    for (int i = 0; i < count; i++)
        if (places[i] < neuron->inspection->trace.length) {
            draw_snippet(cr, neuron, places[i], x, y);
            y += SNIPPET_HEIGHT;
        }
    return y + 8;
}

static double passages_height(void)
{
    return 2 * (LINE_HEIGHT + 4 + CARD_ENDS * SNIPPET_HEIGHT + 8);
}

static void draw_passages(cairo_t *cr, const struct neuron *neuron, double y)
{
    const struct card *card = neuron->card;
    const double right = MARGIN + SNIPPET_WIDTH + GAP;
    const double below = draw_snippets(cr, neuron, "highest", card->highest, CARD_ENDS, MARGIN, y);
    draw_snippets(cr, neuron, "lowest", card->lowest, CARD_ENDS, MARGIN, below);
    draw_snippets(cr, neuron, "at the deciles, from 10 to 90 %", card->tenths, CARD_TENTHS, right,
                  y);
}

/* --- the whole -------------------------------------------------------------------------------- */

static const struct panel panels[] = {
    {"values over the text", card_height, draw_histogram},
    {"mean after each character", card_height, draw_means},
    {"characters it makes more or less likely", output_weights_height, draw_output_weights},
    {"saturation of its gates", gates_height, draw_gates},
    {"most correlated units", related_height, draw_related},
    {"loss without it", ablation_height, draw_ablation},
};

/* Draws the panels that have content in rows from y on; only measures if cr is NULL. Returns the y
 * below them. */
static double place_panels(cairo_t *cr, const struct neuron *neuron, double y)
{
    double row = 0;
    int column = 0;
    for (size_t p = 0; p < sizeof panels / sizeof *panels; p++) {
        const double height = panels[p].height(neuron), x = MARGIN + column * (PANEL_WIDTH + GAP);
        if (height == 0)
            continue;
        if (cr) {
            canvas_text_within(cr, x, y + 8, 0, CANVAS_BOLD, CANVAS_BLACK, panels[p].title,
                               PANEL_WIDTH);
            panels[p].draw(cr, neuron, (struct box){x, y + LINE_HEIGHT, PANEL_WIDTH, height});
        }
        row = fmax(row, LINE_HEIGHT + height + GAP);
        if (++column == COLUMNS) {
            y += row;
            row = column = 0;
        }
    }
    return y + row;
}

/* Writes what is known of "mean +0.12, standard deviation 0.40, time constant 17.2 characters". */
static void describe(const struct neuron *neuron, char *out, size_t room)
{
    const struct gates *gates = &neuron->inspection->gates;
    const bool fades = gates->count > 0 && gates->forget >= 0;
    char mean[32], deviation[32], constant[32];
    size_t used = 0;
    out[0] = '\0';
    if (neuron->card) {
        canvas_number(mean, sizeof mean, (double)neuron->card->mean, 2, true);
        canvas_number(deviation, sizeof deviation, (double)neuron->card->deviation, 2, false);
        used = (size_t)snprintf(out, room, "mean %s, standard deviation %s%s", mean, deviation,
                                fades ? ", " : "");
    }
    if (fades) {
        const double kept = (double)gates->mean[gate_of(neuron, gates->forget)];
        canvas_number(constant, sizeof constant, gates_time_constant(kept), 3, false);
        snprintf(out + used, room - used, "time constant %s characters", constant);
    }
}

static void draw(cairo_t *cr, const void *what, double page_height)
{
    const struct neuron *neuron = what;
    const double room = WIDTH - 2 * MARGIN;
    char description[160];
    (void)page_height;
    describe(neuron, description, sizeof description);
    canvas_text_within(cr, MARGIN, MARGIN, 0, CANVAS_BOLD, CANVAS_BLACK, neuron->title, room);
    canvas_text_within(cr, MARGIN, MARGIN + LINE_HEIGHT, 0, CANVAS_FONT, CANVAS_BLACK, description,
                       room);
    canvas_text_within(cr, MARGIN, MARGIN + 2 * LINE_HEIGHT, 0, CANVAS_FONT, CANVAS_QUIET,
                       neuron->source, room);
    const double below = place_panels(cr, neuron, MARGIN + TITLE_HEIGHT);
    if (neuron->card)
        draw_passages(cr, neuron, below);
}

/* The sentence of the signal, which begins with its name; else the name alone. */
static char *title_of(const struct inspection *inspection, size_t signal)
{
    char name[64];
    char *sentence = caption_of_signal(inspection, signal);
    if (!sentence || sentence[0])
        return sentence;
    free(sentence);
    trace_signal_name(&inspection->trace, signal, name, sizeof name);
    return mem_copy(name, strlen(name));
}

static int write_neuron(const struct renderer *renderer, const struct inspection *inspection,
                        const struct glyph *glyphs, struct symbols *symbols, size_t signal)
{
    const struct trace_signal *unit = &inspection->trace.signals[signal];
    char name[48];
    struct neuron neuron = {.inspection = inspection,
                            .glyphs = glyphs,
                            .symbols = symbols,
                            .signal = signal,
                            .unit = unit,
                            .card = cards_find(&inspection->cards, signal),
                            .ablated = ablation_find(&inspection->ablation, unit)};
    const double panels_end = place_panels(NULL, &neuron, MARGIN + TITLE_HEIGHT);
    if (panels_end == MARGIN + TITLE_HEIGHT) /* no panel has content */
        return 0;
    neuron.title = title_of(inspection, signal);
    neuron.source = caption_of_trace(&inspection->trace);
    const struct drawing drawing = {.title = neuron.title,
                                    .width = WIDTH,
                                    .height =
                                        panels_end + MARGIN + (neuron.card ? passages_height() : 0),
                                    .draw = draw,
                                    .what = &neuron};
    snprintf(name, sizeof name, "neuron_%d_%d", unit->layer, unit->unit);
    int result = neuron.title && neuron.source ? renderer_write(renderer, &drawing, name) : -1;
    free(neuron.source);
    free(neuron.title);
    return result;
}

/* Whether chosen signal i has the best discovery of all chosen signals of its unit, or is the first
 * of them. */
static bool represents_unit(const struct inspection *inspection, const struct view_options *options,
                            size_t i)
{
    const struct trace_signal *signals = inspection->trace.signals;
    const struct trace_signal *unit = &signals[options->chosen[i]];
    const size_t rank = caption_find(&inspection->discoveries, options->chosen[i]);
    for (size_t j = 0; j < options->num_chosen; j++) {
        const struct trace_signal *other = &signals[options->chosen[j]];
        const size_t others = caption_find(&inspection->discoveries, options->chosen[j]);
        if (other->layer == unit->layer && other->unit == unit->unit &&
            (others < rank || (others == rank && j < i)))
            return false;
    }
    return true;
}

int neurons_write(const struct renderer *renderer, const struct inspection *inspection)
{
    const struct view_options *options = renderer->options;
    struct glyph *glyphs = glyphs_new(inspection->trace.vocab);
    struct symbols symbols;
    int result = symbols_init(&symbols, &inspection->trace) == 0 && glyphs ? 0 : -1;
    for (size_t i = 0; i < options->num_chosen && result == 0; i++)
        if (represents_unit(inspection, options, i))
            result = write_neuron(renderer, inspection, glyphs, &symbols, options->chosen[i]);
    symbols_release(&symbols);
    glyphs_free(glyphs);
    return result;
}
