/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/base/hash.h"

/* The digests are those of the standard, FIPS 180-4, and its examples. */
static void sha256_gives_the_published_digests(void **state)
{
    (void)state;
    char hex[65];
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);

    hash_sha256("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
                             "27ae41e4649b934ca495991b7852b855");
    hash_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
                             "b00361a396177a9cb410ff61f20015ad");
    hash_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039"
                             "a33ce45964ff2167f6ecedd419db06c1");
    hash_sha256(million, 1000000, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
                             "f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* What is drawn now must be drawn in every later version. */
static void hashes_are_the_same_on_every_machine(void **state)
{
    (void)state;
    assert_int_equal(hash_mix(0, 0), 0xe220a8397b1dcdafu);
    assert_int_equal(hash_mix(0, 1), 0x6e789e6aa1b965f4u);
    assert_int_equal(hash_mix(0, 2), 0x06c45d188009454fu);
    assert_int_equal(hash_text(""), hash_mix(0xcbf29ce484222325u, 0));
    assert_int_equal(hash_text("foobar"), hash_mix(0x85944171f73967e8u, 0));
    assert_int_equal(hash_text("\xc3\xa9"), hash_text("\303\251"));
}

/* Among as many bytes as make some lanes, some words and a rest. */
static void every_byte_changes_the_hash_of_bytes(void **state)
{
    (void)state;
    enum { N = 77 };
    char bytes[N + 1] = {0};
    const uint64_t hash = hash_bytes(1, bytes, N);
    assert_int_not_equal(hash_bytes(2, bytes, N), hash);
    assert_int_not_equal(hash_bytes(1, bytes, N + 1), hash);
    for (int i = 0; i < N; ++i) {
        bytes[i] = 1;
        assert_int_not_equal(hash_bytes(1, bytes, N), hash);
        bytes[i] = 0;
    }
    assert_int_equal(hash_bytes(1, bytes, N), hash);
}

static void nearby_values_draw_unlike_numbers(void **state)
{
    (void)state;
    enum { N = 1 << 16 };
    uint64_t *h = malloc(N * sizeof *h);
    int ones[64] = {0};
    assert_non_null(h);
    for (uint64_t i = 0; i < N; ++i) {
        h[i] = hash_mix(hash_mix(1, i >> 8), i & 255);
        for (int b = 0; b < 64; ++b)
            ones[b] += (int)(h[i] >> b & 1);
    }
    for (int b = 0; b < 64; ++b) /* six standard deviations */
        assert_in_range(ones[b], N / 2 - 768, N / 2 + 768);
    qsort(h, N, sizeof *h, by_value);
    for (int i = 1; i < N; ++i)
        assert_true(h[i] != h[i - 1]);
    assert_true(hash_text("1_2") != hash_text("12_"));
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(hashes_are_the_same_on_every_machine),
        cmocka_unit_test(every_byte_changes_the_hash_of_bytes),
        cmocka_unit_test(nearby_values_draw_unlike_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
