/* SPDX-License-Identifier: MIT */
/* seed_score.h: seeds from maps, and their score against masks (method.md
 * step 8), all thresholds in one pass with 64-bit counts. */
#ifndef LPCAM_SEED_SCORE_H
#define LPCAM_SEED_SCORE_H

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "lpcam/base/status.h"

#define SEED_SCORE_STEPS 200 /* a score q says: the value exceeds q / 200 */

struct seed_tally;

/* Counts by ground truth, largest class and how many thresholds its value
 * exceeds. */
struct seed_score {
    int n_classes;   /* without background                            */
    bool background; /* is class 0 part of the mean                   */
    int n_thresholds;
    const double *threshold; /* [n_thresholds] ascending, borrowed         */
    float *edge;      /* [n_thresholds + 1] as they are compared, then inf. */
    int64_t *count;   /* [n_classes + 1][n_classes + 1][n_thresholds + 1]   */
    int64_t n_images; /* counted                                       */
    struct seed_tally
        *tally; /* of the photograph at hand, private            */
};

/* Zero counts. n_classes <= 254, for classes and ground truth are bytes. Fails
 * with LP_EARG or LP_ENOMEM, reported. Local. */
enum lp_status seed_score_init(struct seed_score *s, int n_classes,
                               bool background, const double *threshold,
                               int n_thresholds);
void seed_score_release(struct seed_score *s);

/* The largest class of every pixel and its value. map [n][h][w], label [n]
 * ascending; ties to the lower class. best_class [h][w] = class index + 1, 0
 * where n = 0 or all are 0; best_value [h][w]. Local. */
void seed_best(const float *map, const int32_t *label, int n, int64_t n_pixels,
               uint8_t *best_class, float *best_value);

/* q [n_pixels] in 0 .. 200 for a full-size seed: value > j/200 exactly when
 * q > j, so thresholds in steps of 0.005 lose nothing. Local. */
void seed_quantise(const float *value, int64_t n_pixels, uint8_t *q);

/* The least value of which q [n_pixels] can be: it exceeds a threshold exactly
 * when seed_score_add_quantised counts it so. Local. */
void seed_dequantise(const uint8_t *q, int64_t n_pixels, float *value);

/* Count one photograph, of less than 2^32 pixels; truth [n_pixels]: class
 * index + 1, 0 background, above n_classes (255) not counted. value > threshold
 * is strict, in float. The cost of a pixel does not depend on how many
 * thresholds and classes there are. Local. */
void seed_score_add(struct seed_score *s, const uint8_t *best_class,
                    const float *best_value, const uint8_t *truth,
                    int64_t n_pixels);

/* The same from q of seed_quantise; thresholds that are not multiples of 0.005
 * are rounded to the next one below. Local. */
void seed_score_add_quantised(struct seed_score *s, const uint8_t *best_class,
                              const uint8_t *q, const uint8_t *truth,
                              int64_t n_pixels);

/* Counts of all ranks on every rank. Collective over comm. */
void seed_score_sum(struct seed_score *s, MPI_Comm comm);

/* One class at one threshold: shares in 0..1, NaN never. The union is that of
 * the class's pixels in ground truth and prediction:
 *   iou             pixels in both / union; -1 where the union is empty
 *   false_positive  predicted, but another class / union
 *   false_negative  of the class, but not predicted / union
 *   precision       pixels in both / predicted; 0 where none is predicted
 *   recall          pixels in both / of the class; 0 where it does not occur
 * so iou + false_positive + false_negative = 1, as in IRN's eval_cam.py. */
struct seed_class {
    double iou, precision, recall, false_positive, false_negative;
    int64_t truth_pixels, predicted_pixels;
};

/* Class c (0 = background) at threshold[t]. Local. */
void seed_score_class(const struct seed_score *s, int t, int c,
                      struct seed_class *out);

/* Mean IoU at threshold[t] over the classes that occur or are predicted, the
 * background among them where the data set has one; 0 without any. Local. */
double seed_score_mean(const struct seed_score *s, int t);

#endif
