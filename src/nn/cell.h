/* What a recurrent cell is. A cell is one file and one row in the table of variant.c; model,
 * trainer, trace and views know cells only through this. */
#ifndef RUNE_CELL_H
#define RUNE_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "real.h"
#include "team.h"

/* The most that a cell has. */
#define CELL_PARAMS 8
#define CELL_STATES 4
#define CELL_GATES 8
#define CELL_QUANTITIES (CELL_STATES + CELL_GATES)

struct cell;
struct recurrent;

/* One layer over one chunk of B streams and T timesteps. The caller owns all arrays. */
struct layer {
    const struct cell *cell;
    int B, T;
    int D, H;           /* width of the input (V for one-hot input) and of the layer */
    bool onehot;        /* the input is: */
    bool training;      /* backward will follow */
    const int32_t *ids; /* [T][B] one-hot: the index of its 1, or −1 for the vector 0; or */
    const real *x;      /* [T][B][D] dense */
    const real *param[CELL_PARAMS]; /* in the order of the cell's params */
    real *grad[CELL_PARAMS];        /* of the same shapes; overwritten by backward */
    const real *packed;             /* what the cell's pack made of the parameters */
    real *state[CELL_STATES]; /* [T + 1][B][H]; slot 0 is the state before the chunk; state[0] is
                                 the layer's output */
    real *gates;              /* [T][B][G][H] values after their non-linearity; backward replaces
                                 them by the gradient with respect to their arguments */
    real *dy;                 /* [T][B][H] gradient of the output; backward adds to it what comes
                                 through the timesteps after */
    real *dx;                 /* [T][B][D] gradient of x, or NULL where there is no use for it */
    real *scratch;            /* of the cell's scratch_size; nothing in it outlives a call */
};

/* How a parameter is shaped, named in files, and started. */
enum cell_columns { CELL_INPUT, CELL_HIDDEN, CELL_VECTOR };

struct cell_param {
    const char *name; /* "weight_ih": PyTorch's, the layer's number is added */
    const char *twin; /* a second bias that PyTorch has and this cell has not: written as zeros,
                         added to this one when read; or NULL */
    int gates;        /* rows: gates · H */
    enum cell_columns columns; /* D, H, or none */
    const real *start;         /* [gates] where each gate's rows start; NULL: at random */
};

struct cell {
    const char *name;
    int num_states, num_gates, num_params;
    const char *const
        *quantities;    /* [num_states + num_gates] what a trace calls them, states first */
    const real *lowest; /* [num_gates] gates go from there (0 or −1) to 1 */
    int forget_gate;    /* which of them keeps a state from one timestep to the next; −1: none */
    const struct cell_param *params;
    const struct recurrent *recurrent; /* see recurrent.h; NULL for a cell of another kind */

    /* Numbers that pack writes, and that forward and backward need as scratch, for a layer of which
     * nothing but the shape is given (for packed_size, without B and T). */
    size_t (*packed_size)(const struct layer *layer);
    size_t (*scratch_size)(const struct layer *layer);

    /* The following are called by every member of a team. pack is called when the parameters have
     * changed; it and the others leave their results complete only after the next barrier. forward
     * reads x or ids and slot 0 of the states, writes the other slots and the gates. backward needs
     * what forward left; the gradient does not flow into slot 0 (the truncation of truncated BPTT).
     * Both leave work out where team_stops().
     */
    void (*pack)(struct member *member, const struct layer *layer, real *packed);
    void (*forward)(struct member *member, const struct layer *layer);
    void (*backward)(struct member *member, const struct layer *layer);
};

#endif
