/* A 64-bit hash of bytes, which tells texts apart. Not cryptographic. */
#ifndef RUNE_HASH_H
#define RUNE_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Continues from `hash` (0 at the start). Hashing in pieces gives the same value as in one if every
 * piece but the last is a multiple of 8 bytes long. Trailing zeros may not change the value: hash
 * the length, too. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += 8) {
        uint64_t word = 0;
        if (length - at >= 8)
            memcpy(&word, (const uint8_t *)bytes + at, 8);
        else
            memcpy(&word, (const uint8_t *)bytes + at, length - at);
        hash = (hash ^ le64toh(word)) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    return hash;
}

#endif
