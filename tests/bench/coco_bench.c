/* SPDX-License-Identifier: MIT */
/* For coco.sh: the index of an instances_*.json as every job makes it, and the
 * drawing of its annotations.
 *
 * usage: coco_bench index ROOT ANNOTATIONS IMAGES
 *   loads the data set; prints seconds and rank 0's largest memory, bytes
 * usage: coco_bench draw ANNOTATIONS ROUNDS
 *   draws each annotation alone, ROUNDS times; prints the seconds of each round
 *   on a line, then the sha256 of the columns of each mask, in order */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lpcam/base/file.h"
#include "lpcam/base/hash.h"
#include "lpcam/base/text.h"
#include "lpcam/data/coco_json.h"
#include "lpcam/data/coco_shape.h"
#include "lpcam/data/dataset.h"
#include "lpcam/run/comm.h"
#include "lpcam/run/phase.h"

/* Bytes. Not getrusage's, which begins with what the parent had. */
static int64_t most_memory(void)
{
    char line[256];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return 1024 * kib;
}

static enum lp_status bench_index(char **arg)
{
    enum lp_status status = LP_OK;
    static const char *const key[] = {"data.root", "data.annotations",
                                      "data.images"};
    struct config config = {0};
    struct dataset d = {0};
    char *set[5] = {text_format("run.out=none"),
                    text_format("data.layout=coco")};
    for (int i = 0; i < 3; ++i)
        set[2 + i] = text_format("%s=%s", key[i], arg[i]);
    LP_TRY(config_load(&config, NULL, (const char *const *)set, 5,
                       MPI_COMM_WORLD));
    const double t = phase_now_s();
    LP_TRY(dataset_load(&d, &config, -1, MPI_COMM_WORLD));
    const double seconds = phase_now_s() - t;
    if (comm_rank(MPI_COMM_WORLD) == 0)
        printf("index %.3f %lld\n", seconds, (long long)most_memory());
done:
    for (int i = 0; i < 5; ++i)
        free(set[i]);
    dataset_release(&d);
    config_release(&config);
    return status;
}

struct object {
    int64_t image, at, bytes;
};

struct scene {
    struct object *object;
    int64_t n_objects, object_room;
    int32_t (*size)[2]; /* [image id] h, w                                 */
    int64_t n_sizes;
    uint8_t *columns; /* of the largest image                            */
    char *json;       /* of the longest segmentation                     */
    int64_t most_pixels, most_bytes;
};

static enum lp_status take(void *user, const struct coco_element *e)
{
    struct scene *s = user;
    if (e->kind == COCO_IMAGE) {
        if (e->id >= s->n_sizes) {
            s->n_sizes = 2 * e->id + 1;
            s->size = realloc(s->size, (size_t)s->n_sizes * sizeof *s->size);
        }
        s->size[e->id][0] = (int32_t)e->height;
        s->size[e->id][1] = (int32_t)e->width;
        if (e->height * e->width > s->most_pixels)
            s->most_pixels = e->height * e->width;
    } else if (e->kind == COCO_ANNOTATION) {
        if (s->n_objects == s->object_room) {
            s->object_room = 2 * s->object_room + 1024;
            s->object =
                realloc(s->object, (size_t)s->object_room * sizeof *s->object);
        }
        s->object[s->n_objects++] =
            (struct object){e->image_id, e->at, e->bytes};
        if (e->bytes > s->most_bytes)
            s->most_bytes = e->bytes;
    }
    return LP_OK;
}

/* Read and draw one object on an empty canvas of its image's size, *n pixels. */
static enum lp_status draw(struct scene *s, struct coco_shape *shape,
                           FILE *file, const struct object *o, size_t *n)
{
    const int32_t *size = s->size[o->image];
    char why[256];
    *n = (size_t)size[0] * (size_t)size[1];
    memset(s->columns, 0, *n);
    if (fseeko(file, (off_t)o->at, SEEK_SET) != 0 ||
        fread(s->json, 1, (size_t)o->bytes, file) != (size_t)o->bytes)
        return lp_fail(LP_EIO, "cannot read byte %lld", (long long)o->at);
    const enum lp_status status = coco_shape_paint(
        shape, s->json, (size_t)o->bytes, size[0], size[1], 1, s->columns, why);
    if (status == LP_EDATA)
        return lp_fail(LP_EFORMAT, "byte %lld: %s", (long long)o->at, why);
    return status;
}

static enum lp_status draw_all(struct scene *s, const char *path, int n_rounds)
{
    enum lp_status status = LP_OK;
    struct coco_shape shape = {0};
    const char *why = "";
    char hex[65];
    size_t n;
    FILE *file = file_open(path, &why);

    s->columns = malloc((size_t)s->most_pixels + 1);
    s->json = malloc((size_t)s->most_bytes + 1);
    if (!file || !s->columns || !s->json)
        LP_TRY(lp_fail(LP_EIO, "cannot draw %s: %s", path, why));
    setvbuf(file, NULL, _IONBF, 0);
    for (int round = 0; round < n_rounds; ++round) {
        const double t = phase_now_s();
        for (int64_t i = 0; i < s->n_objects; ++i)
            LP_TRY(draw(s, &shape, file, &s->object[i], &n));
        printf("draw %.6f\n", phase_now_s() - t);
    }
    for (int64_t i = 0; i < s->n_objects; ++i) {
        LP_TRY(draw(s, &shape, file, &s->object[i], &n));
        hash_sha256(s->columns, n, hex);
        puts(hex);
    }
done:
    coco_shape_release(&shape);
    if (file)
        fclose(file);
    return status;
}

static enum lp_status bench_draw(char **arg)
{
    struct scene s = {0};
    enum lp_status status = coco_json_read(arg[0], COCO_BLOCK_BYTES, take, &s);
    if (status == LP_OK)
        status = draw_all(&s, arg[0], atoi(arg[1]));
    free(s.object);
    free(s.size);
    free(s.columns);
    free(s.json);
    return status;
}

int main(int argc, char **argv)
{
    int provided;
    enum lp_status status = LP_EUSAGE;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    if (argc == 5 && strcmp(argv[1], "index") == 0)
        status = bench_index(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "draw") == 0)
        status = bench_draw(argv + 2);
    else
        fprintf(stderr, "usage: coco_bench index ROOT ANNOTATIONS IMAGES | "
                        "draw ANNOTATIONS ROUNDS\n");
    MPI_Finalize();
    return status == LP_OK ? 0 : 1;
}
