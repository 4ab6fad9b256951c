// An export with `--format tfjs --input uint8 --output probabilities`: node tfjs.mjs RUN/export/tfjs photo.jpg
import { readFile } from "node:fs/promises"
import "@tensorflow/tfjs-backend-cpu"
import { loadGraphModel } from "@tensorflow/tfjs-converter"
import * as tf from "@tensorflow/tfjs-core"
import sharp from "sharp"

const [folder, photo] = process.argv.slice(2)
const read = (paths) => Promise.all(paths.map((path) => readFile(`${folder}/${path}`)))
const weights = async ([{ paths, weights }]) => [weights, new Uint8Array(Buffer.concat(await read(paths))).buffer]
const json = JSON.parse(await readFile(`${folder}/model.json`, "utf8"))
const model = await loadGraphModel({ load: () => tf.io.getModelArtifactsForJSON(json, weights) })
const { labels, preprocessing } = model.metadata.weft
const { height, width } = preprocessing
const kernel = { bicubic: "cubic", bilinear: "linear", lanczos: "lanczos3", nearest: "nearest" }[preprocessing.kernel]
const resized = sharp(photo).removeAlpha().toColourspace("srgb").resize(width, height, { fit: "fill", kernel })
const images = tf.tensor(new Uint8Array(await resized.raw().toBuffer()), [1, height, width, 3], "int32")
const data = await model.predict(images).data()
const best = data.indexOf(Math.max(...data))
console.log(labels[best], data[best].toFixed(4))
