import { Effect, Layer, Semaphore } from "effect"
import { createHash } from "node:crypto"
import sharp from "sharp"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { changed, ImageRefused, Images, outside } from "../../pipeline/Images.ts"
import type { Expected, ImageFault } from "../../pipeline/Images.ts"
import { formatOf } from "../../pipeline/imageFormat.ts"
import { decodeJpeg } from "./feed/jpeg/decodeJpeg.ts"
import { OutsideError, readInside } from "./readInside.ts"
import { checkAsSpelled } from "./files/checkAsSpelled.ts"

const readable = "JPEG, PNG, WebP, GIF, TIFF and AVIF can be read"

const messageOf = (cause: unknown): string =>
  // libvips writes a line for each layer that failed; the first names the cause, once the search for a header is over.
  (cause instanceof Error ? cause.message : String(cause))
    .replace(/^Input \w+ has corrupt header: /, "")
    .split("\n")
    .find((line) => !line.includes("bad seek")) ?? ""

const background = (config: ImageConfig) => ({
  r: config.background[0],
  g: config.background[1],
  b: config.background[2]
})

/**
 * `failOn: "error"` refuses what is cut short in any format, and data that a decoder cannot make sense of. "truncated"
 * would let a broken TIFF pass, "warning" would refuse good JPEGs with a few stray bytes between two segments.
 * `pages: 1` takes the first frame of an animation.
 */
const open = (bytes: Uint8Array, config: ImageConfig) =>
  sharp(bytes, { failOn: "error", limitInputPixels: config.maxPixels, autoOrient: true, pages: 1 })

/**
 * sharp paints a coloured background behind a greyscale file as grey, unless the file is made sRGB at once; that is done
 * where it is needed only, since large JPEGs can then no longer be decoded at a fraction of their size.
 */
const decode = (bytes: Uint8Array, config: ImageConfig) => {
  const [r, g, b] = config.background
  return r === g && g === b ? open(bytes, config) : open(bytes, config).pipelineColourspace("srgb")
}

const render = (bytes: Uint8Array, config: ImageConfig) =>
  decode(bytes, config)
    .flatten({ background: background(config) })
    .resize({
      width: config.width,
      height: config.height,
      fit: config.fit,
      kernel: "cubic",
      background: background(config)
    })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer()

/** The bytes of the file that is expected, or why they cannot be had. */
const read = (path: string, { digest, within }: Expected = {}): Effect.Effect<Uint8Array, ImageRefused> =>
  Effect.tryPromise({
    try: () => readInside(path, within),
    catch: (cause) => {
      if (cause instanceof OutsideError) return outside(path)
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
      const [reason, detail]: [ImageFault, string] =
        code === "ENOENT" || code === "ENOTDIR"
          ? ["imageMissing", "there is no such file"]
          : code === "EISDIR"
            ? ["imageUnreadable", "it is a folder, not a file"]
            : code === "ERR_FS_FILE_TOO_LARGE"
              ? ["imageTooLarge", "the file has more than 2 GiB"]
              : ["imageUnreadable", `the file cannot be read (${code || messageOf(cause)})`]
      return new ImageRefused({ path, reason, detail })
    }
  }).pipe(
    Effect.filterOrFail(
      // An empty file is refused as one: that says more.
      (bytes) => digest === undefined || bytes.length === 0 || digestOf(bytes) === digest,
      () => changed(path)
    )
  )

/** SHA-256, in hex. */
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Refuses bytes that are no image at all, before any decoder sees them. */
const recognise = (path: string, bytes: Uint8Array): Effect.Effect<void, ImageRefused> =>
  bytes.length === 0
    ? Effect.fail(new ImageRefused({ path, reason: "imageEmpty", detail: "the file has no bytes" }))
    : formatOf(bytes) === undefined
      ? Effect.fail(new ImageRefused({ path, reason: "notAnImage", detail: `it is no image file; ${readable}` }))
      : Effect.void

