/* SPDX-License-Identifier: MIT */
/* features_hash: the same however the photographs lie, another for any change.
 */
#include "support.h"

#include "kmeans_data.h"
#include "lpcam/method/features_hash.h"
#include "lpcam/run/comm.h"

/* Of these images, cut into the ranks' shares. */
static uint64_t hash_of(const struct features *all, int mode, bool streamed,
                        int n_threads)
{
    struct features f = data_share(all, mode, comm_rank(MPI_COMM_WORLD),
                                   comm_size(MPI_COMM_WORLD));
    struct data_file file;
    uint64_t hash = 0;
    if (streamed)
        data_stream(&f, &file, 60000);
    assert_true(
        on_all(features_hash(&f, n_threads, &hash, MPI_COMM_WORLD) == LP_OK));
    if (streamed)
        free(file.value);
    features_release(&f);
    return hash;
}

static void any_sharding_gives_the_same_hash(void **state)
{
    (void)state;
    struct features all = data_made(29, 3, 33, LP_F16);
    uint64_t hash;
    assert_true(on_all(features_hash(&all, 1, &hash, MPI_COMM_SELF) == LP_OK));
    for (int mode = 0; mode < 4; ++mode)
        for (int streamed = 0; streamed < 2; ++streamed)
            assert_true(
                on_all(hash_of(&all, mode, streamed, 1 + mode) == hash));
    features_release(&all);
}

static void any_changed_byte_gives_another_hash(void **state)
{
    (void)state;
    struct features all = data_made(5, 2, 5, LP_F16);
    const uint64_t hash = hash_of(&all, 0, false, 1);
    const int64_t n = all.offset[5] * all.d * value_bytes(all.type);
    const int64_t n_sides = all.side_offset[all.pair_offset[5]];
    char *value = all.value;
    for (int64_t i = 0; i < n; i += 7) {
        value[i] = (char)(value[i] ^ 1 << i % 8);
        assert_true(on_all(hash_of(&all, 0, false, 1) != hash));
        value[i] = (char)(value[i] ^ 1 << i % 8);
    }
    for (int64_t i = 0; i < n_sides; i += 5) {
        all.side[i] ^= 1;
        assert_true(on_all(hash_of(&all, 0, false, 1) != hash));
        all.side[i] ^= 1;
    }
    assert_true(on_all(hash_of(&all, 0, false, 1) == hash));
    features_release(&all);
}

/* Images of the same cells in another order. */
static void places_count(void **state)
{
    (void)state;
    float x[] = {1, 2, 3, 4}, turned[] = {3, 4, 1, 2};
    struct features a = data_rows(2, 2, x), b = data_rows(2, 2, turned);
    assert_true(on_all(hash_of(&a, 0, false, 1) != hash_of(&b, 0, false, 1)));
    features_release(&a);
    features_release(&b);
}

static void a_failing_read_ends_all_ranks(void **state)
{
    (void)state;
    struct features all = data_made(28, 3, 8, LP_F32);
    const int rank = comm_rank(MPI_COMM_WORLD);
    const int last = comm_size(MPI_COMM_WORLD) - 1;
    struct features f = data_share(&all, 0, rank, last + 1);
    struct data_file file;
    uint64_t hash;
    data_stream(&f, &file, 60000);
    file.fail_at = rank == last ? 1 : 0;
    const enum lp_status status = features_hash(&f, 1, &hash, MPI_COMM_WORLD);
    assert_true(on_all(status == (rank == last ? LP_EIO : LP_EPEER)));
    free(file.value);
    features_release(&f);
    features_release(&all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sharding_gives_the_same_hash),
        cmocka_unit_test(any_changed_byte_gives_another_hash),
        cmocka_unit_test(places_count),
        cmocka_unit_test(a_failing_read_ends_all_ranks),
    };
    return test_mpi_main(argc, argv, tests);
}
