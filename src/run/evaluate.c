#include "evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "mem.h"

/* Timesteps of a chunk. */
#define LEAST_STEPS 4
#define MOST_STEPS 16

/* Cuts the segments of a part into windows, each of which begins as a text does. */
static int cut_windows(struct corpus_part *windows, const struct corpus_part *part, uint64_t window)
{
    size_t count = 0;
    for (size_t k = 0; k < part->num_segments; k++)
        count += (size_t)((part->segments[k].length - 1) / window + 1);
    windows->segments = mem_new(count, sizeof *windows->segments);
    if (!windows->segments)
        return -1;
    for (size_t k = 0; k < part->num_segments; k++)
        for (uint64_t at = 0; at < part->segments[k].length; at += window) {
            const uint64_t left = part->segments[k].length - at,
                           length = left < window ? left : window;
            windows->segments[windows->num_segments++] =
                (struct corpus_segment){part->segments[k].start + at, length, windows->length};
            windows->length += length;
        }
    return 0;
}

/* Timesteps of a chunk that cut a window with little left over. */
static int window_T(uint64_t window)
{
    const uint64_t chunks = (window - 1) / MOST_STEPS + 1;
    return (int)((window - 1) / chunks + 1);
}

static int at_most(int streams, uint64_t most)
{
    return most < 1 ? 1 : (uint64_t)streams > most ? (int)most : streams;
}

int evaluator_steps(int streams)
{
    const int steps = 64 / streams;
    return steps < LEAST_STEPS ? LEAST_STEPS : steps > MOST_STEPS ? MOST_STEPS : steps;
}

int evaluator_streams(const struct corpus_part *part, int streams)
{
    return at_most(streams, part->length / EVALUATE_WARMUP);
}

int evaluator_init(struct evaluator *evaluator, struct team *team, struct model *model,
                   const struct corpus *corpus, const struct corpus_part *part, int streams,
                   uint64_t window)
{
    evaluator->team = team;
    evaluator->model = model;
    evaluator->corpus = corpus;
    evaluator->part = part;
    if (window == 0) {
        const int B = evaluator_streams(part, streams);
        return tape_init(&evaluator->tape, model, B, evaluator_steps(B), false, 0);
    }
    if (cut_windows(&evaluator->windows, part, window) != 0)
        return -1;
    evaluator->part = &evaluator->windows;
    return tape_init(&evaluator->tape, model,
                     at_most(streams, (uint64_t)evaluator->windows.num_segments), window_T(window),
                     false, 0);
}

void evaluator_release(struct evaluator *evaluator)
{
    tape_release(&evaluator->tape);
    free(evaluator->windows.segments);
    *evaluator = (struct evaluator){0};
}

struct reading {
    struct evaluator *evaluator;
    struct batch *batch;
};

static void read_chunk(struct member *member, void *argument)
{
    const struct reading *reading = argument;
    model_forward(member, &reading->evaluator->tape, reading->batch->reset, 0, 0);
    model_loss(member, &reading->evaluator->tape, reading->batch->y);
}

int evaluate(struct evaluator *evaluator, struct evaluation *result, evaluate_each_fn *each,
             void *context)
{
    struct tape *tape = &evaluator->tape;
    struct batch batch = {0};
    struct reading reading = {evaluator, &batch};
    double sum = 0;
    const uint64_t warmup = evaluator->part == &evaluator->windows ? 0 : EVALUATE_WARMUP;
    int status = batch_once(&batch, evaluator->corpus, evaluator->part, tape->B, tape->T, warmup);
    *result = (struct evaluation){0};
    if (status != 0)
        return status;
    tape_set_input(tape, batch.x);
    model_prepare(evaluator->team, evaluator->model);
    while ((status = batch_next(&batch)) == 1) {
        team_run(evaluator->team, read_chunk, &reading);
        if (team_should_stop(evaluator->team)) {
            status = EVALUATE_STOPPED;
            break;
        }
        sum += tape->loss * (double)batch.num_targets;
        result->characters += batch.num_targets;
        status = 0;
        for (int r = 0; each && r < tape->T * tape->B && status == 0; r++)
            if (batch.y[r] >= 0)
                status = each(context, batch.y[r], (double)tape->losses[r]);
        if (status != 0)
            break;
    }
    batch_release(&batch);
    result->loss = result->characters ? sum / (double)result->characters : 0;
    return status;
}
