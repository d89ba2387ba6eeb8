/* SPDX-License-Identifier: MIT */
#include "lpcam/base/hash.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

uint64_t hash_mix(uint64_t hash, uint64_t value)
{
    uint64_t z = hash + 0x9e3779b97f4a7c15u * (value + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t hash_text(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; ++s)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return hash_mix(h, 0);
}

/* Words hashed beside each other, so that no multiplication waits for another.
 */
#define LANES 4

/* Each step is one-to-one, so a single word that differs always gives another
 * hash of its lane. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, int64_t n)
{
    const int64_t n_words = n / 8, rest = n % 8;
    const char *at = bytes;
    uint64_t lane[LANES], word = 0;
    for (int j = 0; j < LANES; ++j)
        lane[j] = hash_mix(hash, (uint64_t)j);
    for (int64_t i = 0; i + LANES <= n_words; i += LANES)
        for (int j = 0; j < LANES; ++j, at += sizeof word) {
            memcpy(&word, at, sizeof word);
            const uint64_t x = lane[j] ^ word;
            lane[j] = (x << 29 | x >> 35) * 0x9e3779b97f4a7c15u;
        }
    for (int64_t i = n_words % LANES; i > 0; --i, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        lane[0] = hash_mix(lane[0], word);
    }
    word = 0;
    memcpy(&word, at, (size_t)rest);
    hash = hash_mix(hash_mix(hash, word), (uint64_t)n);
    for (int j = 0; j < LANES; ++j)
        hash = hash_mix(hash, lane[j]);
    return hash;
}

void hash_sha256(const void *bytes, size_t n, char hex[65])
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&ctx);
    sha256_update(&ctx, n, bytes);
    sha256_digest(&ctx, sizeof digest, digest);
    for (int i = 0; i < SHA256_DIGEST_SIZE; ++i)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
