import { Effect } from "effect"
import { readFile, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { WeightsError } from "../../model/Pretrained.ts"
import type { OnnxData } from "../../model/onnx/OnnxFile.ts"
import { outsideData, readOnnx, withDataInside } from "../../model/onnx/OnnxFile.ts"
import { kindBytes, otherKind } from "../../model/weightsKind.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { fileError } from "../storage/atomicWrite.ts"
import { hubPrefix } from "./HubName.ts"
import { namedBy, placed } from "./hubFile.ts"

const unreadable = (source: string, detail: string) => new WeightsError({ source, reason: "unreadable", detail })

const read = (source: string, path: string) =>
  Effect.tryPromise({
    try: async () => {
      // Opening a pipe cannot be interrupted, and a device may have no end.
      if (!(await stat(path)).isFile()) throw new Error("this is no file")
      return await readFile(path)
    },
    catch: (cause) => {
      const { detail, reason } = fileError(path, cause)
      return new WeightsError({
        source,
        reason: reason === "missing" ? "missing" : "unreadable",
        detail: `${path}: ${detail}`
      })
    }
  })

/** A name that leads no further than to a file in the same folder, or in one below. */
const isBelow = (name: string): boolean => name.split("/").every((part) => /^[\w-][\w. -]*$/.test(part))

/** Where the data beside an ONNX file are: a hub's are fetched. */
const besideOf = Effect.fnUntraced(function* (source: string, path: string, file: string) {
  if (!isBelow(file))
    return yield* unreadable(source, `it wants data from ${JSON.stringify(file)}, which is not a file beside it`)
  if (!source.startsWith(hubPrefix)) return join(dirname(path), file)
  const hub = yield* namedBy(source)
  return yield* placed(source, { ...hub, file: [...hub.file.split("/").slice(0, -1), file].join("/") })
})

/** The bytes of an ONNX file at a path, with the data beside it inside; errors name `source`. */
export const graphFile = Effect.fn("graphFile")(function* (source: string, path: string) {
  const bytes = yield* read(source, path)
  const kind = otherKind(bytes.subarray(0, kindBytes))
  if (kind !== undefined) return yield* unreadable(source, `this is ${kind.what}, and no ONNX file: ${kind.cure}`)
  const attempt = <A>(use: () => A) =>
    Effect.try({ try: use, catch: (cause) => unreadable(source, `${path}: ${messageOf(cause)}`) })
  yield* attempt(() => readOnnx(bytes))
  const data = yield* attempt(() => outsideData(bytes))
  const files = new Map<string, Uint8Array>()
  for (const name of new Set(data.map(({ file }) => file)))
    files.set(name, yield* read(source, yield* besideOf(source, path, name)))
  const part = ({ file, length, offset }: OnnxData) => {
    const all = files.get(file) ?? new Uint8Array()
    const end = offset + (length ?? all.length - offset)
    if (!(offset >= 0 && end >= offset && end <= all.length))
      throw new Error(
        `${file} beside it has ${all.length} bytes, and ${end} are needed: it is another file, or cut off`
      )
    return all.subarray(offset, end)
  }
  // What Node reads is never in shared memory.
  return (yield* attempt(() => withDataInside(bytes, part))) as Uint8Array<ArrayBuffer>
})
