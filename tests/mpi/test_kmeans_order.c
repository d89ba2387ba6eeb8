/* SPDX-License-Identifier: MIT */
/* Another order of the images, on other ranks, gives the same clusters. */
#include "support.h"

#include "kmeans_data.h"
#include "lpcam/run/comm.h"

enum { N_IMAGES = 29, K = 4, D = 33 };

static const uint64_t name_hash[] = {11, 22, 33};

static int64_t image_at(int64_t place)
{
    return (place * 11 + 5) % N_IMAGES;
}

static void append(struct features *to, const struct features *all,
                   int64_t image)
{
    const int64_t i = to->n_images++, row = to->offset[i];
    const int64_t pair = all->pair_offset[image];
    const int64_t n_rows = all->offset[image + 1] - all->offset[image];
    const size_t bytes = (size_t)(all->d * value_bytes(all->type));

    to->grid_w[i] = all->grid_w[image];
    to->id_hash[i] = all->id_hash[image];
    to->offset[i + 1] = row + n_rows;
    memcpy((char *)to->value + (size_t)row * bytes,
           (char *)all->value + (size_t)all->offset[image] * bytes,
           (size_t)n_rows * bytes);
    to->pair_offset[i + 1] = to->pair_offset[i];
    for (int64_t p = pair; p < all->pair_offset[image + 1]; ++p) {
        const int64_t at = to->pair_offset[i + 1]++;
        to->pair_class[at] = all->pair_class[p];
        to->side_offset[at + 1] = to->side_offset[at] + n_rows;
        memcpy(to->side + to->side_offset[at], all->side + all->side_offset[p],
               (size_t)n_rows);
    }
}

static struct features shuffled(const struct features *all)
{
    struct features f = data_cut(all, 0, N_IMAGES); /* room for all */
    f.n_images = 0;
    for (int64_t i = 0; i < N_IMAGES; ++i)
        append(&f, all, image_at(i));
    return f;
}

enum { START_EQUAL = -1 }; /* besides those of config.h */

struct outcome {
    struct kmeans km;
    struct kmeans_near near[6 * K * KMEANS_NEAREST];
};

static bool cluster(struct outcome *o, struct features *f, int start,
                    MPI_Comm comm)
{
    bool good = kmeans_init(&o->km, f, K) == LP_OK;
    if (good && start == START_HASH)
        good = kmeans_start_hash(&o->km, f, name_hash, 3, comm) == LP_OK;
    if (good && start == START_PLUSPLUS)
        good = kmeans_start_plusplus(&o->km, f, name_hash, 3, 200, 2, comm) ==
               LP_OK;
    if (start == START_EQUAL) /* all clusters but the first begin empty */
        for (int64_t i = 0; good && i < 6 * (int64_t)K * D; ++i)
            o->km.center[i] = 1;
    return good && kmeans_fit(&o->km, f, STOP_MOVED, 0, 40, comm) == LP_OK &&
           kmeans_nearest(&o->km, f, o->near, comm) == LP_OK;
}

static bool same_step(const struct kmeans_step *a, const struct kmeans_step *b)
{
    return a->moved == b->moved && a->objective == b->objective &&
           a->shift2 == b->shift2;
}

static bool same_clusters(const struct kmeans *a, const struct kmeans *b)
{
    const size_t n = (size_t)a->n_problems;
    bool same = memcmp(a->center, b->center, n * K * D * sizeof(float)) == 0 &&
                memcmp(a->size, b->size, n * K * sizeof *a->size) == 0 &&
                memcmp(a->n_rows, b->n_rows, n * sizeof *a->n_rows) == 0 &&
                memcmp(a->n_zero, b->n_zero, n * sizeof *a->n_zero) == 0 &&
                memcmp(a->iterations, b->iterations, n * sizeof(int)) == 0 &&
                memcmp(a->why, b->why, n) == 0 && a->n_steps == b->n_steps;
    for (int i = 0; same && i < a->n_steps * a->n_problems; ++i)
        same = same_step(&a->step[i], &b->step[i]);
    return same;
}

/* The images of `there` have the numbers of the shuffled list. */
static bool same_near(const struct kmeans_near *here,
                      const struct kmeans_near *there)
{
    const int64_t image = there->image < 0 ? -1 : image_at(there->image);
    return here->image == image && here->cell == there->cell &&
           here->row == there->row && here->column == there->column &&
           here->similarity == there->similarity;
}

static void check(int start, enum lp_value type)
{
    struct features all = data_made(N_IMAGES, 3, D, type);
    struct features other = shuffled(&all);
    struct features f = data_share(&other, 0, comm_rank(MPI_COMM_WORLD),
                                   comm_size(MPI_COMM_WORLD));
    struct outcome here, there;
    bool same = true;
    assert_true(on_all(cluster(&here, &all, start, MPI_COMM_SELF)));
    assert_true(on_all(cluster(&there, &f, start, MPI_COMM_WORLD)));
    assert_true(on_all(here.km.n_steps > 3));
    assert_true(on_all(same_clusters(&here.km, &there.km)));
    for (int i = 0; i < 6 * K * KMEANS_NEAREST; ++i)
        same = same && same_near(&here.near[i], &there.near[i]);
    assert_true(on_all(same));
    kmeans_release(&here.km);
    kmeans_release(&there.km);
    features_release(&f);
    features_release(&other);
    features_release(&all);
}

static void the_order_of_the_images_changes_no_cluster(void **state)
{
    (void)state;
    check(START_HASH, LP_F32);
    check(START_HASH, LP_F16);
    check(START_PLUSPLUS, LP_F32);
}

static void the_order_of_the_images_changes_no_empty_cluster(void **state)
{
    (void)state;
    check(START_EQUAL, LP_F32);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_the_images_changes_no_cluster),
        cmocka_unit_test(the_order_of_the_images_changes_no_empty_cluster),
    };
    return test_mpi_main(argc, argv, tests);
}
