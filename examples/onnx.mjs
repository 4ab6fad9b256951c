// An export with `--format onnx --input uint8 --output probabilities`: node onnx.mjs RUN/export/onnx photo.jpg
import { readFile } from "node:fs/promises"
import { InferenceSession, Tensor } from "onnxruntime-node"
import sharp from "sharp"

const [folder, photo] = process.argv.slice(2)
const { labels, preprocessing } = JSON.parse(await readFile(`${folder}/weft.json`, "utf8"))
const { height, width } = preprocessing
const kernel = { bicubic: "cubic", bilinear: "linear", lanczos: "lanczos3", nearest: "nearest" }[preprocessing.kernel]
const session = await InferenceSession.create(`${folder}/model.onnx`)
const resized = sharp(photo).removeAlpha().toColourspace("srgb").resize(width, height, { fit: "fill", kernel })
const images = new Tensor("uint8", new Uint8Array(await resized.raw().toBuffer()), [1, height, width, 3])
const { data } = (await session.run({ images })).probabilities
const best = data.indexOf(Math.max(...data))
console.log(labels[best], data[best].toFixed(4))
