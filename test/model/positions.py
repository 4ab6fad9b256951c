"""
Computes positions.json with PyTorch: python positions.py > positions.json

The lines of `resample` are those of timm's resample_abs_pos_embed (timm/layers/pos_embed.py), for one class token.
"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(11)
CASES = [((4, 4), (6, 3)), ((5, 5), (3, 2)), ((3, 5), (7, 4)), ((4, 4), (2, 8)), ((6, 6), (5, 5))]
CHANNELS = 2


def resample(posemb, old_size, new_size):
    prefix, posemb = posemb[:, :1], posemb[:, 1:]
    embed_dim = posemb.shape[-1]
    posemb = posemb.float().reshape(1, old_size[0], old_size[1], -1).permute(0, 3, 1, 2)
    posemb = F.interpolate(posemb, size=new_size, mode="bicubic", antialias=True)
    posemb = posemb.permute(0, 2, 3, 1).reshape(1, -1, embed_dim)
    return torch.cat([prefix, posemb], dim=1)


found = []
for old, new in CASES:
    positions = torch.randn(1, 1 + old[0] * old[1], CHANNELS)
    numbers = lambda x: [round(v, 6) for v in x.flatten().tolist()]
    found.append({"from": old, "to": new, "positions": numbers(positions), "resampled": numbers(resample(positions, old, new))})
print(json.dumps(found))
