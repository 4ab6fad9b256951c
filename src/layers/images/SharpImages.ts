import { Clock, Effect, Layer, Semaphore } from "effect"
import sharp from "sharp"
import type { FailOnOptions, Metadata, Sharp } from "sharp"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { fingerprint } from "../../pipeline/fingerprint.ts"
import type { ImageFormat } from "../../pipeline/imageFormat.ts"
import { formatOf } from "../../pipeline/imageFormat.ts"
import { changed, ImageRefused, Images } from "../../pipeline/Images.ts"
import type { Expected, ImageFault } from "../../pipeline/Images.ts"
import { usualKernel } from "../../pipeline/resizeKernel.ts"
import type { Pixels } from "../../pipeline/Pixels.ts"
import type { Found } from "./Checks.ts"
import { Checks, isSameState, isSettled } from "./Checks.ts"
import { checkAsSpelled } from "./files/checkAsSpelled.ts"
import { damageOf } from "./damage.ts"
import { digestOf, isChanged } from "./digest.ts"
import { withKey } from "../../pipeline/withKey.ts"
import { decoders } from "./decoders.ts"
import * as DiskImageBytes from "./DiskImageBytes.ts"
import { statInside } from "./DiskImageBytes.ts"
import { decodeSmallJpeg, turbo } from "./decodeSmallJpeg.ts"
import type { PlainJpeg } from "./plainJpeg.ts"
import { plainJpeg } from "./plainJpeg.ts"
import { tiffTag } from "./tiffTags.ts"

const readable = "JPEG, PNG, WebP, GIF, TIFF and AVIF can be read"

/** What a file's header says. */
interface Header {
  /** After the EXIF orientation. */
  readonly height: number
  readonly width: number
  readonly isUpright: boolean
  /** Of one colour channel: `uchar`, `ushort`, `float` and so on. */
  readonly depth: string
  readonly space: string
  readonly hasAlpha: boolean
  readonly hasProfile: boolean
  readonly format: string
}

const headerOfPlain = ({ channels, height, width }: PlainJpeg): Header => ({
  height,
  width,
  isUpright: true,
  depth: "uchar",
  space: channels === 1 ? "b-w" : "srgb",
  hasAlpha: false,
  hasProfile: false,
  format: "jpeg"
})

const headerFrom = ({ autoOrient, depth, format, hasAlpha, hasProfile, orientation, space }: Metadata): Header => ({
  ...autoOrient,
  isUpright: (orientation ?? 1) === 1,
  depth,
  space,
  hasAlpha,
  hasProfile,
  format
})

const isGrey = ({ space }: Header) => space === "b-w" || space === "grey16"

type Refuse = (reason: ImageFault, detail: string) => ImageRefused

/** Why bytes that begin like an image cannot be decoded: from the bytes alone, the same on every run. */
const corrupt = (refuse: Refuse, format: ImageFormat, bytes: Uint8Array): ImageRefused => {
  const damage = format === "jpeg" ? turbo.complaint(bytes) : damageOf(format, bytes)
  return refuse(
    "imageCorrupt",
    damage === undefined || damage === "" || damage === "No error"
      ? `it begins like a ${format} file and cannot be decoded`
      : `it cannot be decoded: ${damage}`
  )
}

/** Which kind of image this is; refuses bytes that are none, before any decoder sees them. */
const recognise = (refuse: Refuse, bytes: Uint8Array): Effect.Effect<ImageFormat, ImageRefused> => {
  if (bytes.length === 0) return Effect.fail(refuse("imageEmpty", "the file has no bytes"))
  const format = formatOf(bytes)
  if (format === undefined) return Effect.fail(refuse("notAnImage", `it is no image file; ${readable}`))
  // A phone's HEIC: the container is known, its compression (HEVC) is not among sharp's.
  return format === "heif" && /^he[iv][csx]$/.test(String.fromCharCode(...bytes.subarray(8, 12)))
    ? Effect.fail(refuse("notAnImage", `it is a HEIC file; ${readable}`))
    : Effect.succeed(format)
}

const depths: Readonly<Record<string, string>> = {
  char: "signed 8-bit numbers",
  short: "signed 16-bit numbers",
  int: "signed 32-bit numbers",
  uint: "32-bit numbers",
  float: "floating-point numbers",
  double: "floating-point numbers",
  complex: "complex numbers",
  dpcomplex: "complex numbers"
}

/** TIFF's colour spaces (PhotometricInterpretation) that libvips converts to sRGB; others it takes for RGB or refuses. */
const photometrics: ReadonlyArray<number | undefined> = [0, 1, 2, 3, 5, 6, undefined]

