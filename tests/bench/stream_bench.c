/* SPDX-License-Identifier: MIT */
/* Rows of a features.h5 as clustering reads them where they do not fit: passes
 * over all blocks, each word looked at once. A line a pass: GB/s and the
 * processor's seconds.
 *
 * usage: stream_bench FILE MEMORY PASSES */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "lpcam/base/text.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"
#include "lpcam/store/feature_file.h"

static double processor_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static enum lp_status pass(struct features *f, uint64_t *sum)
{
    enum lp_status status = LP_OK;
    const int64_t row_bytes = f->d * (int64_t)value_bytes(f->type);
    const void *rows;
    for (int64_t i = 0, end; i < f->n_images; i = end) {
        LP_TRY(features_block(f, i, &end, &rows));
        const uint64_t *word = rows;
        const int64_t n = (f->offset[end] - f->offset[i]) * row_bytes / 8;
        for (int64_t w = 0; w < n; ++w)
            *sum += word[w];
    }
done:
    return status;
}

static enum lp_status run(const char *path, int64_t memory, int n_passes)
{
    enum lp_status status = LP_OK;
    struct feature_file ff;
    struct features f;
    struct dataset d;
    struct head head;
    struct basis basis;
    struct shard shard;
    LP_TRY(feature_file_load(&ff, path, NULL, memory, &f, &d, &head, &basis,
                             &shard, MPI_COMM_WORLD));
    const double bytes =
        (double)f.offset[f.n_images] * f.d * value_bytes(f.type);
    for (int p = 0; p < n_passes; ++p) {
        const double t = phase_now_s(), cpu = processor_s();
        uint64_t sum = 0;
        LP_TRY(pass(&f, &sum));
        printf("%.3f GB/s, processor %.2f s, sum %016llx%s\n",
               bytes / (phase_now_s() - t) * 1e-9, processor_s() - cpu,
               (unsigned long long)sum, f.value ? ", in memory" : "");
    }
done:
    features_release(&f);
    dataset_release(&d);
    head_release(&head);
    basis_release(&basis);
    feature_file_close(&ff, false, NULL);
    return status;
}

int main(int argc, char **argv)
{
    int provided;
    int64_t memory;
    if (argc != 4 || !text_bytes(argv[2], &memory)) {
        fprintf(stderr, "usage: stream_bench FILE MEMORY PASSES\n");
        return 2;
    }
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    const enum lp_status status = run(argv[1], memory, atoi(argv[3]));
    MPI_Finalize();
    return lp_exit_code(status);
}
