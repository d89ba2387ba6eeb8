# SPDX-License-Identifier: MIT
"""scikit-learn's LogisticRegression on a few of the classes that fit_bench has
fitted, one against the rest, and how far the coefficients are apart.
usage: fit_peer.py FOLDER IMAGES FEATURES LAMBDA [SOLVER...]

Both solvers get the same tolerance. lbfgs, whose iterations are short, is given
up once it has taken as long as newton-cholesky. Lines: class, images with it,
each solver's seconds (inf: given up), and difference of the coefficients as a
share of the largest."""
import os
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

TOL, TRIAL = 1e-10, 20


def fit(x, y, penalty, solver, max_iter):
    model = LogisticRegression(C=1 / penalty, tol=TOL, fit_intercept=False, solver=solver, max_iter=max_iter)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    return time.perf_counter() - begin, model


def lbfgs(x, y, penalty, most_s):
    """Seconds, inf where it would take longer than most_s."""
    s, model = fit(x, y, penalty, "lbfgs", TRIAL)
    most = max(TRIAL, int(most_s / s * TRIAL))
    s, model = fit(x, y, penalty, "lbfgs", most)
    return s if model.n_iter_[0] < most else float("inf")


def main():
    folder, n, d, penalty = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    solvers = sys.argv[5:] or ["newton-cholesky", "lbfgs"]
    x = np.fromfile(os.path.join(folder, "x.f32"), np.float32).reshape(n, d).astype(float)
    y = np.fromfile(os.path.join(folder, "y.u8"), np.uint8).reshape(n, -1)
    ours = np.fromfile(os.path.join(folder, "ours.f64")).reshape(-1, d)
    order = np.argsort(y.sum(axis=0))
    print("# scikit-learn %s, NumPy %s" % (sklearn.__version__, np.__version__))
    for c in order[[0, len(order) // 2, -1]]:
        newton_s, model = fit(x, y[:, c], penalty, "newton-cholesky", 100)
        lbfgs_s = lbfgs(x, y[:, c], penalty, newton_s) if "lbfgs" in solvers else float("inf")
        apart = np.abs(model.coef_[0] - ours[c]).max() / np.abs(model.coef_).max()
        print("peer d %d class %d images %d newton-cholesky %.2f iterations %d lbfgs %.2f apart %.3g"
              % (d, c, y[:, c].sum(), newton_s, model.n_iter_[0], lbfgs_s, apart), flush=True)


if __name__ == "__main__":
    main()
