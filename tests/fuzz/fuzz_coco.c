/* SPDX-License-Identifier: MIT */
/* Annotations of COCO, and the ground truth that is drawn of them. The second
 * time they are read in pieces of 7 bytes. */
#include "fuzz.h"

#include "dataset_build.h"
#include "lpcam/data/coco_json.h"
#include "lpcam/data/truth.h"

enum { MOST_PIXELS = 1 << 16 };

static struct config config;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const set[] = {
        "data.layout=coco", "data.annotations=a.json", "data.overlap=small"};
    (void)argc, (void)argv;
    fuzz_start_mpi();
    fuzz_configure(&config, set, 3);
    fuzz_subfolder("images");
    fuzz_file("images/a.jpg", "", 0);
    fuzz_file("images/b.jpg", "", 0);
    return 0;
}

static enum lp_status take(void *user, const struct coco_element *element)
{
    int64_t *last = user;
    fuzz_require(element->end > *last);
    *last = element->end;
    return LP_OK;
}

static void draw(const struct dataset *d)
{
    struct truth truth = {0};
    for (int64_t i = 0; i < d->n_images; ++i) {
        const int64_t h = d->shape_size[2 * i], w = d->shape_size[2 * i + 1];
        if (h * w <= MOST_PIXELS)
            (void)truth_read(&truth, d, i, h, w);
    }
    truth_release(&truth);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = fuzz_file("a.json", bytes, n);
    struct dataset d = {0};
    int64_t last = 0;
    if (dataset_build(&d, &config, -1) == LP_OK) {
        fuzz_check_dataset(&d);
        draw(&d);
        fuzz_require(coco_json_read(path, 7, take, &last) == LP_OK);
    }
    dataset_release(&d);
    return 0;
}
