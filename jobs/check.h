/* SPDX-License-Identifier: MIT */
/* check.h: what the files of the job check share. Collective over comm. */
#ifndef LPCAM_CHECK_H
#define LPCAM_CHECK_H

#include "job.h"
#include "lpcam/method/basis.h"
#include "lpcam/store/h5.h"

/* Seconds between progress lines in a log file: run.progress_s, where there is
 * no configuration. */
#define CHECK_PROGRESS_S 30

/* A configuration: everything a run would check, data set and model included. */
enum lp_status check_config(const struct job_args *args, const char *path);

/* A model: can it be cut and compiled. */
enum lp_status check_model(const struct job_args *args, const char *path);

/* An output, told apart by what is in it. */
enum lp_status check_output(const struct job_args *args, const char *path);

/* The states of n images, *state the caller's to free, the same on every rank,
 * and how many there are of each. LP_EFORMAT while any is to do. */
enum lp_status check_states(struct h5 *h5, const char *path, int64_t n,
                            uint8_t **state, MPI_Comm comm);

/* Are its rows orthonormal, as far as floats are? Local. LP_EFORMAT. */
enum lp_status check_basis(const char *path, const struct basis *b);

/* Is features.h5, ours or written by another program, fit to be clustered? */
enum lp_status check_features(const struct job_args *args, const char *path);

/* Is views.h5 whole and sane? */
enum lp_status check_views(const struct job_args *args, const char *path);

#endif
