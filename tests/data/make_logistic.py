# SPDX-License-Identifier: MIT
# Writes tests/data/logistic.h: made-up images, and what scikit-learn learns from
# them. usage: python3 make_logistic.py >logistic.h
import numpy as np
import scipy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

N, D, CLASSES, PENALTY = 60, 7, 3, 0.75
rng = np.random.default_rng(20230618)
# exact in any number of digits that is printed
x = np.round(64 * np.abs(rng.standard_normal((N, D)) * 0.9 ** np.arange(D) + 0.4)) / 64
truth = x @ rng.standard_normal((D, CLASSES)) * 2 + 2 * rng.standard_normal((N, CLASSES))
y = truth > np.quantile(truth, [0.5, 0.75, 0.93], axis=0).diagonal()


def rows(name, values, kind="double", form="%.17g"):
    values = np.atleast_2d(values)
    shape = "".join("[%d]" % n for n in values.shape)
    print("static const %s %s%s = {" % (kind, name, shape))
    for row in values:
        print("    {" + ", ".join(form % v for v in row) + "},")
    print("};")


print("""/* SPDX-License-Identifier: MIT */
/* logistic.h: written by make_logistic.py with scikit-learn %s, SciPy %s and
 * NumPy %s. Not to be edited. */
/* clang-format off */
enum { ROWS = %d, FEATURES = %d, CLASSES = %d, TIED = 40 };"""
      % (sklearn.__version__, scipy.__version__, np.__version__, N, D, CLASSES))
print("static const double penalty = %g;" % PENALTY)
rows("image", x, "float", "%.8g")
rows("label", y, "uint8_t", "%d")

for bias in (False, True):
    for balanced in (False, True):
        learned = np.zeros((CLASSES, D + 1))
        for c in range(CLASSES):
            with np.errstate(all="ignore"):
                fit = LogisticRegression(C=1 / PENALTY, fit_intercept=bias, tol=1e-14, max_iter=1000,
                                         class_weight="balanced" if balanced else None,
                                         solver="newton-cholesky").fit(x, y[:, c])
            learned[c, :D], learned[c, D] = fit.coef_[0], fit.intercept_[0] if bias else 0
        rows("learned_%s_%s" % ("bias" if bias else "plain", "balanced" if balanced else "even"), learned)

score = np.round(4 * rng.standard_normal(40)) / 4  # many ties
rows("tied_score", score)
tied = rng.random((4, 40)) < np.array([[0.5], [0.1], [0.9], [0.03]])
assert tied.any(axis=1).all()
rows("tied_label", tied, "uint8_t", "%d")
rows("tied_precision", [average_precision_score(t, score) for t in tied])
