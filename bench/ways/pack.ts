/**
 * Where an image's pixels come from in an epoch, in shuffled order on one thread: its JPEG, decoded; or a file of decoded
 * pixels, found by the SHA-256 of the JPEG's bytes (`hashed`: what a new run does) or by a digest that is known
 * (`pack`: later epochs, which look at size and times only). Prints one JSON line:
 *   node bench/ways/pack.ts --data FOLDER --from pack
 */
import { Console, Effect } from "effect"
import { createHash } from "node:crypto"
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { decodeJpeg } from "../../src/layers/feed/jpeg/decodeJpeg.ts"
import { order } from "../../src/pipeline/order.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small/images" },
    from: { type: "string", default: "pack" },
    limit: { type: "string", default: "8000" }
  }
})

const most = { height: 224, width: 224 }
const paths = readdirSync(values.data)
  .sort()
  .slice(0, Number(values.limit))
  .map((file) => join(values.data, file))

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64")

interface Entry {
  readonly offset: number
  readonly length: number
}

const main = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-pack-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  const file = yield* Effect.acquireRelease(
    Effect.sync(() => openSync(join(folder, "pixels"), "w+")),
    (file) => Effect.sync(() => closeSync(file))
  )
  const byDigest = new Map<string, Entry>()
  const digests: Array<string> = []
  let offset = 0
  for (const path of paths) {
    const bytes = readFileSync(path)
    const data = decodeJpeg(bytes, most, 1e6)?.pixels.data ?? new Uint8Array(0)
    const digest = digestOf(bytes)
    digests.push(digest)
    byDigest.set(digest, { offset, length: data.length })
    writeSync(file, data)
    offset += data.length
  }
  const fromPack = (digest: string) => {
    const entry = byDigest.get(digest)
    if (entry === undefined) return undefined
    const data = new Uint8Array(entry.length)
    readSync(file, data, 0, entry.length, entry.offset)
    return data
  }
  const stamp = (path: string) => statSync(path, { bigint: true }).ctimeNs
  const ways: Readonly<Record<string, (path: string, i: number) => Uint8Array | undefined>> = {
    jpeg: (path) => (stamp(path) > 0n ? decodeJpeg(readFileSync(path), most, 1e6)?.pixels.data : undefined),
    hashed: (path) => fromPack(digestOf(readFileSync(path))),
    pack: (path, i) => (stamp(path) > 0n ? fromPack(digests[i] ?? "") : undefined)
  }
  const way = ways[values.from] ?? ways["pack"]
  const start = performance.now()
  const before = process.cpuUsage()
  let read = 0
  for (const i of order(paths.length, 1, 0)) read += way?.(paths[i] ?? "", i)?.length ?? 0
  const { system, user } = process.cpuUsage(before)
  yield* Console.log(
    JSON.stringify({
      bench: "pack",
      from: values.from,
      images: paths.length,
      imagesPerSecond: (paths.length / (performance.now() - start)) * 1000,
      cpuMsPerImage: (system + user) / 1000 / paths.length,
      packBytesPerImage: Math.round(offset / paths.length),
      readBytes: read
    })
  )
}).pipe(Effect.scoped)

await Effect.runPromise(main)
