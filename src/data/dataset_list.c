/* SPDX-License-Identifier: MIT */
/* Layout list: labels.txt, classes.txt, images/ID.jpg, masks/ID.png. */
#include "dataset_source.h"

#include <stdlib.h>

enum lp_status dataset_read_list(struct source *s)
{
    const struct config *config = s->config;
    const char *root = config->data.root;
    enum lp_status status = LP_OK;
    char *classes = text_path(root, config->data.classes);
    char *labels = text_path(root, config->data.labels);
    char *list = text_path(root, config->data.list);
    const bool masks = *config->data.masks;

    s->images = text_path(root, config->data.images);
    s->masks = masks ? text_path(root, config->data.masks) : NULL;
    if (!classes || !labels || !list || !s->images || (masks && !s->masks))
        LP_TRY(lp_fail(LP_ENOMEM, "no memory for the paths of %s", root));
    LP_TRY(source_read_classes(s, classes));
    LP_TRY(source_read_labelled(s, labels));
    if (*config->data.list)
        LP_TRY(source_select(s, list));
done:
    free(classes);
    free(labels);
    free(list);
    return status;
}
