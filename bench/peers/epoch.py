"""Images per second of whole epochs of training in PyTorch, its DataLoader included: what bench/epoch.ts does."""
import argparse, csv, glob, json, os, resource, sys, time
from collections import Counter
a = argparse.ArgumentParser()
a.add_argument("--data", default="../shared/datasets/fashion-product-images-small", help="folder with styles.csv and images/, or a pattern")
a.add_argument("--peers", default="../shared/peers", help="folder of tvfix.py")
a.add_argument("--network", choices=["simple-cnn", "mobilenet-v2", "vgg16"], default="simple-cnn")
a.add_argument("--height", type=int, default=80); a.add_argument("--width", type=int, default=60)
a.add_argument("--batch", type=int, default=64); a.add_argument("--images", type=int, default=0)
a.add_argument("--epochs", type=int, default=2); a.add_argument("--rotation", type=float, default=0)
a.add_argument("--device", choices=["cpu", "cuda"], default="cpu"); a.add_argument("--min-per-class", type=int, default=50)
a.add_argument("--workers", type=int, default=2); a.add_argument("--threads", type=int, default=2)
a = a.parse_args()
folders = sorted(glob.glob(a.data))
if not folders: sys.exit(f"There is no folder {a.data}: `node bench/epoch.ts --sample N` draws one in .weft")
a.data = folders[0]
sys.path.insert(0, a.peers)
try: import torchvision  # noqa: E402
except (ImportError, RuntimeError): import tvfix, torchvision  # noqa: E402, F401 (beside a build of torch for processors)
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torchvision.transforms import v2 as T  # noqa: E402

with open(os.path.join(a.data, "styles.csv"), newline="") as file:
    rows = [(row["id"], row["articleType"]) for row in csv.DictReader(file) if row["id"]]
sizes = Counter(label for _, label in rows)
rows = [(os.path.join(a.data, "images", f"{id}.jpg"), label) for id, label in rows if label and sizes[label] >= a.min_per_class]


def is_image(path):
    """Whether a photo can be opened: a catalogue has some that cannot."""
    try:
        with Image.open(path) as image: image.load()
        return True
    except OSError:
        return False


rows = [row for row in rows if is_image(row[0])][: a.images or None]
labels = sorted({label for _, label in rows})
index = {label: i for i, label in enumerate(labels)}
transform = T.Compose([
    T.Resize((a.height, a.width), T.InterpolationMode.BICUBIC), T.RandomHorizontalFlip(),
    *([T.RandomRotation(a.rotation)] if a.rotation else []),
    T.ToImage(), T.ToDtype(torch.float32, scale=True), T.Normalize([0.5] * 3, [0.5] * 3),
])


class Catalogue(torch.utils.data.Dataset):
    def __len__(self): return len(rows)
    def __getitem__(self, i): return transform(Image.open(rows[i][0]).convert("RGB")), index[rows[i][1]]


def simple_cnn():
    conv = []
    for i, o, k in ((3, 32, 5), (32, 64, 3), (64, 128, 3), (128, 64, 3)): conv += [nn.Conv2d(i, o, k), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*conv, nn.Flatten(), nn.LazyLinear(512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, len(labels)))


if __name__ == "__main__":
    torch.set_num_threads(a.threads)
    torch.backends.cudnn.benchmark = True
    make = {"simple-cnn": simple_cnn, "mobilenet-v2": lambda: torchvision.models.mobilenet_v2(num_classes=len(labels)),
            "vgg16": lambda: torchvision.models.vgg16(num_classes=len(labels))}
    model = make[a.network]()
    model(torch.rand(2, 3, a.height, a.width)); model = model.to(a.device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), 0.001)
    loader = torch.utils.data.DataLoader(Catalogue(), a.batch, shuffle=True, num_workers=a.workers, persistent_workers=a.workers > 0, pin_memory=a.device == "cuda")
    rates, loss = [], 0.0
    for _ in range(a.epochs):
        start = time.perf_counter(); loss = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            x = x.to(a.device, memory_format=torch.channels_last, non_blocking=True); y = y.to(a.device, non_blocking=True)
            step = F.cross_entropy(model(x), y)
            step.backward(); optimizer.step()
            loss += step.item() * len(y)
        rates.append(len(rows) / (time.perf_counter() - start))
    print(json.dumps({"peer": f"PyTorch {torch.__version__}", "network": a.network, "height": a.height, "width": a.width, "batch": a.batch,
                      "images": len(rows), "classes": len(labels), "imagesPerSecond": rates[0], "laterImagesPerSecond": rates[-1], "loss": loss / len(rows), "device": torch.cuda.get_device_name() if a.device == "cuda" else "cpu",
                      "hostPeakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                      **({"cardMiB": torch.cuda.max_memory_reserved() // 2**20} if a.device == "cuda" else {})}))
