#include "evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "mem.h"

/* Limits of the timesteps of a chunk. */
#define MIN_STEPS 4
#define MAX_STEPS 16

/* Divides the segments of a part into windows. Each is a segment, before which the state is
 * reset. */
static int make_windows(struct corpus_part *windows, const struct corpus_part *part,
                        uint64_t window)
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

/* Timesteps of a chunk such that chunks divide a window with little padding. */
static int window_T(uint64_t window)
{
    const uint64_t chunks = (window - 1) / MAX_STEPS + 1;
    return (int)((window - 1) / chunks + 1);
}

static int limit_streams(int streams, uint64_t max)
{
    return max < 1 ? 1 : (uint64_t)streams > max ? (int)max : streams;
}

int evaluator_steps(int streams)
{
    const int steps = 64 / streams;
    return steps < MIN_STEPS ? MIN_STEPS : steps > MAX_STEPS ? MAX_STEPS : steps;
}

int evaluator_streams(const struct corpus_part *part, int streams)
{
    return limit_streams(streams, part->length / EVALUATE_WARMUP);
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
    if (make_windows(&evaluator->windows, part, window) != 0)
        return -1;
    evaluator->part = &evaluator->windows;
    return tape_init(&evaluator->tape, model,
                     limit_streams(streams, (uint64_t)evaluator->windows.num_segments),
                     window_T(window), false, 0);
}

void evaluator_release(struct evaluator *evaluator)
{
    tape_release(&evaluator->tape);
    free(evaluator->windows.segments);
    *evaluator = (struct evaluator){0};
}

struct chunk_job {
    struct evaluator *evaluator;
    struct batch *batch;
};

static void read_chunk(struct member *member, void *argument)
{
    const struct chunk_job *job = argument;
    model_forward(member, &job->evaluator->tape, job->batch->reset, 0, 0);
    model_loss(member, &job->evaluator->tape, job->batch->y);
}

int evaluate(struct evaluator *evaluator, struct evaluation *result, evaluate_each_fn *each,
             void *context)
{
    struct tape *tape = &evaluator->tape;
    struct batch batch = {0};
    struct chunk_job job = {evaluator, &batch};
    double sum = 0;
    const uint64_t warmup = evaluator->part == &evaluator->windows ? 0 : EVALUATE_WARMUP;
    int status = batch_once(&batch, evaluator->corpus, evaluator->part, tape->B, tape->T, warmup);
    *result = (struct evaluation){0};
    if (status != 0)
        return status;
    tape_set_input(tape, batch.x);
    model_prepare(evaluator->team, evaluator->model);
    while ((status = batch_next(&batch)) == 1) {
        team_run_paced(evaluator->team, &evaluator->pace, read_chunk, &job);
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
