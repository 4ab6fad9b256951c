"""
The counts of classes in the folds of scikit-learn's StratifiedKFold: the oracle of folds.test.ts.

    .peers/bin/python test/pipeline/folds.py > test/pipeline/folds.json
"""

import json
import warnings

import numpy as np
from sklearn.model_selection import StratifiedKFold

warnings.simplefilter("ignore")  # A class with fewer samples than folds.

cases = [(5, [7, 5, 23, 1, 12]), (3, [2, 2, 2, 10]), (10, [31, 4, 55]), (2, [1, 1, 1, 3]), (7, [100])]


def counts(folds, sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    split = StratifiedKFold(folds).split(labels, labels)
    return [np.bincount(labels[held], minlength=len(sizes)).tolist() for _, held in split]


print(json.dumps([{"folds": k, "sizes": sizes, "counts": counts(k, sizes)} for k, sizes in cases]))
