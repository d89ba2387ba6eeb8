/* SPDX-License-Identifier: MIT */
/* comm_exchange_rows: every row arrives once, where it was sent. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "lpcam/run/comm.h"

enum { BYTES = 11, MOST = 64 };

/* Rows that rank a sends to rank b; some send none. */
static int64_t n_rows(int a, int b)
{
    return a == 1 ? 0 : (3 * a + 5 * b) % 4;
}

/* Row i of those, told apart by its bytes. */
static void make_row(char *row, int a, int b, int64_t i)
{
    for (int j = 0; j < BYTES; ++j)
        row[j] = (char)(a + 16 * b + 3 * i + 7 * j);
}

static void rows_come_in_the_order_of_ranks(void **state)
{
    (void)state;
    const int size = comm_size(MPI_COMM_WORLD), me = comm_rank(MPI_COMM_WORLD);
    char send[MOST * BYTES], expected[MOST * BYTES];
    int64_t n_to[8], n_sent = 0, n_expected = 0, n = -1;
    void *rows = NULL;
    for (int r = 0; r < size; ++r) {
        n_to[r] = n_rows(me, r);
        for (int64_t i = 0; i < n_to[r]; ++i)
            make_row(send + n_sent++ * BYTES, me, r, i);
        for (int64_t i = 0; i < n_rows(r, me); ++i)
            make_row(expected + n_expected++ * BYTES, r, me, i);
    }
    assert_true(on_all(comm_exchange_rows(MPI_COMM_WORLD, send, n_to, BYTES,
                                          &rows, &n) == LP_OK));
    assert_true(on_all(n == n_expected &&
                       memcmp(rows, expected, (size_t)n * BYTES) == 0));
    free(rows);
}

static void without_memory_all_fail(void **state)
{
    (void)state;
    const int64_t n_to[8] = {0};
    const int me = comm_rank(MPI_COMM_WORLD);
    void *rows;
    int64_t n;
    setenv("LPCAM_FAULT", "exchange_rows@0", 1);
    const enum lp_status status =
        comm_exchange_rows(MPI_COMM_WORLD, NULL, n_to, BYTES, &rows, &n);
    unsetenv("LPCAM_FAULT");
    assert_true(on_all(status == (me == 0 ? LP_ENOMEM : LP_EPEER)));
    free(rows);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_the_order_of_ranks),
        cmocka_unit_test(without_memory_all_fail),
    };
    return test_mpi_main(argc, argv, tests);
}
