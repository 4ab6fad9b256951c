"""Computes columns.json with PyTorch: python columns.py > columns.json

Two label columns: one with one value (softmax), one with several (sigmoid); not all values are known. The losses are
PyTorch's own functions where it has them, and else written out by their definitions, with PyTorch's gradients.
"""
import torch
import torch.nn.functional as F

from figures import BARE, LAYER, NORM, RELU, SALT, SEED, SGD, run, write

ONE, SEVERAL = 4, 3
# -1 and None: not known. Rows with both, with either of them alone, and one with no value of the second column.
LABELS = [2, -1, 0, 3, -1, 1]
TAGS = [[1, 0, 1], [0, 0, 0], None, [0, 1, 1], [1, 1, 1], None]
NETWORKS = {
    "columns": {
        "name": "columns", "height": 11, "width": 14, "classes": ONE + SEVERAL,
        "heads": [
            {"name": "kind", "classes": ONE, "kind": "softmax"},
            {"name": "tags", "classes": SEVERAL, "kind": "sigmoid"},
        ],
        "blocks": [
            {"_tag": "Conv2d", "name": "conv", "filters": 7, "kernel": [3, 2], "stride": 2, "padding": 1, **BARE},
            {**NORM, "name": "norm"},
            RELU,
            {"_tag": "GlobalAveragePool"},
            {"_tag": "Heads", "heads": [
                {"blocks": [{"_tag": "Dense", "name": "top.heads.0", "units": ONE, **LAYER}]},
                {"blocks": [
                    {"_tag": "Dense", "name": "top.heads.1.0.0", "units": 6, **LAYER},
                    {**NORM, "name": "top.heads.1.0.1"},
                    RELU,
                    {"_tag": "Dropout", "name": "top.heads.1.dropout", "rate": 0.3},
                    {"_tag": "Dense", "name": "top.heads.1.1", "units": SEVERAL, **LAYER},
                ]},
            ]},
        ],
    },
}
BASE = {"network": "columns", "batch": len(LABELS), "known": LABELS, "tags": TAGS}
WEIGHTS = [0.5, 2.0, 1.0, 1.5, 3.0, 0.25, 1.25]
PRIORS = [-0.5, -3.0, -1.25, -2.0, 0.75, -1.5, -0.25]
MIX = [0.25, 1.0, 0.875, 0.0, 0.5, 0.625]
ALL = {"lossWeights": [0.5, 2.0], "labelSmoothing": 0.1, "classWeights": WEIGHTS, "focal": 2.0, "adjustment": PRIORS}
CASES = [
    {"name": "two columns", **BASE, **SGD},
    {"name": "losses with weights", **BASE, **SGD, "lossWeights": [0.5, 2.0]},
    {"name": "label smoothing", **BASE, **SGD, "labelSmoothing": 0.15},
    {"name": "class weights", **BASE, **SGD, "classWeights": WEIGHTS},
    {"name": "focal loss", **BASE, **SGD, "focal": 2.0},
    {"name": "focal loss with a gamma below 1", **BASE, **SGD, "focal": 0.5},
    {"name": "logit adjustment", **BASE, **SGD, "adjustment": PRIORS},
    {"name": "mixed images", **BASE, **SGD, "mix": MIX},
    {"name": "mixed images, smoothing and class weights", **BASE, **SGD, "mix": MIX, "labelSmoothing": 0.1,
     "classWeights": WEIGHTS},
    # Not with adam: it makes a step of the bias before the batch norm, whose gradient is rounding alone.
    {"name": "everything", **BASE, **SGD, **ALL, "momentum": 0.9, "nesterov": True, "mix": MIX, "clipNorm": 1.0,
     "ema": {"decay": 0.26, "everySteps": 1}},
    {"name": "no known row of the first column", **{**BASE, "known": [-1] * 6}, **SGD},
    {"name": "no known row of the second column", **{**BASE, "tags": [None] * 6}, **SGD, "focal": 2.0},
]


def targets(case):
    """(rows, classes) of labels, tags, and the share of each row that is known, of both columns."""
    known = torch.tensor([y >= 0 for y in case["known"]]).double()
    labels = F.one_hot(torch.tensor(case["known"]).clamp(min=0), ONE).double() * known[:, None]
    is_tagged = torch.tensor([tags is not None for tags in case["tags"]]).double()
    tags = torch.tensor([tags or [0] * SEVERAL for tags in case["tags"]]).double()
    share = torch.tensor(case.get("mix", [1.0] * len(LABELS))).double()
    mixed = lambda x: share.reshape(-1, *[1] * (x.dim() - 1)) * x + (1 - share).reshape(-1, *[1] * (x.dim() - 1)) * x.roll(1, 0)
    return [(mixed(labels), mixed(known)), (mixed(tags * is_tagged[:, None]), mixed(is_tagged))]


def two_columns(case, classes):
    smoothing, gamma = case.get("labelSmoothing", 0), case.get("focal", 0)
    weights = torch.tensor(case.get("classWeights", [1.0] * classes)).double()
    adjustment = torch.tensor(case.get("adjustment", [0.0] * classes)).double()
    first_weight, second_weight = case.get("lossWeights", [1, 1])
    (labels, known), (tags, tagged) = targets(case)
    own, positive = weights[:ONE], weights[ONE:]

    def softmax_loss(z):
        rows = known > 0
        if not rows.any():
            return z.sum() * 0
        if gamma == 0 and "mix" not in case:
            return F.cross_entropy(z, torch.tensor(case["known"]), own, ignore_index=-1, label_smoothing=smoothing)
        # As far as a row is known, it is a row of probabilities.
        target = labels[rows] / known[rows, None]
        divisor = known[rows].sum() if "mix" in case else (target @ own).sum()
        if gamma == 0:
            losses = F.cross_entropy(z[rows], target, own, label_smoothing=smoothing, reduction="none")
        else:
            target = own * (target * (1 - smoothing) + smoothing / ONE)
            log_p = F.log_softmax(z[rows], 1)
            losses = -(target * (1 - log_p.exp()) ** gamma * log_p).sum(1)
        return (losses * known[rows]).sum() / divisor

    def sigmoid_loss(z):
        rows = tagged > 0
        if not rows.any():
            return z.sum() * 0
        target = tags[rows] / tagged[rows, None] * (1 - smoothing) + smoothing / 2
        if gamma == 0:
            losses = F.binary_cross_entropy_with_logits(z[rows], target, pos_weight=positive, reduction="none")
        else:
            yes, no = F.logsigmoid(z[rows]), F.logsigmoid(-z[rows])
            losses = -positive * target * (1 - yes.exp()) ** gamma * yes - (1 - target) * (1 - no.exp()) ** gamma * no
        return (losses * tagged[rows, None]).sum() / (tagged[rows].sum() * SEVERAL)

    def loss(logits):
        z = logits.double() + adjustment
        return first_weight * softmax_loss(z[:, :ONE]) + second_weight * sigmoid_loss(z[:, ONE:])

    return case["known"], loss


if __name__ == "__main__":
    write({"salt": SALT, "seed": SEED, "networks": NETWORKS}, (run(case, NETWORKS, two_columns) for case in CASES))
