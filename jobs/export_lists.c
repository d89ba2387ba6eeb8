/* SPDX-License-Identifier: MIT */
/* export_lists.c: what training wants around masks: photographs by the same
 * names, lists, and the names and colours of the classes. */
#include <stdlib.h>

#include "export_masks.h"
#include "lpcam/run/comm.h"

static const char readme[] =
    "Masks of lpcam export, beside the photographs (links), as VOC has them.\n"
    "\n"
    "SegmentationClass/ID.png      palette PNG, 0 background, a class's\n"
    "                              number, 255 unsure; settings.txt: made of\n"
    "                              what\n"
    "JPEGImages/ID.jpg             links to the photographs, PNG too\n"
    "ImageSets/Segmentation/train.txt          IDs, a line each\n"
    "ImageSets/SegmentationAug/train_aug.txt   /photograph /mask pairs\n"
    "mmsegmentation.py             the data set for mmsegmentation 1: add it\n"
    "                              to the end of a configuration that has a\n"
    "                              _base_, whose train_pipeline it takes\n"
    "\n"
    "torchvision: link this folder as ROOT/VOCdevkit/VOC2012, then\n"
    "datasets.VOCSegmentation(ROOT, image_set=\"train\").\n"
    "\n"
    "deeplab-pytorch: link this folder as VOC2012 and set DATASET.ROOT to the\n"
    "folder of the link, SPLIT.TRAIN to train_aug.\n";

/* PNG too: readers of VOC look for this name. */
static const char ending[] = ".jpg";

enum lp_status export_masks_link(struct export_part *p,
                                 const struct export_image *im)
{
    const struct masks *m = p->state;
    const char *path = dataset_path(&p->job->session->data, im->image);
    char name[EXPORT_NAME_BYTES], *target = export_absolute(path);
    if (!target)
        return lp_fail(LP_ENOMEM, "no memory for the name of %s", path);
    const enum lp_status status = out_folder_link(
        &m->photographs, export_name(name, im->stem, ending), target);
    free(target);
    return status;
}

bool export_masks_linked(const struct export_part *p, int64_t image,
                         const char *stem)
{
    const struct masks *m = p->state;
    const char *path = dataset_path(&p->job->session->data, image);
    char name[EXPORT_NAME_BYTES], *target = export_absolute(path);
    const bool linked =
        target && out_folder_links(&m->photographs,
                                   export_name(name, stem, ending), target);
    free(target);
    return linked;
}

/* Both lists. Rank 0. */
static enum lp_status write_lists(const struct export_part *p,
                                  const struct out_folder *ids,
                                  const struct out_folder *pairs)
{
    enum lp_status status = LP_OK;
    struct text_buffer id = {0}, pair = {0};
    char stem[FILE_NAME_BYTES];
    bool ok = text_add(&id, "%s", "") && text_add(&pair, "%s", "");
    for (int64_t i = 0; i < p->job->n_images && ok; ++i) {
        if (!map_source_has(&p->job->maps, i))
            continue;
        LP_TRY(export_stem(p->job, i, stem));
        ok = text_add(&id, "%s\n", stem) &&
             text_add(&pair, "/JPEGImages/%s.jpg /SegmentationClass/%s.png\n",
                      stem, stem);
    }
    if (!ok)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for lists of %lld images",
                       (long long)p->job->n_images));
    const struct out_piece id_piece = {id.s, (int64_t)id.n};
    const struct out_piece pair_piece = {pair.s, (int64_t)pair.n};
    LP_TRY(out_folder_write(ids, "train.txt", &id_piece, 1));
    LP_TRY(out_folder_write(pairs, "train_aug.txt", &pair_piece, 1));
done:
    free(id.s);
    free(pair.s);
    return status;
}

/* The class of a mask's value; NULL: none. */
static const char *class_of(const struct export_part *p, int value)
{
    const struct dataset *d = &p->job->session->data;
    for (int c = 0; c < d->n_classes; ++c)
        if (export_class_id(p->job, c) == value)
            return dataset_class(d, c);
    return NULL;
}

/* Strings of JSON are strings of Python too. Without a name: a number that no
 * mask has. */
static bool add_classes(struct text_buffer *b, const struct export_part *p)
{
    const struct masks *m = p->state;
    struct text_buffer colours = {0};
    int last = 0;
    bool ok = text_add(&colours, "%s", "");
    for (int v = 1; v < 255; ++v)
        last = class_of(p, v) ? v : last;
    ok = ok &&
         text_add(b, "# num_classes of the heads: %d\nclasses = [", last + 1);
    for (int v = 0; v <= last && ok; ++v) {
        const char *name = v > 0 ? class_of(p, v) : "background";
        ok =
            text_add(b, v > 0 ? ", " : "") &&
            (name ? text_add_json(b, name) : text_add(b, "\"unused %d\"", v)) &&
            text_add(&colours, "%s[%d, %d, %d]", v > 0 ? ", " : "",
                     m->palette[v][0], m->palette[v][1], m->palette[v][2]);
    }
    ok = ok && text_add(b, "]\npalette = [%s]\n", colours.s);
    free(colours.s);
    return ok;
}

/* Data sets of VOC with the augmented list are several in one: ours replaces
 * whatever the configuration had. Rank 0. */
static enum lp_status write_mmseg(const struct export_part *p)
{
    enum lp_status status = LP_OK;
    struct text_buffer b = {0};
    char *root = export_absolute(p->folder.path);
    bool ok =
        root && add_classes(&b, p) &&
        text_add(
            &b,
            "train_dataloader = dict(dataset=dict(\n"
            "    _delete_=True, type=\"BaseSegDataset\",\n    data_root=") &&
        text_add_json(&b, root) &&
        text_add(&b, ",\n    ann_file=\"ImageSets/Segmentation/train.txt\",\n"
                     "    data_prefix=dict(img_path=\"JPEGImages\", "
                     "seg_map_path=\"SegmentationClass\"),\n"
                     "    img_suffix=\".jpg\", seg_map_suffix=\".png\",\n"
                     "    metainfo=dict(classes=classes, palette=palette),\n"
                     "    reduce_zero_label=False, "
                     "pipeline=_base_.train_pipeline))\n");
    if (!ok)
        LP_TRY(lp_fail(LP_ENOMEM, "no memory to describe %s", p->folder.path));
    const struct out_piece piece = {b.s, (int64_t)b.n};
    LP_TRY(out_folder_write(&p->folder, "mmsegmentation.py", &piece, 1));
    const struct out_piece text = {readme, (int64_t)sizeof readme - 1};
    LP_TRY(out_folder_write(&p->folder, "README.txt", &text, 1));
done:
    free(b.s);
    free(root);
    return status;
}

enum lp_status export_masks_lists(struct export_part *p)
{
    enum lp_status status = LP_OK;
    MPI_Comm comm = p->job->session->comm;
    struct out_folder ids = OUT_FOLDER_NONE, pairs = OUT_FOLDER_NONE;
    if (comm_rank(comm) == 0) {
        status = out_folder_open(&ids, p->folder.path, "ImageSets/Segmentation",
                                 true);
        if (status == LP_OK)
            status = out_folder_open(&pairs, p->folder.path,
                                     "ImageSets/SegmentationAug", true);
        if (status == LP_OK)
            status = write_lists(p, &ids, &pairs);
        if (status == LP_OK)
            status = write_mmseg(p);
    }
    LP_AGREE(comm);
done:
    out_folder_close(&ids);
    out_folder_close(&pairs);
    return status;
}
