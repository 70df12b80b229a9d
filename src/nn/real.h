/* The number that the network is made of: float in the program, double in the build that checks
 * gradients. */
#ifndef RUNE_REAL_H
#define RUNE_REAL_H

#ifdef RUNE_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
