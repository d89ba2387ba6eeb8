/* SPDX-License-Identifier: MIT */
/* out_folder.h: a folder that files are written into, each whole or not at all:
 * as NAME.partial, which is renamed when its bytes are on the disk. Local. */
#ifndef LPCAM_OUT_FOLDER_H
#define LPCAM_OUT_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

/* Starts as OUT_FOLDER_NONE. */
struct out_folder {
    char *path;
    int fd;
    int64_t device;          /* of its file system                           */
    struct out_batch *batch; /* set by the caller: while it is open, files get
                                their names from it (out_batch.h)            */
};
#define OUT_FOLDER_NONE ((struct out_folder){.fd = -1})

/* Open parent/name, parent alone where name is ""; make: with all folders above
 * it where they are missing. A link to a folder is followed. Fails with LP_EIO
 * (it cannot be made, is no folder) or LP_ENOMEM. */
enum lp_status out_folder_open(struct out_folder *f, const char *parent,
                               const char *name, bool make);
void out_folder_close(struct out_folder *f);

/* Is there a whole file of that name? One without a byte, such as a loss of
 * power could leave where folders do not sync, is none. */
bool out_folder_has(const struct out_folder *f, const char *name);

/* Remove files of the folder whose names end with `ending`, or with that and
 * .partial; what is no ordinary file stays. LP_EIO. */
enum lp_status out_folder_clear(const struct out_folder *f, const char *ending);

/* Does the folder hold anything? LP_EIO where it cannot be read. */
enum lp_status out_folder_is_empty(const struct out_folder *f, bool *empty);

/* A file that is written bit by bit: begin, write, end, which gives it its name;
 * drop at the end of the caller removes what was begun and not ended. LP_EIO: no
 * room, no right. What has this name is replaced at the end, a link too, never
 * what it points to; until then it is as it was. */
struct out_file {
    const struct out_folder *folder;
    char name[256], partial[256];
    int fd;
};
#define OUT_FILE_NONE ((struct out_file){.fd = -1})
enum lp_status out_file_begin(struct out_file *file,
                              const struct out_folder *folder,
                              const char *name);
enum lp_status out_file_write(struct out_file *file, const void *bytes,
                              int64_t n);
enum lp_status out_file_end(struct out_file *file);
void out_file_drop(struct out_file *file);

struct out_piece {
    const void *bytes;
    int64_t n;
};

/* All at once: the pieces, one behind the other. */
enum lp_status out_folder_write(const struct out_folder *f, const char *name,
                                const struct out_piece *piece, int n);

/* A symbolic link NAME to target, replaced where it is there. LP_EIO. */
enum lp_status out_folder_link(const struct out_folder *f, const char *name,
                               const char *target);

/* Is there such a link, to exactly that? */
bool out_folder_links(const struct out_folder *f, const char *name,
                      const char *target);

#endif
