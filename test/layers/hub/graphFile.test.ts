import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as DiskPretrained from "../../../src/layers/hub/DiskPretrained.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { readOnnx } from "../../../src/model/onnx/OnnxFile.ts"
import { dinov2, withDataBeside } from "../../model/onnx/files.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "./download/server.ts"
import { withHub } from "./hub.ts"

const file = dinov2(["batch", 3, 12, 20])
const preprocessor = JSON.stringify({
  do_center_crop: true,
  crop_size: { height: 12, width: 20 },
  size: { shortest_edge: 16 },
  resample: 2,
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225]
})

const refused = (source: string, ...words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Pretrained.use(({ graph }) => graph(source)))
    for (const word of words) assert.include(error.message, word)
    return error
  }).pipe(Effect.provide(DiskPretrained.layer))

describe("an ONNX file among the weights", () => {
  it.live("is read with the data beside it, and its images are known from the folder above", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const { bytes, data } = withDataBeside(file, "model.onnx_data")
      const path = join(folder, "onnx", "model.onnx")
      yield* Effect.promise(async () => {
        await mkdir(join(folder, "onnx"))
        await writeFile(path, bytes)
        await writeFile(join(folder, "onnx", "model.onnx_data"), data)
        await writeFile(join(folder, "preprocessor_config.json"), preprocessor)
      })
      const { beside, contents, graph, tensors } = yield* Pretrained
      const read = readOnnx(yield* graph(path))
      assert.deepStrictEqual(
        read.constants.map(({ name }) => name),
        readOnnx(file).constants.map(({ name }) => name)
      )
      assert.isAbove((yield* graph(path)).length, data.length)
      assert.deepStrictEqual((yield* contents(path)).metadata, { height: "12", width: "20" })
      assert.deepStrictEqual((yield* beside(path))?.metadata, {
        height: "12",
        width: "20",
        mean: "0.485,0.456,0.406",
        std: "0.229,0.224,0.225",
        kernel: "linear"
      })
      assert.strictEqual((yield* tensors(path, new Set())).size, 0)
    }).pipe(Effect.provide(DiskPretrained.layer))
  )

  it.live("is refused where the data are not there, are cut off, or lie elsewhere", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const path = join(folder, "model.onnx")
      const write = (name: string, content: Uint8Array | string) =>
        Effect.promise(() => writeFile(join(folder, name), content))
      const { bytes, data } = withDataBeside(file, "model.data")
      yield* write("model.onnx", bytes)
      assert.strictEqual((yield* refused(path, "model.data", "no such file")).reason, "missing")
      yield* write("model.data", data.subarray(0, 100))
      yield* refused(path, "model.data", "100 bytes")
      for (const place of ["../model.data", "/etc/hostname", "a/../../b"]) {
        yield* write("model.onnx", withDataBeside(file, place).bytes)
        yield* refused(path, JSON.stringify(place), "not a file beside it")
      }
    })
  )

  it.live("is refused where it is something else", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const path = join(folder, "model.onnx")
      const kinds = [
        ["", "empty file"],
        ["<!doctype html><html>", "web page"],
        ["version https://git-lfs.github.com/spec/v1\noid", "Git LFS"],
        [file.subarray(0, file.length - 5), "cut off"]
      ] as const
      for (const [content, word] of kinds) {
        yield* Effect.promise(() => writeFile(path, content))
        yield* refused(path, word)
      }
      yield* refused(join(folder, "other.onnx"), "no such file")
    })
  )

  it.live("is fetched from a hub with its data and its preprocessor", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      const { bytes, data } = withDataBeside(file, "vision.onnx_data")
      const root = "/shop/vision/resolve/main"
      const files: Readonly<Record<string, Uint8Array>> = {
        [`${root}/onnx/vision.onnx`]: bytes,
        [`${root}/onnx/vision.onnx_data`]: data,
        [`${root}/preprocessor_config.json`]: new TextEncoder().encode(preprocessor)
      }
      const address = yield* serve((request, response) => {
        const found = files[request.url ?? ""]
        if (found === undefined) response.writeHead(404).end()
        else send(request, response, found, { etag: `"${"a".repeat(40)}"` })
      })
      const source = "hf:shop/vision/onnx/vision.onnx"
      const hub = withHub({ HF_ENDPOINT: address, WEFT_CACHE: cache })
      const { graph, found } = yield* hub(
        Effect.gen(function* () {
          const { beside, graph } = yield* Pretrained
          return { graph: yield* graph(source), found: yield* beside(source) }
        })
      )
      assert.isAbove(graph.length, data.length)
      assert.strictEqual(found?.metadata["mean"], "0.485,0.456,0.406")
      assert.include(found?.from ?? "", "shop/vision@main/preprocessor_config.json")
    }).pipe(Effect.provide(DiskPretrained.layer))
  )
})
