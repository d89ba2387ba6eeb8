/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lpcam/base/hash.h"
#include "lpcam/method/seed_score.h"
#include "lpcam/run/comm.h"
#include "support.h"

enum { N_IMAGES = 5, N_PIXELS = 333, N_CLASSES = 4, N_THRESHOLDS = 3 };

static const double thresholds[N_THRESHOLDS] = {0.1, 0.3, 0.5};

static void add_image(struct seed_score *s, int image)
{
    uint8_t best[N_PIXELS], truth[N_PIXELS];
    float value[N_PIXELS];
    for (int i = 0; i < N_PIXELS; ++i) {
        const uint64_t r = hash_mix((uint64_t)image, (uint64_t)i) >> 16;
        best[i] = (uint8_t)(r % (N_CLASSES + 1));
        truth[i] = (uint8_t)(r / 8 % (N_CLASSES + 1));
        value[i] = (float)(r / 64 % 1000) / 1000.0f;
    }
    seed_score_add(s, best, value, truth, N_PIXELS);
}

/* With seven ranks two have no image. One count is past 2^31 on every rank. */
static void the_sum_is_what_one_rank_would_have_counted(void **state)
{
    (void)state;
    const MPI_Comm comm = MPI_COMM_WORLD;
    struct seed_score all, mine;
    const size_t bytes = sizeof(int64_t) * (N_CLASSES + 1) * (N_CLASSES + 1) *
                         (N_THRESHOLDS + 1);
    bool ready = seed_score_init(&all, N_CLASSES, true, thresholds,
                                 N_THRESHOLDS) == LP_OK;
    ready = seed_score_init(&mine, N_CLASSES, true, thresholds, N_THRESHOLDS) ==
                LP_OK &&
            ready;
    assert_true(on_all(ready));
    for (int i = 0; i < N_IMAGES; ++i) {
        add_image(&all, i);
        if (i % comm_size(comm) == comm_rank(comm))
            add_image(&mine, i);
    }
    all.count[0] += ((int64_t)3 << 31) * comm_size(comm);
    mine.count[0] += (int64_t)3 << 31;
    seed_score_sum(&mine, comm);
    assert_true(on_all(mine.n_images == N_IMAGES));
    assert_true(on_all(memcmp(mine.count, all.count, bytes) == 0));
    seed_score_release(&all);
    seed_score_release(&mine);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sum_is_what_one_rank_would_have_counted),
    };
    return test_mpi_main(argc, argv, tests);
}
