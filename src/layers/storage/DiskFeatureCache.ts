import { Clock, Effect, Layer, Semaphore } from "effect"
import { mkdir, readdir, utimes } from "node:fs/promises"
import { join } from "node:path"
import { FeatureCache, FeatureCacheError } from "../../model/FeatureCache.ts"
import type { FeatureSpace } from "../../model/FeatureSpace.ts"
import { fileError } from "./atomicWrite.ts"
import { evict, extension } from "./featureCache/evict.ts"
import type { Row } from "./featureCache/frame.ts"
import { encodeFrame, frameSize } from "./featureCache/frame.ts"
import type { Place, Wanted } from "./featureCache/segment.ts"
import { append, create, readRows, scan } from "./featureCache/segment.ts"
import type { FeatureCacheSettings } from "./featureCache/settings.ts"
import { featureBytes, featureFolder } from "./featureCache/settings.ts"

/** A segment's last use is noted at most so often, in milliseconds. */
const noteEvery = 60_000

/** A frame is made in memory before it is written. */
const largestFrame = 16e6

/** Segments that this process has made, in any cache: two may lie in one folder. */
let counted = 0

/** A space as this process knows it. */
interface Known {
  readonly index: Map<string, Place>
  /** How far each segment was searched. */
  readonly searched: Map<string, number>
  readonly notedAt: Map<string, number>
  /** The segment that this process writes to. */
  own: { readonly name: string; size: number } | undefined
}

const attempt = <A>(path: string, action: () => Promise<A>) =>
  Effect.tryPromise({ try: action, catch: (cause) => fileError(path, cause) })

const isMissing = ({ reason }: { readonly reason: string }) => reason === "missing"

/**
 * The cache as files: a folder for each space, in it segments that each have one writer and any number of readers.
 *
 * A segment only grows, by whole frames; what a killed process left half written is no frame, and is not read. Readers
 * look for new frames whenever a key is missing. Nothing is locked.
 */
