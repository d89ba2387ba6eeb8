/* SPDX-License-Identifier: MIT */
/* scalapack.h: what is used of BLACS and ScaLAPACK, which bring no header.
 * Matrices are Fortran's: indices from 1, columns contiguous, int of 32 bits. */
#ifndef LPCAM_SCALAPACK_H
#define LPCAM_SCALAPACK_H

#include <mpi.h>

int Csys2blacs_handle(MPI_Comm comm);
void Cblacs_gridinit(int *context, const char *order, int n_rows,
                     int n_columns);
void Cblacs_gridinfo(int context, int *n_rows, int *n_columns, int *row,
                     int *column);
void Cblacs_set(int context, int what, const int *value);
void Cblacs_gridexit(int context);

/* The work space that PBLAS keeps between calls. */
void PB_freebuf_(void);

void pdsyrk_(const char *triangle, const char *turn, const int *n, const int *k,
             const double *alpha, const double *a, const int *ia, const int *ja,
             const int *desc_a, const double *beta, double *c, const int *ic,
             const int *jc, const int *desc_c);
void pdpotrf_(const char *triangle, const int *n, double *a, const int *ia,
              const int *ja, const int *desc_a, int *info);
void pdpotrs_(const char *triangle, const int *n, const int *n_right,
              const double *a, const int *ia, const int *ja, const int *desc_a,
              double *b, const int *ib, const int *jb, const int *desc_b,
              int *info);
void pdsyevd_(const char *job, const char *triangle, const int *n, double *a,
              const int *ia, const int *ja, const int *desc_a, double *value,
              double *z, const int *iz, const int *jz, const int *desc_z,
              double *work, const int *n_work, int *iwork, const int *n_iwork,
              int *info);
void pdgemr2d_(const int *m, const int *n, const double *a, const int *ia,
               const int *ja, const int *desc_a, double *b, const int *ib,
               const int *jb, const int *desc_b, const int *context);

#endif
