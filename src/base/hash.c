/* SPDX-License-Identifier: MIT */
#include "lpcam/base/hash.h"

#include <nettle/sha2.h>
#include <stdio.h>

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
