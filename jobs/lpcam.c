/* SPDX-License-Identifier: MIT */
/* lpcam.c: the program: one subcommand a job. Start reading in run.c. */
#include <limits.h>
#include <malloc.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_table.h"
#include "lpcam/base/log.h"
#include "lpcam/base/text.h"
#include "lpcam/net/backbone.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/stop.h"
#include "lpcam/store/h5.h"
#include "lpcam/store/run_file.h"

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

/* Every photograph frees and takes hundreds of MB again: the pages stay with
 * the process, for a page given back costs as much as computing on it. */
static void keep_pages(void)
{
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
}

static bool parse_nodes(const char *text, int *n)
{
    int64_t value;
    if (!text_int64(text, &value) || value < 1 || value > 1000000) {
        lp_misused("--nodes must be a whole number from 1 to 1000000, not "
                   "\"%s\"",
                   text);
        return false;
    }
    *n = (int)value;
    return true;
}

/* An option with a value that only this job has. */
static bool parse_own(const struct job *job, const char *value,
                      struct job_args *args, const char **set, char **made)
{
    if (job->run == job_plan)
        return parse_nodes(value, &args->n_nodes);
    free(*made);
    *made = text_format("export.out=%s", value);
    if (!*made) {
        lp_misused("no memory for the name of the gallery");
        return false;
    }
    set[args->n_set++] = "export.formats=gallery";
    set[args->n_set++] = *made;
    return true;
}

/* An option without a value: what it changes. */
static bool parse_flag(const char *option, struct job_args *args, int *manner)
{
    static const struct {
        const char *name;
        int manner;
    } flags[] = {
        {"-v", LOG_VERBOSE}, {"--quiet", LOG_QUIET}, {"--json-log", LOG_JSON}};
    for (int i = 0; i < 3; ++i)
        if (strcmp(option, flags[i].name) == 0) {
            *manner |= flags[i].manner;
            return true;
        }
    args->dry_run = args->dry_run || strcmp(option, "--dry-run") == 0;
    return strcmp(option, "--dry-run") == 0;
}

static int misused(const struct job *job)
{
    lp_misused("usage: lpcam %s %s [--set section.key=value]... [OPTION]...; "
               "lpcam %s --help tells more",
               job->name, job->argument, job->name);
    return 2;
}

/* An option that is not known or, at the end, lacks its value. */
static int wrong_option(const struct job *job, const char *option)
{
    const char *help, *own = job_option(job, &help);
    if (strcmp(option, "--set") == 0 || (own && strcmp(option, own) == 0))
        lp_misused("%s needs a value; lpcam %s --help tells which", option,
                   job->name);
    else
        lp_misused("unknown option %s; lpcam %s --help tells which there are",
                   option, job->name);
    return 2;
}

/* Sort argv into args; -1: go on, else the exit code. */
static int parse(const struct job *job, int argc, char **argv,
                 struct job_args *args, const char **set, const char **file,
                 char **made, int *manner)
{
    const char *help, *own = job_option(job, &help);
    for (int i = 2; i < argc; ++i) {
        const bool more = i + 1 < argc;
        if (strcmp(argv[i], "--help") == 0)
            return help_job(job);
        if (strcmp(argv[i], "--help=keys") == 0)
            return help_keys(NULL);
        if (strcmp(argv[i], "--set") == 0 && more) {
            set[args->n_set++] = argv[++i];
        } else if (own && strcmp(argv[i], own) == 0 && more) {
            if (!parse_own(job, argv[++i], args, set, made))
                return 2;
        } else if (argv[i][0] != '-') {
            file[args->n_files++] = argv[i];
        } else if (!parse_flag(argv[i], args, manner)) {
            return wrong_option(job, argv[i]);
        }
    }
    if (args->n_files == 0 || (args->n_files > 1 && job->run != job_check))
        return misused(job);
    return -1;
}

/* The job under MPI; the exit code of the whole job. */
static int run_job(const struct job *job, struct job_args *args, int manner,
                   int *argc, char ***argv)
{
    int provided;
    stop_install(); /* a signal may come while MPI and the model load */
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    args->comm = MPI_COMM_WORLD;
    log_init(comm_rank(args->comm), comm_size(args->comm), manner);
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
        return help_program();
    if (strcmp(argv[1], "--version") == 0)
        return version();
    if (strcmp(argv[1], "keys") == 0)
        return help_keys(argc > 2 ? argv[2] : NULL);
    const struct job *job = job_find(argv[1]);
    if (!job)
        return 2;

    struct job_args args = {0};
    keep_pages();
    int manner = 0; /* enum log_manner, or-ed */
    const char **set = calloc((size_t)argc, sizeof *set);
    const char **file = calloc((size_t)argc, sizeof *file);
    char *made = NULL; /* a text of set */
    int code = 1;
    if (set && file) {
        args.set = set;
        args.file = file;
        code = parse(job, argc, argv, &args, set, file, &made, &manner);
        if (code < 0)
            code = run_job(job, &args, manner, &argc, &argv);
    }
    free(made);
    free(set);
    free(file);
    return code;
}
