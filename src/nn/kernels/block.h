/* The kernels inside panel_product: a block of at most MR rows times one panel. */
#ifndef RUNE_BLOCK_H
#define RUNE_BLOCK_H

#include "panel.h"

#if defined(RUNE_AMX)
#include "block_tiles.h"
#else
#include "block_vectors.h"
#endif

#endif
