#include "pace.h"

#include <math.h>

/* A step counts as recent for this share of the time limit. */
#define RECENT 0.05

/* Validations in their mean, at most: older ones weigh less. */
#define VALIDATIONS 4

void pace_limit(struct pace *pace, double now, double seconds)
{
    pace->limit = seconds;
    pace->deadline = now + seconds;
    pace->done = now / pace->deadline;
}

void pace_begin(struct pace *pace, double now)
{
    pace->elapsed = now;
}

void pace_expect(struct pace *pace, double steps)
{
    if (pace->validations == 0)
        pace->validation = steps;
}

double pace_step_seconds(const struct pace *pace)
{
    return pace->steps > 0 ? pace->time / pace->steps : 0;
}

static double validation_seconds(const struct pace *pace)
{
    return pace->validation * pace_step_seconds(pace);
}

double pace_left(const struct pace *pace)
{
    return pace->deadline - pace->elapsed - validation_seconds(pace);
}

bool pace_may_validate(const struct pace *pace)
{
    return pace_left(pace) >= validation_seconds(pace);
}

/* Of what is not done yet, the time that has passed does the share that it has in the time that was
 * left. So `done` reaches 1 when no time is left, whatever became of the machine's speed. */
static void advance(struct pace *pace, double now, double least)
{
    const double left = pace_left(pace), passed = now - pace->elapsed;
    const double share = passed < left ? passed / left : 1;
    pace->done += (1 - pace->done) * fmin(fmax(share, least), 1);
    pace->elapsed = now;
}

void pace_step(struct pace *pace, double now, double least)
{
    const double seconds = now - pace->elapsed, kept = exp(-seconds / (RECENT * pace->limit));
    advance(pace, now, least);
    pace->time = pace->time * kept + seconds;
    pace->steps = pace->steps * kept + 1;
}

void pace_validation(struct pace *pace, double now)
{
    const double seconds = now - pace->elapsed, step = pace_step_seconds(pace);
    advance(pace, now, 0);
    if (step == 0)
        return;
    pace->validations++;
    pace->validation +=
        (seconds / step - pace->validation) / fmin((double)pace->validations, VALIDATIONS);
}

bool pace_is_over(const struct pace *pace)
{
    return pace_left(pace) <= pace_step_seconds(pace) / 2;
}
