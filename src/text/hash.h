/* A 64-bit hash of bytes, eight at a time. It tells texts apart; it withstands no attack. */
#ifndef RUNE_HASH_H
#define RUNE_HASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Goes on from `hash` (0 at the start). Bytes in pieces give what the whole gives if every piece
 * but the last is a multiple of 8 bytes long; zeros at the end count as nothing: hash the length
 * too. */
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
