"""Computes gradients.json with PyTorch and torchvision: python gradients.py > gradients.json

Cases of torchvision's MobileNetV2 of the same kind as the gradient cases of the shared fixtures (backbones.json): training
mode, dropout off, everything in float64. After its first update this network is chaotic in training on few images: a
change of the images by one part in ten million moves PyTorch's own losses by up to a fifth. Its first gradient is not.
"""
import json
import math

import torch
import torch.nn.functional as F
from torch import nn

try:
    import tvfix  # noqa: F401 (torchvision beside a PyTorch for the processor alone: PYTHONPATH=../shared/peers)
except ImportError:
    pass
from torchvision.models import mobilenet_v2  # noqa: E402

M = 0xFFFFFFFF
TILE = 16


def uniform(salt, name, n):
    key = 0x811C9DC5
    for byte in (salt + name).encode():
        key = ((key ^ byte) * 0x01000193) & M
    h = (torch.arange(n, dtype=torch.int64) + key) & M
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & M
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & M
    return 2 * (h ^ (h >> 16)).double() / 2**32 - 1


def tensor(salt, name, shape):
    u = uniform(salt, name, math.prod(shape))
    if name.endswith("running_mean"):
        u = 0.1 * u
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u.abs()
    elif len(shape) > 1:
        u = math.sqrt(6 / math.prod(shape[1:])) * u
    elif name.endswith(".weight"):
        u = 1 + 0.1 * u
    else:
        u = 0.1 * u
    return u.float().double().reshape(shape)


def digits(value):
    return float(f"{value.item():.9g}")


def case(head, salt, size, batch, classes):
    network = mobilenet_v2()
    inputs = network.classifier[1].in_features
    network.classifier = (
        nn.Sequential(nn.Identity(), nn.Linear(inputs, classes))
        if head == "fc"
        else nn.Sequential(
            nn.Identity(),
            nn.Sequential(
                nn.Sequential(nn.Linear(inputs, 256), nn.BatchNorm1d(256), nn.ReLU()), nn.Linear(256, classes)
            ),
        )
    )
    network = network.double().train()
    state = network.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = tensor(salt, name, list(value.shape))
    network.load_state_dict(state)
    tiles = size // TILE
    x = (2 * uniform(salt, "input", batch * tiles * tiles * 3)).float().double().reshape(batch, tiles, tiles, 3)
    x = x.permute(0, 3, 1, 2).repeat_interleave(TILE, 2).repeat_interleave(TILE, 3)
    labels = ((uniform(salt, "labels", batch) + 1) / 2 * classes).long()
    logits = network(x)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    return {
        "network": "mobilenet_v2",
        "head": head,
        "size": size,
        "batch": batch,
        "classes": classes,
        "salt": salt,
        "mode": "gradient",
        "labels": labels.tolist(),
        "loss": digits(loss),
        "logits": [digits(value) for row in logits.detach()[:, :16] for value in row],
        "gradientNorms": {name: digits(value.grad.norm()) for name, value in network.named_parameters()},
    }


print(json.dumps([case("fc", "weft-", 64, 4, 70), case("fc", "gradient-", 96, 6, 31), case("batchnorm", "weft-", 96, 8, 70)]))
