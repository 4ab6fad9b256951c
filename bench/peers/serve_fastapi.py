"""What a user would write instead of `weft serve`: FastAPI with onnxruntime in one process, a model that Weft exported.

    python bench/peers/serve_fastapi.py EXPORT PORT

EXPORT is a folder of `weft export --format onnx`. POST /predict takes one image as the body and gives its five most
probable classes.
"""

import io
import json
import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

folder, port = sys.argv[1], int(sys.argv[2])
facts = json.load(open(f"{folder}/weft.json"))
session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
given = session.get_inputs()[0]
height, width = given.shape[2], given.shape[3]
image_facts = facts["preprocessing"]
mean = np.asarray(image_facts["mean"], dtype=np.float32).reshape(3, 1, 1)
std = np.asarray(image_facts["std"], dtype=np.float32).reshape(3, 1, 1)
labels = facts["labels"]
app = FastAPI()


def classify(body: bytes):
    image = Image.open(io.BytesIO(body)).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255
    (logits,) = session.run(None, {given.name: ((pixels - mean) / std)[None]})
    row = logits[0] - logits[0].max()
    shares = np.exp(row) / np.exp(row).sum()
    first = np.argsort(-shares)[:5]
    return [{"label": labels[i], "probability": float(shares[i])} for i in first]


@app.post("/predict")
async def predict(request: Request):
    body = await request.body()
    return {"top": await run_in_threadpool(classify, body)}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
