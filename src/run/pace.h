/* The time of a run with a time limit: how much of the run is done, and when its last step is to
 * end, on a machine whose speed may change at any time. Times are in seconds of all sessions of the
 * run, in which it read the text, trained, validated and saved. */
#ifndef RUNE_PACE_H
#define RUNE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    double limit;         /* seconds from when the limit was set to `deadline` */
    double deadline;      /* when the run is to end, its last validation and save included */
    double elapsed;       /* end of the last step or validation */
    double done;          /* share of the run that is done, 0 to 1: the learning rate goes by it */
    double time, steps;   /* of recent steps: sums in which older steps weigh less */
    double validation;    /* mean duration of a validation with its saves, in steps */
    uint64_t validations; /* number of validations in that mean */
};

/* Lets the run end `seconds` from now. Of a run that has trained for a while, the part before is
 * taken as done. */
void pace_limit(struct pace *pace, double now, double seconds);

/* A session begins to train: the time until now was spent on reading. */
void pace_begin(struct pace *pace, double now);

/* Sets how long a validation takes, in steps, as long as none was measured. */
void pace_expect(struct pace *pace, double steps);

/* A step or a validation has ended. `least` is the share of what was left before the step that it
 * did by another limit; 0 if there is none. */
void pace_step(struct pace *pace, double now, double least);
void pace_validation(struct pace *pace, double now);

/* Seconds that recent steps took, in the mean; 0 before the first one. */
double pace_step_seconds(const struct pace *pace);

/* Seconds left for steps: the last validation has its time set aside. */
double pace_left(const struct pace *pace);

/* Whether there is time for a validation and the last one. */
bool pace_may_validate(const struct pace *pace);

/* Whether another step would end farther from the deadline than the last one did. */
bool pace_is_over(const struct pace *pace);

#endif
