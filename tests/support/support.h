/* SPDX-License-Identifier: MIT */
/* support.h: what all tests share. */
#ifndef LPCAM_TEST_SUPPORT_H
#define LPCAM_TEST_SUPPORT_H

#include <mpi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* main of an MPI test: starts MPI, silences ranks above 0, runs the tests, and
 * returns failures of any rank: return test_mpi_main(argc, argv, tests); */
#define test_mpi_main(argc, argv, tests)                                       \
    test_mpi_run((argc), (argv), (tests), sizeof(tests) / sizeof(tests)[0])
int test_mpi_run(int argc, char **argv, const struct CMUnitTest *tests,
                 size_t n);

/* True when cond holds on every rank: asserts must fail on all or none. */
bool on_all(bool cond);

/* A file of the source's tests/data or of the shared folder; static buffers,
 * valid until the fourth next call. */
const char *test_data(const char *name);
const char *test_shared(const char *name);

/* Is the shared folder there? If not, says so and the test must return 77 from
 * main (ctest shows it as skipped). */
bool test_have_shared(void);

/* A fresh empty folder, the same on every rank, removed by test_mpi_run. */
const char *test_folder(void);

#endif
