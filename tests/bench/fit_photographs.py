# SPDX-License-Identifier: MIT
"""Table of a fitted classifier beside a trained one, and of its coefficients beside scikit-learn's:
fit_photographs.py SET FITTED TRAINED

FITTED holds fit.json, pooled.h5, features.h5 and score.json of the fitted classifier, TRAINED score.json of the other. Ends
with a line for each target: `bench NAME VALUE TARGET ok|short`, larger is better."""
import json
import sys
import time
import warnings

import h5py
import numpy as np
from sklearn.linear_model import LogisticRegression


def target(name, value, goal):
    print(f"bench {name} {value:.3f} {goal:g} {'ok' if value >= goal else 'short'}")


def samples(path):
    """Pooled features [n][d] of the photographs with labels, and which classes each has [n][N]."""
    with h5py.File(path, "r") as f:
        vector, offset, label = f["pooled/vector"][()], f["image/label_offset"][()], f["image/label"][()]
        done = (f["image/state"][()] == 1) & (offset[1:] > offset[:-1])
        y = np.zeros((len(vector), len(f["class/name"])), bool)
    for i in range(len(y)):
        y[i, label[offset[i]:offset[i + 1]]] = True
    return vector[done, 0].astype(np.float64), y[done]


def coefficients(x, y, strength):
    """scikit-learn's, a row a class; those of a class that all or no photographs have it cannot learn: NaN."""
    rows = np.full((y.shape[1], x.shape[1]), np.nan)
    for c in range(y.shape[1]):
        if 0 < y[:, c].sum() < len(y):
            model = LogisticRegression(C=1 / strength, fit_intercept=False, solver="newton-cholesky", tol=1e-10, max_iter=1000)
            rows[c] = model.fit(x, y[:, c]).coef_[0]
    return rows


def seeds(name, fitted, trained):
    print("threshold   CAM fitted  trained   LPCAM fitted  trained    mIoU in percent")
    scores = [json.load(open(folder + "/score.json")) for folder in (fitted, trained)]
    for points in zip(*(score[kind]["curve"] for kind in ("cam", "lpcam") for score in scores)):
        print("%9.2f   %10.2f  %7.2f   %12.2f  %7.2f" % (points[0]["threshold"], *(100 * p["miou"] for p in points)))
    for kind in ("cam", "lpcam"):
        best = [score[kind]["best"]["miou"] for score in scores]
        print("%s at its best threshold: fitted %.2f, trained %.2f" % (kind, 100 * best[0], 100 * best[1]))
        target(f"fit.{name}.{kind}_miou_fitted_over_trained", best[0] / best[1], 0.8)


def main(name, fitted, trained):
    fit = json.load(open(fitted + "/fit.json"))
    print("%s: %d photographs, lambda = %g, mAP by folds %.4f" % (name, fit["images"], fit["lambda"], fit["map"]))
    if "test" in fit:
        print("mAP on %d photographs held out: %.4f" % (fit["test"]["images"], fit["test"]["map"]))
        target(f"fit.{name}.map_held_out", fit["test"]["map"], 0.9)
    x, y = samples(fitted + "/pooled.h5")
    with h5py.File(fitted + "/features.h5", "r") as f:
        ours = f["classifier/weight"][()].astype(np.float64)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one that does not converge is no measure
        theirs = coefficients(x, y, fit["lambda"])
    known = ~np.isnan(theirs[:, 0])
    off = np.abs(ours - theirs)[known].max(axis=1) / np.abs(theirs[known]).max(axis=1)
    print("coefficients of %d classes beside scikit-learn's (%.1f s): largest difference, as a share of the largest of its class, "
          "%.1e" % (known.sum(), time.perf_counter() - begin, off.max()))
    target(f"fit.{name}.coefficients_allowed_over_found", 1e-6 / max(off.max(), 1e-12), 1)
    seeds(name, fitted, trained)


if __name__ == "__main__":
    main(*sys.argv[1:])
