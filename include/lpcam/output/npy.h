/* SPDX-License-Identifier: MIT */
/* npy.h: a .npy file of one pickled dictionary of arrays, which
 * numpy.load(path, allow_pickle=True).item() gives back. Local.
 *
 * The pickle names numpy.core.multiarray._reconstruct, numpy.ndarray and
 * numpy.dtype, as every file of numpy.save does and NumPy 1 and 2 read; and
 * torch.from_numpy where an array is to come back as a tensor, which needs
 * PyTorch then, of any version. Nothing else is called. Protocol 4: Python 3.4.
 *
 *     npy_begin(&f);
 *     npy_name(&f, "cam");
 *     npy_array(&f, NPY_F32, 3, dims, false);
 *     npy_data(&f, cam, n_bytes);
 *     npy_array_end(&f);
 *     LP_TRY(npy_write(&f, folder, "ID.npy"));
 *
 * Lack of memory is kept in f until npy_write says so. */
#ifndef LPCAM_NPY_H
#define LPCAM_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "lpcam/output/out_folder.h"

enum npy_type { NPY_I64, NPY_F32, NPY_F16 };
#define NPY_MOST_DIMS 3

/* Starts zeroed; its memory serves the next file too. */
struct npy {
    uint8_t *text; /* all that is no data                                  */
    size_t n, room;
    struct npy_data {
        size_t behind; /* bytes of text                                    */
        const void *bytes;
        int64_t n_bytes;
    } * data;
    struct out_piece *piece;
    int n_data, data_room;
    bool tensor, failed;
};
void npy_release(struct npy *f);

void npy_begin(struct npy *f);

/* The key of the next array. */
void npy_name(struct npy *f, const char *name);
void npy_number(struct npy *f, int64_t number);

/* dims [n_dims], slowest first, at most NPY_MOST_DIMS. Then its bytes, in one
 * piece or several, borrowed until npy_write, just as many as the shape says,
 * and the end. */
void npy_array(struct npy *f, enum npy_type type, int n_dims,
               const int64_t *dims, bool tensor);
void npy_data(struct npy *f, const void *bytes, int64_t n_bytes);
void npy_array_end(struct npy *f);

/* LP_ENOMEM; LP_EIO. */
enum lp_status npy_write(struct npy *f, const struct out_folder *folder,
                         const char *name);

#endif