/** Why a whole file is refused all the same: no pixels can be told from it that all programs would agree on. */
const unsupported = (bytes: Uint8Array, { depth, format, space }: Pick<Header, "depth" | "format" | "space">) => {
  if (format === "tiff") {
    const photometric = tiffTag(bytes, 262)
    // 6 is YCbCr, which is converted only where JPEG (7) does it.
    if (!photometrics.includes(photometric) || (photometric === 6 && tiffTag(bytes, 259) !== 7))
      return `its colour space (TIFF's PhotometricInterpretation ${photometric}) is not supported; save it as RGB`
  }
  if (depth !== "uchar" && depth !== "ushort")
    return `its samples are ${depths[depth] ?? depth}, of which nothing says what is white; save it with 8 or 16 bits`
  return ["srgb", "b-w", "rgb16", "grey16", "cmyk"].includes(space)
    ? undefined
    : `its colour space (${space}) is not supported; save it as RGB`
}

/** A file's header; refuses what is too large, or would give pixels that are not those of the picture. */
const readHeader = Effect.fnUntraced(function* (
  refuse: Refuse,
  format: ImageFormat,
  bytes: Uint8Array,
  config: ImageConfig
) {
  const plain = format === "jpeg" ? plainJpeg(bytes) : undefined
  // A colour space that libvips does not even open is told here.
  const early = format === "tiff" ? unsupported(bytes, { depth: "uchar", format, space: "srgb" }) : undefined
  if (early !== undefined) return yield* refuse("imageUnsupported", early)
  const header =
    plain !== undefined
      ? headerOfPlain(plain)
      : headerFrom(
          yield* Effect.tryPromise({
            try: () => sharp(bytes, { limitInputPixels: false, pages: 1, autoOrient: true }).metadata(),
            catch: () => corrupt(refuse, format, bytes)
          })
        )
  const { height, width } = header
  if (height * width > config.maxPixels) {
    const detail = `it has ${width} x ${height} = ${width * height} pixels; image.maxPixels allows ${config.maxPixels}`
    return yield* refuse("imageTooLarge", detail)
  }
  const why = unsupported(bytes, header)
  if (why !== undefined) return yield* refuse("imageUnsupported", why)
  return header
})

/**
 * How strict sharp is. "warning" refuses a JPEG at libjpeg's first warning, "error" what is cut short in any format, and
 * data that a decoder cannot make sense of. ("truncated" would let a broken TIFF pass.)
 */
type FailOn = Extract<FailOnOptions, "warning" | "error">

/** `pages: 1` takes the first frame of an animation. */
const open = (bytes: Uint8Array, failOn: FailOn, config: ImageConfig) =>
  sharp(bytes, { failOn, limitInputPixels: config.maxPixels, autoOrient: true, pages: 1 })

/**
 * Warnings of libjpeg after which the pixels are whole all the same: stray bytes, odd version numbers. Arithmetic coding
 * is not in every build of it, and is left to sharp's.
 */
const harmless = [
  /^Sorry, arithmetic coding is not implemented/,
  /^Corrupt JPEG data: \d+ extraneous bytes before marker/,
  /^Warning: unknown JFIF revision/,
  /^Unknown Adobe color transform/
]

/** Whether libjpeg finds that a JPEG's picture is not all there. */
const isDamaged = (bytes: Uint8Array): boolean => {
  const complaint = turbo.complaint(bytes)
  return complaint !== undefined && !harmless.some((warning) => warning.test(complaint))
}

/**
 * Has sharp decode.
 *
 * Of a JPEG's scan that ends early, libjpeg only warns, and the rest of the picture would be grey. libvips looks for
 * warnings before each eight rows, so that it never sees those of the last ones, and refuses harmless ones too. Hence
 * `exactly` asks libjpeg itself, which costs about as much as decoding; otherwise it is asked where sharp was warned.
 * What passes the first passes the second at any size.
 */
const decode = <A>(
  refuse: Refuse,
  format: ImageFormat,
  bytes: Uint8Array,
  exactly: boolean,
  run: (failOn: FailOn) => Promise<A>
): Effect.Effect<A, ImageRefused> => {
  const failed = Effect.suspend(() => Effect.fail(corrupt(refuse, format, bytes)))
  const attempt = (failOn: FailOn) => Effect.tryPromise({ try: () => run(failOn), catch: () => failOn })
  const strictly = attempt("error").pipe(Effect.catch(() => failed))
  if (format !== "jpeg") return strictly
  const asked = Effect.suspend(() => (isDamaged(bytes) ? failed : strictly))
  return exactly ? asked : attempt("warning").pipe(Effect.catch(() => asked))
}

