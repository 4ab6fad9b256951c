"""Images per second of a training step in PyTorch (eager, channels last) on a card or a processor: a JSON line a batch size."""
import argparse
import json
import resource
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--network", choices=["simple_cnn", "mobilenet_v2", "resnet50"], required=True)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
parser.add_argument("--peers", default="../shared/peers", help="the folder with tvfix.py")
parser.add_argument("--height", type=int, default=224)
parser.add_argument("--width", type=int, default=224)
parser.add_argument("--batches", type=int, nargs="+", default=[32])
parser.add_argument("--steps", type=int, default=50)
parser.add_argument("--seconds", type=float, default=4, help="a measurement ends after this time, or its steps")
a = parser.parse_args()
sys.path.insert(0, a.peers)

try:
    import torchvision
except (ImportError, RuntimeError):  # beside a build of torch for processors
    import tvfix  # noqa: F401
    import torchvision
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

cuda = a.device == "cuda"
if cuda and not torch.cuda.is_available():
    sys.exit("PyTorch sees no card: torch.cuda.is_available() is false")
torch.backends.cudnn.benchmark = True


def simple_cnn():
    layers = []
    for inputs, filters, kernel in ((3, 32, 5), (32, 64, 3), (64, 128, 3), (128, 64, 3)):
        layers += [nn.Conv2d(inputs, filters, kernel), nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.LazyLinear(512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 70)]
    return nn.Sequential(*layers, nn.Flatten(), *head)


def measure(batch, tf32):
    """As in training: each batch comes from the host's memory, which is pinned where there is a card."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    model = simple_cnn() if a.network == "simple_cnn" else getattr(torchvision.models, a.network)(num_classes=70)
    images = torch.rand(batch, 3, a.height, a.width).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 70, (batch,))
    if cuda:
        images, labels = images.pin_memory(), labels.pin_memory()
        torch.cuda.reset_peak_memory_stats()
    model(images[:2])
    model = model.to(a.device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.001)

    def step():
        x = images.to(a.device, non_blocking=True)
        y = labels.to(a.device, non_blocking=True)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    step()
    start = time.perf_counter()
    done = 0
    while done < a.steps and time.perf_counter() - start < a.seconds:
        step()
        done += 1
    rate = done * batch / (time.perf_counter() - start)
    measured = {
        "peer": "PyTorch " + torch.__version__,
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "network": a.network,
        "height": a.height,
        "width": a.width,
        "batch": batch,
        "tf32": tf32,
        "trainImagesPerSecond": float(f"{rate:.4g}"),
        "hostPeakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if cuda:
        measured["cardMiB"] = torch.cuda.max_memory_reserved() // 2**20
    print(json.dumps(measured), flush=True)


for batch in a.batches:
    # TF32 on the tensor cores first, the faster way; then float32, in which Weft computes.
    for tf32 in [True, False] if cuda else [False]:
        measure(batch, tf32)
