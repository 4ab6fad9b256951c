import { Effect, FileSystem, Path } from "effect"
import sharp from "sharp"
import type { Raw } from "sharp"
import { draw } from "../src/pipeline/draw.ts"
import { elementAt } from "../src/pipeline/elementAt.ts"

/** What the photos are: as a camera of a catalogue's studio gives them. */
export const large = { count: 600, width: 1200, height: 1600, quality: 85 } as const

/** Noise moves by up to so many pixels from photo to photo: no two have the same. */
const shift = 64

/** A picture of numbers around the middle grey, one channel. */
const grain = async (): Promise<{ readonly data: Buffer; readonly raw: Raw }> => {
  const [width, height] = [large.width + shift, large.height + shift]
  const of = (scale: number, deviation: number) => {
    const { normal } = draw("bench", "grain", scale)
    const size = { width: Math.ceil(width / scale), height: Math.ceil(height / scale), channels: 1 as const }
    const data = Uint8Array.from({ length: size.width * size.height }, () =>
      Math.max(0, Math.min(255, Math.round(128 + deviation * normal())))
    )
    return sharp(data, { raw: size })
      .resize({ width, height, fit: "fill" })
      .toColourspace("b-w")
      .raw({ depth: "uchar" })
      .toBuffer()
  }
  const [fine, coarse] = [await of(1.5, 28), await of(6, 28)]
  const data = Buffer.from(fine.map((value, i) => Math.max(0, Math.min(255, value + elementAt(coarse, i) - 128))))
  return { data, raw: { width, height, channels: 1 } }
}

const makePhoto = async (
  from: string,
  to: string,
  { data, raw }: Awaited<ReturnType<typeof grain>>,
  index: number
): Promise<void> => {
  const { height, quality, width } = large
  const part = { left: index % shift, top: (7 * index) % shift, width, height }
  const input = await sharp(data, { raw }).extract(part).toColourspace("b-w").raw().toBuffer()
  await sharp(from)
    .resize({ width, height, fit: "fill", kernel: "cubic" })
    // Paper white is left as it is, as in a studio's photos.
    .composite([{ input, raw: { width, height, channels: 1 }, blend: "overlay" }])
    .removeAlpha()
    .jpeg({ quality })
    .toFile(to)
}

/**
 * Makes a folder of large JPEGs out of a catalogue's small ones, unless it is there: the first `large.count` by name,
 * enlarged, with grain. The same photos give the same pictures.
 */
export const makeLargePhotos = Effect.fn("bench.makeLargePhotos")(function* (folder: string, from: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (yield* files.exists(folder)) return
  const names = (yield* files.readDirectory(from)).sort().slice(0, large.count)
  // Under another name until all are there: a bench that is stopped leaves no half of them.
  const unfinished = `${folder}.unfinished`
  yield* files.remove(unfinished, { recursive: true, force: true })
  yield* files.makeDirectory(unfinished, { recursive: true })
  const noise = yield* Effect.promise(grain)
  yield* Effect.forEach(
    names,
    (name, index) => Effect.promise(() => makePhoto(path.join(from, name), path.join(unfinished, name), noise, index)),
    { concurrency: 2, discard: true }
  )
  yield* files.rename(unfinished, folder)
})
