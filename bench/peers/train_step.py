"""Images per second of a training step (forward, backward, update) and of inference in PyTorch on the CPU, channels last."""
import argparse
import json
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--peers", required=True, help="the folder with tvfix.py")
parser.add_argument("--network", required=True)
parser.add_argument("--height", type=int, default=224)
parser.add_argument("--width", type=int, default=224)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--steps", type=int, default=8)
parser.add_argument("--threads", type=int, default=2)
a = parser.parse_args()
sys.path.insert(0, a.peers)

import tvfix  # noqa: E402, F401
import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torchvision import models  # noqa: E402
from torchvision.models.convnext import CNBlockConfig, ConvNeXt  # noqa: E402
from torchvision.models.vision_transformer import VisionTransformer  # noqa: E402

torch.set_num_threads(a.threads)


def vit(width, heads):
    return VisionTransformer(a.height, 16, 12, heads, width, 4 * width, num_classes=70)


def convnext_atto():
    widths, depths = [40, 80, 160, 320], [2, 2, 6, 2]
    return ConvNeXt([CNBlockConfig(w, n, d) for w, n, d in zip(widths, [*widths[1:], None], depths)], num_classes=70)


# What torchvision has none of is made of its layers.
own = {"vit-s16": lambda: vit(384, 6), "vit-b16": lambda: vit(768, 12), "convnext-atto": convnext_atto}
model = own[a.network]() if a.network in own else getattr(models, a.network.replace("-", "_"))(num_classes=70)
x = torch.rand(a.batch, 3, a.height, a.width).contiguous(memory_format=torch.channels_last)
y = torch.arange(a.batch) % 70
model = model.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(model.parameters(), 0.001)


def rate(run):
    run()
    start = time.perf_counter()
    for _ in range(a.steps):
        run()
    return round(a.steps * a.batch / (time.perf_counter() - start), 1)


def step():
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


train = rate(step)
model.eval()
with torch.inference_mode():
    infer = rate(lambda: model(x))
print(json.dumps({"peer": "PyTorch " + torch.__version__, "network": a.network, "batch": a.batch,
                  "trainImagesPerSecond": train, "inferImagesPerSecond": infer}))
