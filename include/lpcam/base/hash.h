/* SPDX-License-Identifier: MIT */
/* hash.h: random choices without state, and fingerprints. Local.
 *
 * Whatever is drawn is drawn by hashing what it belongs to (seed, class, side,
 * image ID, cell), so it does not depend on ranks or order. */
#ifndef LPCAM_HASH_H
#define LPCAM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Mix one more value into a hash (splitmix64 finaliser). Start from a seed. */
uint64_t hash_mix(uint64_t hash, uint64_t value);

/* Hash of a string, the same on every machine (64-bit FNV-1a, then mixed). */
uint64_t hash_text(const char *s);

/* Mix n bytes into a hash, at about the speed of memory; the same on machines of
 * one byte order. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, int64_t n);

/* SHA-256 of n bytes as 64 hexadecimal digits and a zero. */
void hash_sha256(const void *bytes, size_t n, char hex[65]);

#endif
