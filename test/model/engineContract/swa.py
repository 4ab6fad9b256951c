"""Computes swa.json with PyTorch: python swa.py > swa.json

The equal mean of the weights at the ends of three epochs of two batches each, by AveragedModel, and its running
statistics as `update_bn` makes them: no momentum, so that the k-th batch of a pass counts 1 / k.
"""
import json

import torch
import torch.nn.functional as F

from figures import NETWORKS, SALT, SEED, SGD, Holder, Model, numbers, rounded, uniform

EPOCHS, RATE = 3, 0.05
SIZES = [5, 3]
network = NETWORKS["mobile"]
height, width, classes = network["height"], network["width"], network["classes"]


def batch(size):
    images = uniform("input", size * height * width * 3).float().reshape(size, height, width, 3)
    labels = ((uniform("labels", size) + 1) / 2 * classes).floor().long()
    return images.permute(0, 3, 1, 2).contiguous(), labels


def with_momentum(blocks, momentum):
    changed = []
    for block in blocks:
        block = dict(block)
        if block["_tag"] == "BatchNorm":
            block["momentum"] = momentum
        for key in ("blocks", "shortcut"):
            if key in block:
                block[key] = with_momentum(block[key], momentum)
        changed.append(block)
    return changed


def names(average):
    return {name.removeprefix("module.").replace("/", "."): t for name, t in average.state_dict().items() if name != "n_averaged"}


model = Model(network)
trained = [t for t in model.tensors.values() if t.requires_grad]
optimizer = torch.optim.SGD(trained, RATE)
average = torch.optim.swa_utils.AveragedModel(Holder(model.tensors))
labels, step = None, 0
for epoch in range(EPOCHS):
    for size in SIZES:
        model.training, model.step = True, step
        images, labels = batch(size)
        loss = F.cross_entropy(model.apply(network["blocks"], images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
    average.update_parameters(Holder(model.tensors))

raw, model.tensors = model.tensors, {name: t.detach() for name, t in names(average).items()}
with torch.no_grad():
    for name, tensor in model.tensors.items():
        if name.endswith("running_mean"):
            tensor.zero_()
        if name.endswith("running_var"):
            tensor.fill_(1)
    for k, size in enumerate(SIZES):
        model.training, model.step = True, step + k
        model.apply(with_momentum(network["blocks"], 1 / (k + 1)), batch(size)[0])
    model.training = False
    logits = model.apply(network["blocks"], batch(SIZES[0])[0])
print(json.dumps({
    "salt": SALT, "seed": SEED, "network": network, "sizes": SIZES, "epochs": EPOCHS, "learningRate": RATE,
    "labels": [batch(size)[1].tolist() for size in SIZES],
    "average": {name: {"norm": rounded(t.double().norm().item()), "first": numbers(t.flatten()[:6])}
                for name, t in model.tensors.items()},
    "logits": numbers(logits),
}))
