/* Recovery of a run that diverges: it goes back to its best model with half the learning rate. All
 * decisions depend on steps and losses alone, so that a resumed run makes the same ones. */
#ifndef RUNE_RECOVERY_H
#define RUNE_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

struct trainer;

/* Times that a run goes back before it is given up. */
#define RECOVERY_MAX 3

/* A part of the run's progress, and saved with it. Losses are of training, in nats. */
struct recovery {
    double first_loss;  /* of the untrained model; 0 before it is known */
    double lowest_loss; /* of all blocks of steps */
    double block_sum;   /* of the losses of the block under way, */
    uint64_t block_steps;
    uint64_t bad_blocks; /* that came last, one after the other */
    uint64_t asked_step; /* when a bad block last asked for a validation */
    uint64_t count;      /* times that the run went back, */
    uint64_t since;      /* last at this step; 0: never */
    double scale;        /* of the learning rate */
};

enum verdict { VERDICT_SOUND, VERDICT_DIVERGED };

/* The state of a run that begins. */
struct recovery recovery_begin(void);

/* What a step's loss and gradient norm say of the run. Where a part of the text is held out, bad
 * blocks ask for a validation, by asked_step: it tells a diverging model from a hard passage. */
enum verdict recovery_judge_step(struct trainer *trainer, double loss, double grad_norm);

/* Whether a validation confirms it. `train_loss` is the mean since the last validation. */
bool recovery_is_confirmed(const struct trainer *trainer, double val_loss, double train_loss);

/* The factor of the next step's learning rate: halved each time, with a new warm-up. */
double recovery_rate(const struct trainer *trainer);

/* Sets the message of a run that is given up. */
void recovery_refuse(const struct trainer *trainer);

/* What recovery_go_back returns where a run has gone back often enough. */
#define RECOVERY_GIVEN_UP 1

/* Goes back to the best model, or to the first weights where none was validated, with an optimizer
 * and states that are zero, and tells the user. Returns 0 or RECOVERY_GIVEN_UP; or −1 and a message
 * where the model cannot be had, and the weights are as they were. */
int recovery_go_back(struct trainer *trainer, double loss);

#endif