/** Whether sharp makes a side longer. */
const isEnlarged = ({ height, width }: Header, config: ImageConfig): boolean => {
  const [down, across] = [config.height / height, config.width / width]
  return (config.fit === "contain" ? Math.min(down, across) : Math.max(down, across)) > 1
}

/**
 * sRGB by the embedded profile, alpha on the background, upright, at the configured size.
 *
 * - sharp brings 16-bit pixels with a profile to Display P3 and gives that out as sRGB (0.35.5): they are made 8-bit
 *   first, and then brought to sRGB, as 8-bit ones are.
 * - It paints a coloured background behind a greyscale file as grey, unless the file is made sRGB first; one with a
 *   profile is made so by that.
 * - It turns after it has enlarged, which libvips does with half a pixel to the right and down: a turned file's pixels
 *   would then lie elsewhere than an upright one's. `extract` has it turned first; shrinking has no such offset, and
 *   large JPEGs are decoded at a fraction of their size.
 */
const render = (image: Sharp, header: Header, config: ImageConfig): Promise<Buffer> => {
  const { kernel } = config
  const [r, g, b] = config.background
  const background = { r, g, b }
  const { height, width } = header
  const isWide = header.depth === "ushort"
  if (isGrey(header) && header.hasProfile) {
    if (isWide) image.pipelineColourspace("b-w")
  } else if (isWide || (isGrey(header) && !(r === g && g === b))) image.pipelineColourspace("srgb")
  if (!header.isUpright && isEnlarged(header, config)) image.extract({ left: 0, top: 0, width, height })
  return image
    .flatten({ background })
    .resize({ width: config.width, height: config.height, fit: config.fit, kernel: kernel ?? usualKernel, background })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer()
}

const pixelsOf = (data: Buffer, { height, width }: ImageConfig): Pixels => ({
  height,
  width,
  data: new Uint8Array(data.buffer, data.byteOffset, data.length)
})

/**
 * Whether `load` asks exactly if a JPEG is whole, which takes some milliseconds. Of a larger one, up to eight rows of what
 * it is first shrunk to, to an eighth at most, may be missing at the bottom; in a catalogue, `check` has refused it.
 */
const isCheap = ({ height, width }: Header) => height * width <= 2 ** 20 || Math.min(height, width) <= 1024

/** A file's bytes as pixels of the configured size. */
export const loadBytes = Effect.fnUntraced(function* (path: string, bytes: Uint8Array, config: ImageConfig) {
  const small = decodeSmallJpeg(bytes, config)
  if (small !== undefined) {
    const { data, height, width } = small
    if (height === config.height && width === config.width) return small
    const raw = { height, width, channels: 3 as const }
    const header = headerOfPlain(raw)
    return pixelsOf(yield* Effect.promise(() => render(sharp(data, { raw }), header, config)), config)
  }
  const refuse: Refuse = (reason, detail) => new ImageRefused({ path, reason, detail })
  const format = yield* recognise(refuse, bytes)
  const header = yield* readHeader(refuse, format, bytes, config)
  const data = yield* decode(refuse, format, bytes, isCheap(header), (failOn) =>
    render(open(bytes, failOn, config), header, config)
  )
  return pixelsOf(data, config)
})

/** Up to here, an image is decoded to memory as it is (12 MB), which is the quickest way to see that it can be. */
const smallImage = 2 ** 22

/** Up to here, decoding a plain JPEG here and now is quicker than handing it to another thread. */
const quick = { height: 256, width: 256, fit: "fill", kernel: usualKernel } as const

/** What a large image is shrunk to: four pixels and more for each cell of a fingerprint. */
const shrunk = { width: 68, height: 64, fit: "fill" } as const

/** Decodes every row, and keeps what the picture looks like; a large image is shrunk on the way, a strip at a time. */
const decodeWhole = async (image: Sharp, { hasAlpha, height, width }: Header): Promise<string> => {
  const { data, info } = await (height * width <= smallImage ? image : image.resize(shrunk))
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
  const { channels, height: rows, width: columns } = info
  // CMYK has four channels without alpha: the first three, of ink, say as well where it gets lighter.
  return fingerprint({ data, height: rows, width: columns, channels: channels === 2 && !hasAlpha ? 1 : channels })
}

