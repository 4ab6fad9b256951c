"""Computes windows.json with PyTorch: python windows.py > windows.json

Windows with NaN and infinities at each of their places, what comes out, and for max pooling where the gradient goes.
All numbers are small and whole, so that float32 has them exactly. Images are NHWC.
"""
import json
import math

import torch
import torch.nn.functional as F

CHANNELS = 3
NAN, INF = math.nan, math.inf


def whole(n, salt):
    """n whole numbers from -6 to 6; some are equal."""
    return [(i * 7919 + salt * 104729 + (i * i) % 31) % 13 - 6 for i in range(n)]


def pads(height, width, kernel, stride, padding):
    """Before and after, for rows and for columns; `same` puts what is odd at the bottom and the right."""
    around = []
    for length, k in ((height, kernel[0]), (width, kernel[1])):
        total = max(0, (math.ceil(length / stride) - 1) * stride + k - length) if padding == "same" else 2 * padding
        around.append((total // 2, total - total // 2))
    return around


def special(height, width, kernel, stride, around, fills=(-INF, INF, NAN)):
    """Lists of (y, x, channel, value), one for each image: at each place of a window in the middle and of the first and
    the last window, in each channel another value; then several at once, and images full of one value."""
    rows = (height + sum(around[0]) - kernel[0]) // stride + 1
    columns = (width + sum(around[1]) - kernel[1]) // stride + 1
    inside = lambda y, x: 0 <= y < height and 0 <= x < width
    windows = [(rows // 2, columns // 2), (0, 0), (rows - 1, columns - 1)]
    corner = lambda r, c: (r * stride - around[0][0], c * stride - around[1][0])
    places = lambda window: [
        (corner(*window)[0] + i, corner(*window)[1] + j)
        for i in range(kernel[0])
        for j in range(kernel[1])
        if inside(corner(*window)[0] + i, corner(*window)[1] + j)
    ]
    images = []
    turn = 0
    for window in windows:
        for y, x in places(window):
            values = [NAN, INF, -INF]
            images.append([(y, x, c, values[(c + turn) % 3]) for c in range(CHANNELS)])
            turn += 1
    first, last = places(windows[0])[0], places(windows[0])[-1]
    images.append([(*first, c, NAN) for c in range(CHANNELS)] + [(*last, c, NAN) for c in range(CHANNELS)])
    images.append([(*first, c, INF) for c in range(CHANNELS)] + [(*last, c, INF) for c in range(CHANNELS)])
    images.append([(*first, c, INF) for c in range(CHANNELS)] + [(*last, c, -INF) for c in range(CHANNELS)])
    images.append([(*first, c, NAN) for c in range(CHANNELS)] + [(*last, c, INF) for c in range(CHANNELS)])
    for value in fills:
        images.append([(y, x, c, value) for y in range(height) for x in range(width) for c in range(CHANNELS)])
    return images


def text(values):
    """Numbers side by side, as JavaScript writes them: JSON has neither NaN nor infinities."""
    names = lambda x: "NaN" if math.isnan(x) else "Infinity" if x == INF else "-Infinity" if x == -INF else str(x)
    return " ".join(names(x) if not math.isfinite(x) or x != int(x) else str(int(x)) for x in values)


def nhwc(x):
    return text(x.permute(0, 2, 3, 1).flatten().tolist())


def images_of(height, width, special_values, salt):
    """Images, and how they are made: `whole` by the salt, and the special values by their places in the batch."""
    n = len(special_values)
    special = []
    x = torch.tensor(whole(n * height * width * CHANNELS, salt), dtype=torch.float32)
    x = x.reshape(n, height, width, CHANNELS)
    for i, values in enumerate(special_values):
        for y, column, c, value in values:
            x[i, y, column, c] = value
            special.append((((i * height + y) * width + column) * CHANNELS + c, value))
    made = {"count": n, "height": height, "width": width, "salt": salt}
    made |= {"places": text(at for at, _ in special), "values": text(value for _, value in special)}
    return x.permute(0, 3, 1, 2).contiguous(), made


def pooled(size, stride, padding, height, width, salt):
    around = pads(height, width, (size, size), stride, padding)
    # PyTorch has no `same`: it is padded here by pixels of -infinity, which must not be a window's only ones.
    fills = (INF, NAN) if padding == "same" else (-INF, INF, NAN)
    x, made = images_of(height, width, special(height, width, (size, size), stride, around, fills), salt)
    x = x.requires_grad_()
    if padding == "same":
        padded = F.pad(x, [*around[1], *around[0]], value=-INF)
        y = F.max_pool2d(padded, size, stride)
    else:
        y = F.max_pool2d(x, size, stride, padding)
    # The gradient of the output, in NHWC: 1, 2, ... 101, 1, 2, ...
    gradient = torch.arange(y.numel(), dtype=torch.float32).remainder(101) + 1
    gradient = gradient.reshape(y.shape[0], y.shape[2], y.shape[3], CHANNELS).permute(0, 3, 1, 2)
    y.backward(gradient)
    block = {"_tag": "MaxPool", "size": size, "stride": stride, "padding": padding}
    return {
        "block": block,
        "images": made,
        "output": nhwc(y.detach()),
        "inputGradient": nhwc(x.grad),
    }


def convolved(kind, kernel, filters, stride, padding, height, width, salt):
    around = pads(height, width, kernel, stride, padding)
    x, made = images_of(height, width, special(height, width, kernel, stride, around), salt)
    shape = [filters, CHANNELS if kind == "Conv2d" else 1, *kernel]
    weight = torch.tensor([w if w != 0 else 5 for w in whole(math.prod(shape), salt + 1)], dtype=torch.float32)
    bias = torch.tensor(whole(filters, salt + 2), dtype=torch.float32)
    padded = F.pad(x, [*around[1], *around[0]])
    y = F.conv2d(padded, weight.reshape(shape), bias, stride, groups=1 if kind == "Conv2d" else CHANNELS)
    block = {"_tag": kind, "name": "block", "kernel": kernel, "stride": stride, "padding": padding}
    own = {"filters": filters} if kind == "Conv2d" else {}
    return {
        "block": {**block, **own, "bias": True, "init": "torch"},
        "images": made,
        "weight": {"shape": shape, "data": text(weight.tolist())},
        "bias": {"shape": [filters], "data": text(bias.tolist())},
        "output": nhwc(y),
    }


def averaged(block, height, width, rows, columns, salt):
    """Windows of the means: those of the corners and of the middle have the values."""
    window = (-(-height // rows), -(-width // columns))
    x, made = images_of(height, width, special(height, width, window, 1, [(0, 0), (0, 0)]), salt)
    y = F.adaptive_avg_pool2d(x.double(), (rows, columns)).float()
    return {"block": block, "images": made, "output": nhwc(y)}


def activated(kind, salt):
    x, made = images_of(4, 3, special(4, 3, (4, 3), 1, [(0, 0), (0, 0)]), salt)
    block = {"_tag": "Activation", "kind": kind}
    return {"block": block, "images": made, "output": nhwc(F.relu(x) if kind == "relu" else F.relu6(x))}


def overflowing(size, stride, padding, rectifier_first, salt):
    """A step of training in which sums of a convolution overflow to infinities inside windows, which relu6 cuts."""
    height, width, filters, classes = 7, 5, 4, 3
    batch = 6
    x = torch.tensor(whole(batch * height * width * CHANNELS, salt), dtype=torch.float32) / 8
    x = x.reshape(batch, height, width, CHANNELS)
    for i in range(batch):
        for c in range(CHANNELS):
            x[i, (i + 2 * c) % height, (3 * i + c) % width, c] = 3e38 * (1 if (i + c) % 2 == 0 else -1)
    x = x.permute(0, 3, 1, 2).contiguous()
    conv = torch.tensor(whole(filters * CHANNELS, salt + 1), dtype=torch.float32).reshape(filters, CHANNELS, 1, 1)
    conv = torch.where(conv == 0, 5.0, conv).requires_grad_()
    bias = (torch.tensor(whole(filters, salt + 2), dtype=torch.float32) / 4).requires_grad_()
    pool = lambda z: F.max_pool2d(z, size, stride, padding)
    z = F.conv2d(x, conv, bias)
    z = pool(F.relu6(z)) if rectifier_first else F.relu6(pool(z))
    flat = z.flatten(1)
    fc = (torch.tensor(whole(classes * flat.shape[1], salt + 3), dtype=torch.float32) / 64).reshape(classes, -1)
    fc = fc.requires_grad_()
    fc_bias = torch.zeros(classes, requires_grad=True)
    labels = [i % classes for i in range(batch)]
    logits = F.linear(flat, fc, fc_bias)
    loss = F.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    tensors = {"conv.weight": conv, "conv.bias": bias, "fc.weight": fc, "fc.bias": fc_bias}
    activation = {"_tag": "Activation", "kind": "relu6"}
    max_pool = {"_tag": "MaxPool", "size": size, "stride": stride, "padding": padding}
    linear = {"bias": True, "init": "torch"}
    return {
        "network": {
            "name": "overflowing",
            "height": height,
            "width": width,
            "classes": classes,
            "blocks": [
                {
                    "_tag": "Conv2d",
                    "name": "conv",
                    "filters": filters,
                    "kernel": [1, 1],
                    "stride": 1,
                    "padding": 0,
                    **linear,
                },
                *([activation, max_pool] if rectifier_first else [max_pool, activation]),
                {"_tag": "Flatten"},
                {"_tag": "Dense", "name": "fc", "units": classes, **linear},
            ],
        },
        "images": nhwc(x),
        "labels": labels,
        "weights": {k: {"shape": list(t.shape), "data": text(t.detach().flatten().tolist())} for k, t in tensors.items()},
        "logits": text(logits.detach().flatten().tolist()),
        "loss": loss.item(),
        "gradients": {k: text(t.grad.flatten().tolist()) for k, t in tensors.items()},
    }


cases = {
    "torch": torch.__version__.split("+")[0],
    "pooling": [
        pooled(2, 2, 0, 5, 7, 1),
        pooled(2, 2, 0, 4, 6, 2),
        pooled(3, 2, 1, 7, 6, 3),
        pooled(3, 2, "same", 6, 5, 4),
        pooled(2, 2, "same", 5, 3, 5),
        pooled(2, 1, 1, 4, 3, 6),
        pooled(3, 1, 0, 4, 5, 7),
        pooled(3, 4, 1, 6, 7, 8),
    ],
    "others": [
        convolved("Conv2d", [3, 2], 5, 2, 1, 7, 6, 9),
        convolved("Conv2d", [3, 3], 4, 1, "same", 5, 4, 10),
        convolved("Conv2d", [1, 1], 7, 1, 0, 3, 4, 11),
        convolved("DepthwiseConv2d", [2, 3], 3, 1, "same", 5, 4, 12),
        convolved("DepthwiseConv2d", [3, 3], 3, 2, 1, 7, 6, 13),
        averaged({"_tag": "GlobalAveragePool"}, 4, 8, 1, 1, 14),
        averaged({"_tag": "AdaptiveAveragePool", "size": [2, 3]}, 5, 7, 2, 3, 15),
        averaged({"_tag": "AdaptiveAveragePool", "size": [2, 2]}, 4, 8, 2, 2, 16),
        averaged({"_tag": "AdaptiveAveragePool", "size": [5, 3]}, 2, 4, 5, 3, 17),
        activated("relu", 18),
        activated("relu6", 19),
    ],
    "training": [
        overflowing(2, 2, 0, False, 20),
        overflowing(2, 2, 0, True, 21),
        overflowing(3, 2, 1, False, 22),
        overflowing(3, 2, 1, True, 23),
    ],
}
print(json.dumps(cases))
