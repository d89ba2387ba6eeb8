/* SPDX-License-Identifier: MIT */
/* Changes to a PNG whose checksums are put right afterwards: a wrong one ends
 * the reading of a file before its header means anything. Linked where
 * libFuzzer is. */
#include <stdint.h>

#include <png.h>

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t n, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room,
                               unsigned seed);

enum { SIGNATURE = 8, AROUND = 12 }; /* length and kind, data, checksum */

/* Of PNG's specification, appendix D. */
static uint32_t checksum(const uint8_t *bytes, size_t n)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < n; ++i) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit)
            sum = sum & 1 ? 0xedb88320u ^ sum >> 1 : sum >> 1;
    }
    return ~sum;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t n, size_t room,
                               unsigned seed)
{
    size_t at = SIGNATURE;
    (void)seed;
    n = LLVMFuzzerMutate(bytes, n, room);
    if (n < SIGNATURE || png_sig_cmp(bytes, 0, SIGNATURE) != 0)
        return n;
    while (at + AROUND <= n) {
        const size_t length = png_get_uint_32(bytes + at);
        if (length > n - at - AROUND)
            break;
        png_save_uint_32(bytes + at + 8 + length,
                         checksum(bytes + at + 4, length + 4));
        at += length + AROUND;
    }
    return n;
}
