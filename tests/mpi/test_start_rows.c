/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/text.h"
#include "lpcam/data/dataset_index.h"
#include "lpcam/method/start_rows.h"
#include "lpcam/run/comm.h"
#include "support.h"

/* Three images, not in the order of their IDs, and two classes. */
static char text[] = "zebra\0ant\0middle\0cat\0hair drier";
static int64_t id_at[] = {0, 6, 10}, name_at[] = {17, 21};

static struct dataset tiny(void)
{
    return (struct dataset){.n_images = 3,
                            .n_classes = 2,
                            .text = text,
                            .text_bytes = sizeof text,
                            .id_at = id_at,
                            .name_at = name_at};
}

static const char *file_with(const char *content)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/rows.tsv", test_folder());
    if (comm_rank(MPI_COMM_WORLD) == 0)
        text_write(path, content, strlen(content));
    comm_barrier(MPI_COMM_WORLD);
    return path;
}

static bool refused(const char *content)
{
    const struct dataset d = tiny();
    struct kmeans_start *start = NULL;
    const enum lp_status status =
        start_rows_read(file_with(content), &d, 3, &start, MPI_COMM_WORLD);
    const bool root = comm_rank(MPI_COMM_WORLD) == 0;
    free(start);
    return status == (root ? LP_EFORMAT : LP_EPEER);
}

static void rows_arrive_on_every_rank(void **state)
{
    const struct dataset d = tiny();
    struct kmeans_start *start = NULL;
    (void)state;
    const enum lp_status status =
        start_rows_read(file_with("#class\tside\tk\timage\tcell\n"
                                  "cat\tobject\t0\tmiddle\t17\n\n"
                                  "hair drier\tcontext\t2\tzebra\t0\n"),
                        &d, 3, &start, MPI_COMM_WORLD);
    assert_true(on_all(status == LP_OK));
    bool right = true;
    for (int i = 0; i < 12; ++i) {
        const int64_t image = i == 0 ? 2 : i == 11 ? 0 : -1;
        const int64_t cell = i == 0 ? 17 : i == 11 ? 0 : -1;
        right = right && start[i].image == image && start[i].cell == cell;
    }
    assert_true(on_all(right));
    free(start);
}

static void each_slip_is_refused_on_every_rank(void **state)
{
    static const char *const slip[] = {
        "cat\tobject\t0\tmiddle\n",       /* a field short     */
        "cat\tobject\t0\tmiddle\t1\t2\n", /* one too many      */
        "dog\tobject\t0\tmiddle\t1\n",    /* no such class     */
        "cat\tboth\t0\tmiddle\t1\n",      /* no such side      */
        "cat\tobject\t3\tmiddle\t1\n",    /* k too large       */
        "cat\tobject\tx\tmiddle\t1\n",    /* k no number       */
        "cat\tobject\t0\tmid\t1\n",       /* no such image     */
        "cat\tobject\t0\tmiddle\t-1\n",   /* no such cell      */
        "cat\tobject\t0\tant\t1\ncat\tobject\t0\tzebra\t1\n" /* twice  */
    };
    (void)state;
    for (size_t i = 0; i < sizeof slip / sizeof slip[0]; ++i)
        assert_true(on_all(refused(slip[i])));
}

static void every_name_is_found_and_no_other(void **state)
{
    const struct dataset d = tiny();
    struct dataset_index index = {0};
    (void)state;
    assert_true(on_all(dataset_index_init(&index, &d) == LP_OK));
    assert_true(on_all(dataset_index_find(&index, "zebra") == 0 &&
                       dataset_index_find(&index, "ant") == 1 &&
                       dataset_index_find(&index, "middle") == 2 &&
                       dataset_index_find(&index, "midd") == -1 &&
                       dataset_index_find(&index, "zzz") == -1));
    assert_true(on_all(dataset_find_class(&d, "hair drier") == 1 &&
                       dataset_find_class(&d, "hair") == -1));
    dataset_index_release(&index);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_arrive_on_every_rank),
        cmocka_unit_test(each_slip_is_refused_on_every_rank),
        cmocka_unit_test(every_name_is_found_and_no_other)};
    return test_mpi_main(argc, argv, tests);
}