/** Why sharp refused bytes that begin like an image. */
const explain = Effect.fnUntraced(function* (path: string, bytes: Uint8Array, config: ImageConfig, message: string) {
  if (message.includes("exceeds pixel limit")) {
    const { width, height } = yield* Effect.tryPromise(() => sharp(bytes, { limitInputPixels: false }).metadata()).pipe(
      Effect.orElseSucceed(() => ({ width: 0, height: 0 }))
    )
    const detail = `it has ${width} x ${height} = ${width * height} pixels; image.maxPixels allows ${config.maxPixels}`
    return new ImageRefused({ path, reason: "imageTooLarge", detail })
  }
  // A phone's HEIC: the container is known, its compression (HEVC) is not among sharp's.
  if (formatOf(bytes) === "heif" && /^he[iv][csx]$/.test(String.fromCharCode(...bytes.subarray(8, 12))))
    return new ImageRefused({ path, reason: "notAnImage", detail: `it is a HEIC file; ${readable}` })
  const detail =
    message === "" || message === "Unknown error" || message.includes("unsupported image format")
      ? `it begins like a ${formatOf(bytes)} file and cannot be decoded`
      : `it cannot be decoded: ${message}`
  return new ImageRefused({ path, reason: "imageCorrupt", detail })
})

/** Reads the file once, decodes it once. */
export const load = Effect.fnUntraced(function* (path: string, config: ImageConfig, expected?: Expected) {
  const bytes = yield* read(path, expected)
  // A JPEG with stray bytes behind its first marker is left to sharp; SVG must not reach it.
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) yield* recognise(path, bytes)
  const data = yield* Effect.tryPromise({ try: () => render(bytes, config), catch: messageOf }).pipe(
    Effect.catch((message) =>
      Effect.gen(function* () {
        yield* recognise(path, bytes)
        return yield* yield* explain(path, bytes, config, message)
      })
    )
  )
  return { height: config.height, width: config.width, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
})

/** Up to here, an image is decoded to memory as it is (12 MB), which is the quickest way to see that it can be. */
const smallImage = 2 ** 22

/** Decodes every row and keeps nothing; a large image is shrunk on the way, a strip at a time. */
const decodeWhole = (bytes: Uint8Array, pixels: number, config: ImageConfig) => {
  const image = open(bytes, config)
  return (pixels <= smallImage ? image : image.resize({ width: 8, height: 8, fit: "fill" })).raw().toBuffer()
}

/** Up to here, decoding a plain JPEG here and now is quicker than handing it to another thread. */
const quick = { height: 256, width: 256 }

/** Reads the file once, decodes it once. */
const check = Effect.fnUntraced(function* (path: string, config: ImageConfig, expected?: Expected) {
  const bytes = yield* read(path, expected)
  yield* recognise(path, bytes)
  const digest = digestOf(bytes)
  const plain = decodeJpeg(bytes, quick, config.maxPixels)
  if (plain !== undefined) return { ...plain.facts, format: "jpeg", digest }
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: messageOf }).pipe(
      Effect.catch((message) => Effect.flatMap(explain(path, bytes, config, message), Effect.fail))
    )
  const facts = yield* attempt(() => open(bytes, config).metadata())
  yield* attempt(() => decodeWhole(bytes, facts.width * facts.height, config))
  return {
    ...facts.autoOrient,
    channels: (facts.space === "b-w" || facts.space === "grey16" ? 1 : 3) + (facts.hasAlpha ? 1 : 0),
    format: facts.format,
    digest
  }
})

/** What is set for the whole process, and in each thread that uses sharp. */
export const setUp = (): void => {
  sharp.cache(false)
  sharp.concurrency(1)
  // `load` names a file without looking into it. Drawing SVG from memory is not affected.
  sharp.block({ operation: ["VipsForeignLoadSvgFile"] })
}

/**
 * Images with sharp (libvips): sRGB by the embedded profile, alpha flattened on the background, upright by EXIF,
 * bicubic (antialiased when it shrinks). JPEG, PNG, WebP, GIF, TIFF and AVIF; SVG is refused, since it is a program that
 * can name other files. A 16-bit file with a colour profile
 * keeps libvips's working profile (P3): its saturated colours come out tens of levels off.
 *
 * sharp's settings are the process's own: no cache (each file is read once an epoch), and one thread for each image,
 * since many images are in flight.
 */
export const layer: Layer.Layer<Images> = Layer.sync(Images, () => {
  setUp()
  // A check holds the whole file in memory, and a large file is not to be there 64 times.
  const held = Semaphore.makeUnsafe(8)
  return {
    load,
    check: checkAsSpelled((path, config, expected) => held.withPermit(check(path, config, expected)))
  }
})
