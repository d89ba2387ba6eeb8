/* SPDX-License-Identifier: MIT */
#include "lpcam/store/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5_inner.h"
#include "lpcam/base/fault.h"
#include "lpcam/base/text.h"

/* More than the structure of any of our files, in blocks of any file system. */
#define BALLAST_BYTES ((size_t)4 << 20)

/* Why HDF5 last failed. */
static char reason[256] = "no reason given";

static herr_t keep_innermost(unsigned n, const H5E_error2_t *error, void *arg)
{
    (void)arg;
    if (n == 0 && error->desc)
        snprintf(reason, sizeof reason, "%s", error->desc);
    return 0;
}

/* H5E_auto2_t: HDF5 calls it at each failure, where it would print its stack;
 * its next call forgets the stack. */
static herr_t keep_reason(hid_t stack, void *arg)
{
    return H5Ewalk2(stack, H5E_WALK_UPWARD, keep_innermost, arg);
}

const char *h5_why(void)
{
    return reason;
}

const char *h5_version(void)
{
    static char text[32];
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}

const char *h5_mpi_version(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(text, &n);
    text[strcspn(text, ",\n")] = 0;
    return text;
}

/* A 2-byte float with so many bits of exponent and mantissa. */
static hid_t small_float(size_t exponent, size_t mantissa)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, mantissa, exponent, 0, mantissa);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, ((size_t)1 << (exponent - 1)) - 1);
    return type;
}

/* The struct without its file. Local. */
static enum lp_status start(struct h5 **file, const char *path, bool write,
                            MPI_Comm comm)
{
    struct h5 *f = calloc(1, sizeof *f);
    if (f)
        f->path = strdup(path);
    if (!f || !f->path) {
        free(f);
        return lp_fail(LP_ENOMEM, "no memory to open %s", path);
    }
    H5Eset_auto2(H5E_DEFAULT, keep_reason, NULL);
    f->id = -1;
    f->fd = -1;
    f->f16 = small_float(5, 10);
    f->bf16 = small_float(8, 7);
    f->comm = comm;
    f->write = write;
    *file = f;
    return LP_OK;
}

/* Throw off the room that was kept for the structure. */
static void drop_ballast(struct h5 *file)
{
    if (file->ballast)
        unlink(file->ballast);
    free(file->ballast);
    file->ballast = NULL;
}

/* Where the structure of a new file does not fit on the disk, HDF5 does not
 * come back from closing it: ranks wait for each other for ever. So room for it
 * is taken before, and given back just before the close. Local, on rank 0. */
static enum lp_status take_ballast(struct h5 *file)
{
    enum lp_status status = LP_OK;
    char *zeros = calloc(1, BALLAST_BYTES);
    file->ballast = text_format("%s.room", file->path);
    if (!zeros || !file->ballast)
        status = lp_fail(LP_ENOMEM, "no memory to create %s", file->path);
    else
        status = text_write(file->ballast, zeros, BALLAST_BYTES);
    free(zeros);
    return status;
}

static void discard(struct h5 *file)
{
    if (!file)
        return;
    drop_ballast(file);
    H5Tclose(file->f16);
    H5Tclose(file->bf16);
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    free(file);
}

static hid_t access_plan(MPI_Comm comm)
{
    const hid_t plan = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(plan, comm, MPI_INFO_NULL);
    H5Pset_libver_bounds(plan, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    /* For those who read data sets without HDF5: whole cache lines. */
    H5Pset_alignment(plan, 64, 64);
    return plan;
}

enum lp_status h5_create(struct h5 **file, const char *path, MPI_Comm comm)
{
    enum lp_status status;
    struct h5 *f = NULL;
    const hid_t plan = access_plan(comm);

    status = start(&f, path, true, comm);
    if (f && comm_rank(comm) == 0) {
        f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (f->fd < 0)
            status =
                lp_fail(LP_EIO, "cannot create %s: %s", path, strerror(errno));
        else
            status = take_ballast(f);
    }
    LP_AGREE(comm);
    if (f->fd < 0)
        f->fd = open(path, O_RDWR | O_CLOEXEC);
    if (f->fd < 0 || lp_fault("h5_create"))
        status = lp_fail(LP_EIO,
                         "rank 0 made %s, which this rank cannot open: %s; "
                         "run.out must be a folder that all nodes share",
                         path, strerror(errno));
    LP_AGREE(comm);

    f->id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, plan);
    H5_AGREE(comm, f->id >= 0, LP_EIO, "cannot create %s: %s", path, h5_why());
    *file = f;
done:
    H5Pclose(plan);
    if (status != LP_OK)
        discard(f);
    return status;
}

enum lp_status h5_open(struct h5 **file, const char *path, bool write,
                       MPI_Comm comm)
{
    enum lp_status status;
    struct h5 *f = NULL;
    const hid_t plan = access_plan(comm);

    status = start(&f, path, write, comm);
    LP_AGREE(comm);
    f->fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    const int error = errno;
    H5_AGREE(comm, f->fd >= 0 && !lp_fault("h5_open"), LP_EIO,
             "cannot open %s: %s%s", path, strerror(error),
             error == ENOENT ? " (all nodes must share its folder)" : "");
    H5_AGREE(comm, H5Fis_hdf5(path) > 0, LP_EIO,
             "%s is no HDF5 file: remove it and make it again", path);
    f->id = H5Fopen(path, write ? H5F_ACC_RDWR : H5F_ACC_RDONLY, plan);
    H5_AGREE(comm, f->id >= 0, LP_EIO,
             "%s is damaged (%s): remove it and make it again", path, h5_why());
    *file = f;
done:
    H5Pclose(plan);
    if (status != LP_OK)
        discard(f);
    return status;
}

bool h5_is(const char *path)
{
    H5Eset_auto2(H5E_DEFAULT, keep_reason, NULL);
    return H5Fis_hdf5(path) > 0;
}

const char *h5_path(const struct h5 *file)
{
    return file->path;
}

enum lp_status h5_sync_local(struct h5 *file)
{
    if (fsync(file->fd) != 0 || lp_fault("h5_sync"))
        return lp_fail(LP_EIO, "cannot sync %s: %s", file->path,
                       strerror(errno));
    return LP_OK;
}

enum lp_status h5_close(struct h5 **file)
{
    enum lp_status status = LP_OK;
    struct h5 *f = *file;
    if (!f)
        return LP_OK;
    *file = NULL;
    drop_ballast(f);
    if (f->write)
        comm_barrier(f->comm);
    /* H5Fclose alone leaves the data to the system. */
    if (H5Fclose(f->id) < 0)
        status = lp_fail(LP_EIO, "cannot close %s: %s", f->path, h5_why());
    else if (f->write)
        status = h5_sync_local(f);
    LP_AGREE(f->comm);
done:
    discard(f);
    return status;
}
