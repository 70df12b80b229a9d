/* Optimizers: what they are and what can be set. Their equations are in optim_loops.h. */
#ifndef RUNE_OPTIM_H
#define RUNE_OPTIM_H

enum optim_kind { OPTIM_ADAM, OPTIM_RMSPROP, OPTIM_SGD };

/* "adam", "rmsprop", "sgd" in the order of the kinds; NULL at the end. */
extern const char *const optim_names[];

struct optim {
    enum optim_kind kind;
    double
        weight_decay; /* decoupled, as in AdamW: w −= rate · weight_decay · w; on every parameter */
    double clip_norm;  /* of the whole gradient; 0: off */
    double clip_value; /* of each element, before the norm is taken; 0: off */
};

#endif