export const make = ({ bytes, folder }: FeatureCacheSettings): FeatureCache["Service"] => {
  const largestSegment = Math.floor(bytes / 64)
  const spaces = new Map<string, Known>()
  const turn = Semaphore.makeUnsafe(1)
  const folderOf = ({ digest }: FeatureSpace) => join(folder, digest)
  const failure = Effect.mapError((error: ReturnType<typeof fileError>) => {
    const { detail, path, reason } = error
    return new FeatureCacheError({ path, reason: reason === "missing" ? "failed" : reason, detail })
  })

  const known = ({ digest }: FeatureSpace): Known => {
    const there = spaces.get(digest) ?? { index: new Map(), searched: new Map(), notedAt: new Map(), own: undefined }
    spaces.set(digest, there)
    return there
  }

  /** Learns what was added to a segment. */
  const learn = Effect.fnUntraced(function* (space: FeatureSpace, segment: string) {
    const { index, searched } = known(space)
    const path = join(folderOf(space), segment)
    const found = (key: string, at: number, checksum: number) => void index.set(key, { segment, at, checksum })
    searched.set(segment, yield* attempt(path, () => scan(path, space, searched.get(segment) ?? 0, found)))
  })

  /** Learns what all processes have added. */
  const look = Effect.fn("FeatureCache.look")(function* (space: FeatureSpace) {
    const names = yield* attempt(folderOf(space), () => readdir(folderOf(space))).pipe(
      Effect.catchIf(isMissing, () => Effect.succeed([] as ReadonlyArray<string>)) // nothing was written yet
    )
    for (const name of names.filter((name) => name.endsWith(extension)))
      // Another process may have just removed it.
      yield* Effect.catchIf(learn(space, name), isMissing, () => Effect.void)
  })

  /** Notes that a segment is used, so that it is not the next to go. */
  const note = Effect.fnUntraced(function* (space: FeatureSpace, segment: string) {
    const { notedAt } = known(space)
    const now = yield* Clock.currentTimeMillis
    if (now - (notedAt.get(segment) ?? -Infinity) < noteEvery) return
    notedAt.set(segment, now)
    const path = join(folderOf(space), segment)
    yield* Effect.ignore(attempt(path, () => utimes(path, now / 1000, now / 1000)))
  })

  const read = Effect.fn("FeatureCache.read")(function* (space: FeatureSpace, keys: ReadonlyArray<string>) {
    const { index } = known(space)
    if (keys.some((key) => !index.has(key))) yield* turn.withPermits(1)(look(space))
    const rowSize = space.length * 4
    const features = new Float32Array(keys.length * space.length)
    const missing: Array<number> = []
    const bySegment = new Map<string, Array<Wanted>>()
    for (const [row, key] of keys.entries()) {
      const place = index.get(key)
      if (place === undefined) {
        missing.push(row)
        continue
      }
      const wanted = bySegment.get(place.segment) ?? []
      bySegment.set(place.segment, wanted)
      wanted.push({ ...place, row })
    }
    const readSegment = Effect.fnUntraced(function* (segment: string, wanted: ReadonlyArray<Wanted>) {
      const path = join(folderOf(space), segment)
      const lost = yield* attempt(path, () => readRows(path, wanted, new Uint8Array(features.buffer), rowSize)).pipe(
        Effect.catchIf(isMissing, () => Effect.succeed(wanted))
      )
      for (const { row } of lost) {
        index.delete(keys[row]!) // a row is a position among the keys
        missing.push(row)
      }
      yield* note(space, segment)
    })
    yield* Effect.forEach(bySegment, ([segment, wanted]) => readSegment(segment, wanted), {
      concurrency: 4,
      discard: true
    })
    return { features, missing: missing.sort((a, b) => a - b) }
  }, failure)

  /** Makes this process's next segment of a space, and room for it. */
  const begin = Effect.fnUntraced(function* (space: FeatureSpace) {
    yield* attempt(folder, () => evict(folder, bytes - largestSegment))
    yield* attempt(folderOf(space), () => mkdir(folderOf(space), { recursive: true }))
    const now = yield* Clock.currentTimeMillis
    const name = `${now.toString(36)}-${process.pid}-${counted++}${extension}`
    yield* attempt(join(folderOf(space), name), () => create(join(folderOf(space), name)))
    return { name, size: 0 }
  })

  const writeFrame = Effect.fnUntraced(
    function* (space: FeatureSpace, rows: ReadonlyArray<Row>) {
      const state = known(space)
      const frame = encodeFrame(space, rows)
      const isFull = state.own !== undefined && state.own.size + frame.length > largestSegment
      const own = state.own === undefined || isFull ? yield* begin(space) : state.own
      // Until the frame is whole the segment is nobody's: after a failure no other frame may follow the torn one.
      state.own = undefined
      const path = join(folderOf(space), own.name)
      yield* attempt(path, () => append(path, frame, own.size))
      yield* learn(space, own.name)
      state.own = { name: own.name, size: own.size + frame.length }
    },
    // Another process may have removed the segment, or the folder before there was a segment in it.
    Effect.retry({ while: isMissing, times: 2 })
  )

  const write = Effect.fn("FeatureCache.write")(
    function* (space: FeatureSpace, keys: ReadonlyArray<string>, features: Float32Array) {
      const { index } = known(space)
      const rows = keys.flatMap((key, i): ReadonlyArray<Row> =>
        index.has(key) ? [] : [{ key, features: features.subarray(i * space.length, (i + 1) * space.length) }]
      )
      const perFrame = Math.max(1, Math.floor(Math.min(largestFrame, largestSegment) / frameSize(1, space)))
      for (let at = 0; at < rows.length; at += perFrame) yield* writeFrame(space, rows.slice(at, at + perFrame))
    },
    turn.withPermits(1),
    Effect.uninterruptible,
    failure
  )

  return { read, write }
}

/** Features on disk; see `make`. */
export const layer = (settings: Partial<FeatureCacheSettings> = {}) =>
  Layer.sync(FeatureCache, () => make({ folder: featureFolder(), bytes: featureBytes(), ...settings }))