/** Whether what a check has found before may be used by this configuration, too. */
const isAllowed = ({ height, width }: Found, config: ImageConfig) => height * width <= config.maxPixels

/** Decodes a file's bytes once, unless such bytes were checked before, and says what they are. */
const checkBytes = Effect.fnUntraced(function* (path: string, bytes: Uint8Array, config: ImageConfig) {
  const digest = digestOf(bytes)
  const known = (yield* Checks).ofContent(digest)
  if (known !== undefined && isAllowed(known, config)) return known
  const refuse: Refuse = (reason, detail) => new ImageRefused({ path, reason, detail })
  const format = yield* recognise(refuse, bytes)
  const header = yield* readHeader(refuse, format, bytes, config)
  const small = decodeSmallJpeg(bytes, { ...config, ...quick })
  const look =
    small === undefined
      ? yield* decode(refuse, format, bytes, true, (failOn) => decodeWhole(open(bytes, failOn, config), header))
      : fingerprint({ ...small, channels: 3 })
  return {
    height: header.height,
    width: header.width,
    channels: (isGrey(header) ? 1 : 3) + (header.hasAlpha ? 1 : 0),
    format: header.format,
    digest,
    fingerprint: look
  }
})

type Check = Images["Service"]["check"]

/** Checks a file that is as it was when it was checked before without reading it. Of what is found, all is kept. */
const checkOnce =
  (check: Check, checks: Checks, isOnDisk: (path: string) => boolean): Check =>
  (path, config, expected = {}) =>
    Effect.gen(function* () {
      const look = () => (isOnDisk(path) ? statInside(path, expected.within) : undefined)
      const before = look()
      const known = before === undefined ? undefined : checks.ofFile(before)
      if (
        known !== undefined &&
        before !== undefined &&
        before.size <= mostBytes(config) &&
        isAllowed(known, config) &&
        (expected.digest === undefined || expected.digest === known.digest)
      )
        return known
      const now = yield* Clock.currentTimeMillis
      const found = yield* check(path, config, expected)
      const after = before === undefined ? undefined : look()
      const isSame = before !== undefined && after !== undefined && isSameState(before, after)
      if (before === undefined || (isSame && isSettled(before, now))) checks.keep(found, before)
      else if (checks.ofContent(found.digest) === undefined) checks.keep(found, undefined)
      return found
    })

/** What is set for the whole process, and in each thread that uses sharp. */
export const setUp = (): void => {
  sharp.cache(false)
  sharp.concurrency(1)
}

/** A file's whole bytes are in memory while it is decoded, and large files are not to be there 64 times. */
const mostHeld = 8

/**
 * Images with sharp (libvips) from the context's `ImageBytes`: sRGB by the embedded profile, alpha on the background,
 * upright by EXIF, resized by the configured kernel (antialiased when it shrinks). JPEG, PNG, WebP, GIF, TIFF and AVIF of 8 to 16 bits; SVG is
 * refused, since it is a program that can name other files.
 *
 * sharp is given bytes and never a path: libvips maps files into memory, and a file that another program cuts short would
 * end the process (SIGBUS); and it takes a name that ends with `[...]` for options.
 *
 * sharp's settings are the process's own: no cache (each file is read once an epoch), and one thread for each image,
 * since many images are in flight.
 */
export const layerFromBytes: Layer.Layer<Images, never, ImageBytes> = Layer.effect(
  Images,
  Effect.gen(function* () {
    const bytes = yield* ImageBytes
    setUp()
    const held = Semaphore.makeUnsafe(mostHeld)
    const withBytes =
      <A>(use: (path: string, bytes: Uint8Array, config: ImageConfig) => Effect.Effect<A, ImageRefused>) =>
      (path: string, config: ImageConfig, { digest, urls, within }: Expected = {}) =>
        bytes.read(path, mostBytes(config), within, urls).pipe(
          Effect.filterOrFail(
            (read) => !isChanged(read, digest),
            () => new ImageRefused({ path, ...changed })
          ),
          Effect.flatMap((read) => use(path, read, config)),
          Semaphore.withPermit(held)
        )
    const checks = yield* Checks
    const check = checkOnce(
      withBytes((path, read, config) => Effect.provideService(checkBytes(path, read, config), Checks, checks)),
      checks,
      bytes.isOnDisk
    )
    return withKey({ load: withBytes(loadBytes), check: checkAsSpelled(check, bytes.isOnDisk), bytes }, decoders)
  })
)

/** `layerFromBytes` on files of the disk. */
export const layer: Layer.Layer<Images> = Layer.provide(layerFromBytes, DiskImageBytes.layer)
