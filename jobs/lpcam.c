/* SPDX-License-Identifier: MIT */
/* lpcam.c: the program: one subcommand a job. Start reading in run.c. */
#include <limits.h>
#include <malloc.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/net/backbone.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/config.h"
#include "lpcam/run/stop.h"
#include "lpcam/store/h5.h"
#include "lpcam/store/run_file.h"

struct job {
    const char *name, *argument, *summary;
    enum lp_status (*run)(const struct job_args *args);
};

static const struct job jobs[] = {
    {"run", "CONFIG.ini", "photographs to maps and their score, all stages",
     job_run},
    {"fit", "CONFIG.ini",
     "photographs, any ImageNet classifier -> a classifier of their classes "
     "(ONNX)",
     job_fit},
    {"extract", "CONFIG.ini",
     "photographs, model -> features.h5 (object and context cells), cams.h5,"
     "\n              with run.passes = 1 views.h5",
     job_extract},
    {"cluster", "CONFIG.ini", "features.h5 -> prototypes.h5", job_cluster},
    {"activate", "CONFIG.ini",
     "photographs, model, prototypes.h5 -> maps.h5 (LPCAM),\n              "
     "with run.passes = 1 views.h5, prototypes.h5 -> maps.h5",
     job_activate},
    {"score", "CONFIG.ini", "maps.h5, cams.h5, masks -> mIoU, score.json",
     job_score},
    {"export", "CONFIG.ini",
     "maps.h5 or cams.h5 -> masks, arrays, JSON, a network, a page: "
     "export.formats",
     job_export},
    {"plan", "CONFIG.ini [--nodes N]",
     "memory, disk and time beforehand: of the clustering on 1 to 16,384 "
     "ranks,\n              or of all stages on N nodes, and the line of "
     "sbatch for them",
     job_plan},
    {"check", "FILE...",
     "is a config, model or output file complete and sane; what is wrong",
     job_check},
};
enum { N_JOBS = sizeof jobs / sizeof jobs[0] };

static int usage(void)
{
    puts(
        "lpcam: LPCAM maps (local prototype class activation maps) from "
        "photographs,\nimage labels and an ONNX classifier.\n\n"
        "    mpirun -n RANKS lpcam JOB CONFIG.ini [--set section.key=value]... "
        "[--dry-run] [-v]\n\nJobs:");
    for (int i = 0; i < N_JOBS; ++i)
        printf("    %-9s %s\n", jobs[i].name, jobs[i].summary);
    puts("\n    lpcam JOB --help   what the job reads and writes, and every "
         "key\n    lpcam --version    versions of the program and its "
         "libraries\n\nExit codes: 0 done, 1 failed, 2 wrong usage or "
         "configuration,\n75 stopped on request (run again to go on).");
    return 0;
}

static int version(void)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(mpi, &n);
    mpi[strcspn(mpi, ",\n")] = 0;
    printf("%s\n%s, HDF5 %s, OpenVINO %s\n", run_file_program(), mpi,
           h5_version(), backbone_version());
    return 0;
}

static int help(const struct job *job)
{
    printf("lpcam %s %s [--set section.key=value]... [--dry-run] [-v]\n    "
           "%s\n\n%s",
           job->name, job->argument, job->summary, config_reference);
    return 0;
}

/* Every photograph frees and takes hundreds of MB again: the pages stay with
 * the process, for a page given back costs as much as computing on it. */
static void keep_pages(void)
{
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
}

static const struct job *find_job(const char *name)
{
    const char *names[N_JOBS];
    for (int i = 0; i < N_JOBS; ++i) {
        if (strcmp(jobs[i].name, name) == 0)
            return &jobs[i];
        names[i] = jobs[i].name;
    }
    fprintf(stderr,
            "lpcam: there is no job \"%s\" (nearest: %s); lpcam "
            "without arguments lists them\n",
            name, text_nearest(name, names, N_JOBS));
    return NULL;
}

static bool parse_nodes(const char *text, int *n)
{
    int64_t value;
    if (!text_int64(text, &value) || value < 1 || value > 1000000) {
        fprintf(stderr,
                "lpcam: --nodes must be a whole number from 1 to 1000000, not "
                "\"%s\"\n",
                text);
        return false;
    }
    *n = (int)value;
    return true;
}

/* Sort argv into args; -1: go on, else the exit code. */
static int parse(const struct job *job, int argc, char **argv,
                 struct job_args *args, const char **set, const char **file,
                 bool *verbose)
{
    for (int i = 2; i < argc; ++i) {
        if (strcmp(argv[i], "--help") == 0)
            return help(job);
        if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
            set[args->n_set++] = argv[++i];
        } else if (strcmp(argv[i], "--nodes") == 0 && job->run == job_plan &&
                   i + 1 < argc) {
            if (!parse_nodes(argv[++i], &args->n_nodes))
                return 2;
        } else if (strcmp(argv[i], "--dry-run") == 0) {
            args->dry_run = true;
        } else if (strcmp(argv[i], "-v") == 0) {
            *verbose = true;
        } else if (argv[i][0] == '-') {
            fprintf(stderr,
                    "lpcam: unknown option %s; lpcam %s --help tells "
                    "which there are\n",
                    argv[i], job->name);
            return 2;
        } else {
            file[args->n_files++] = argv[i];
        }
    }
    if (args->n_files == 0 || (args->n_files > 1 && job->run != job_check)) {
        fprintf(stderr,
                "lpcam: usage: lpcam %s %s [--set section.key=value]"
                "... [--dry-run] [-v]\n",
                job->name, job->argument);
        return 2;
    }
    return -1;
}

/* The job under MPI; the exit code of the whole job. */
static int run_job(const struct job *job, struct job_args *args, bool verbose,
                   int *argc, char ***argv)
{
    int provided;
    stop_install(); /* a signal may come while MPI and the model load */
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    args->comm = MPI_COMM_WORLD;
    log_init(comm_rank(args->comm), comm_size(args->comm), verbose ? LOG_VERBOSE : 0);
    enum lp_status status = job->run(args);
    int code = comm_exit_code(args->comm, lp_exit_code(status));
    if (code == 75)
        lp_log("stopped on request; all finished work is safe: the same "
               "command goes on");
    MPI_Finalize();
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0)
        return usage();
    if (strcmp(argv[1], "--version") == 0)
        return version();
    const struct job *job = find_job(argv[1]);
    if (!job)
        return 2;

    struct job_args args = {0};
    keep_pages();
    bool verbose = false;
    const char **set = calloc((size_t)argc, sizeof *set);
    const char **file = calloc((size_t)argc, sizeof *file);
    int code = 1;
    if (set && file) {
        args.set = set;
        args.file = file;
        code = parse(job, argc, argv, &args, set, file, &verbose);
        if (code < 0)
            code = run_job(job, &args, verbose, &argc, &argv);
    }
    free(set);
    free(file);
    return code;
}
