import { Context, Effect, Layer, Schema, Semaphore } from "effect"
import { CheckpointRefused, decodeBest, decodeCheckpoint, encodeBest, encodeCheckpoint } from "./Checkpoint.ts"
import type { BestWeights, Checkpoint } from "./Checkpoint.ts"

/** A file that is not used, and why; `detail` is for people. */
export interface PassedOver {
  readonly file: string
  readonly reason: CheckpointRefused["reason"]
  readonly detail: string
}

/** The place where a run's state is kept while it trains. */
export class Checkpoints extends Context.Service<
  Checkpoints,
  {
    /**
     * Writes a checkpoint, and then removes all but the last ones. Returns its file's name.
     *
     * Afterwards it is there completely or not at all; a failure leaves the earlier ones as they were. The best weights
     * that it refers to must be saved first.
     */
    readonly save: (checkpoint: Checkpoint) => Effect.Effect<string, CheckpointError>
    /** Writes the best weights so far, in place of the earlier ones. */
    readonly saveBest: (best: BestWeights) => Effect.Effect<string, CheckpointError>
    /**
     * The newest checkpoint that is whole and of this run, and the newer ones that are not. `former` are the digests that
     * the run had before it was trained longer.
     */
    readonly latest: (
      digest: string,
      former?: ReadonlyArray<string>
    ) => Effect.Effect<
      { readonly checkpoint: Checkpoint | undefined; readonly passedOver: ReadonlyArray<PassedOver> },
      CheckpointError
    >
    /** The best weights, if they are whole and of this run; `former` as in `latest`. */
    readonly best: (
      digest: string,
      former?: ReadonlyArray<string>
    ) => Effect.Effect<
      { readonly best: BestWeights | undefined; readonly passedOver: ReadonlyArray<PassedOver> },
      CheckpointError
    >
  }
>()("weft/model/Checkpoints") {
  /** Checkpoints in memory, as the bytes of their files; the last `keep` stay. */
  static readonly layerMemory = (keep: number, files = new Map<string, Uint8Array>()) =>
    Layer.succeed(
      Checkpoints,
      make(
        {
          list: Effect.sync(() => [...files.keys()]),
          read: (name) => Effect.sync(() => files.get(name)),
          write: (name, bytes) => Effect.sync(() => void files.set(name, bytes)),
          remove: (name) => Effect.sync(() => void files.delete(name))
        },
        keep
      )
    )
}

/** A checkpoint could not be written or read: where, why, and what to do. */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  path: Schema.String,
  reason: Schema.Literals(["diskFull", "notPermitted", "failed"]),
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** A place for files: a folder, or a map in memory. */
export interface CheckpointFiles {
  readonly list: Effect.Effect<ReadonlyArray<string>, CheckpointError>
  /** Nothing where there is no such file. */
  readonly read: (name: string) => Effect.Effect<Uint8Array | undefined, CheckpointError>
  /** Atomic: afterwards the file is the old one or the new one, whatever happens. */
  readonly write: (name: string, bytes: Uint8Array) => Effect.Effect<void, CheckpointError>
  readonly remove: (name: string) => Effect.Effect<void, CheckpointError>
}

const bestFile = "best.safetensors"
const fileOf = (step: number) => `step-${String(step).padStart(8, "0")}.safetensors`

/** The step of a checkpoint's file; -1 of any other file. */
const stepOf = (file: string) => Number(/^step-(\d{8,})\.safetensors$/.exec(file)?.[1] ?? -1)

const newestFirst = (a: string, b: string) => stepOf(b) - stepOf(a)

/** The names of checkpoints among those of files, the newest first. */
export const checkpointsAmong = (files: ReadonlyArray<string>): Array<string> =>
  files.filter((file) => stepOf(file) >= 0).sort(newestFirst)

/** The rules of checkpoints over any place for files; the last `keep` checkpoints stay, and the best weights. */
export const make = (files: CheckpointFiles, keep: number): Checkpoints["Service"] => {
  // One operation at a time: a save removes old files, which must not be in use by another operation.
  const lock = Semaphore.makeUnsafe(1).withPermits(1)
  /** Torn files, and those of another run; neither counts as one of the last checkpoints. */
  const torn = new Set<string>()
  const foreign = new Set<string>()
  /** The newest step that was saved or read. */
  let newest = -1

  /** The file's content; nothing where it is missing, or not usable, which is then noted. */
  const read = Effect.fnUntraced(function* <A>(
    file: string,
    decode: (bytes: Uint8Array) => Effect.Effect<A, CheckpointRefused>,
    passedOver: Array<PassedOver>
  ) {
    return yield* files.read(file).pipe(
      Effect.mapError(({ detail }) => new CheckpointRefused({ reason: "unreadable", detail })),
      Effect.flatMap((bytes) => (bytes === undefined ? Effect.undefined : decode(bytes))),
      Effect.catch(({ detail, reason }) =>
        Effect.sync(() => {
          passedOver.push({ file, reason, detail })
          ;(reason === "torn" ? torn : foreign).add(file)
          return undefined
        })
      )
    )
  })

  /** Removes all but the last checkpoints. Files of later steps than ours are another run's or torn: they stay. */
  const clearAway = Effect.gen(function* () {
    const own = (yield* files.list).filter((file) => {
      const step = stepOf(file)
      return step >= 0 && step <= newest && !foreign.has(file)
    })
    const whole = own.filter((file) => !torn.has(file)).sort(newestFirst)
    yield* Effect.forEach([...whole.slice(keep), ...own.filter((file) => torn.has(file))], files.remove, {
      discard: true
    })
  }).pipe(
    // The checkpoint is safe; what could not be removed is tried again with the next one.
    Effect.catch((error) => Effect.logWarning(`old checkpoints could not be removed: ${error.message}`))
  )

  const write = Effect.fnUntraced(function* (file: string, bytes: Uint8Array) {
    yield* files.write(file, bytes)
    torn.delete(file)
    foreign.delete(file)
    return file
  })

  return {
    save: Effect.fn("Checkpoints.save")(
      function* (checkpoint: Checkpoint) {
        const { step } = checkpoint.training
        const file = yield* write(fileOf(step), yield* encodeCheckpoint(checkpoint))
        newest = Math.max(newest, step)
        yield* clearAway
        return file
      },
      Effect.uninterruptible,
      lock
    ),
    saveBest: Effect.fn("Checkpoints.saveBest")(
      function* (best: BestWeights) {
        return yield* write(bestFile, yield* encodeBest(best))
      },
      Effect.uninterruptible,
      lock
    ),
    latest: Effect.fn("Checkpoints.latest")(function* (digest: string, former: ReadonlyArray<string> = []) {
      const passedOver: Array<PassedOver> = []
      for (const file of checkpointsAmong(yield* files.list)) {
        const checkpoint = yield* read(file, (bytes) => decodeCheckpoint(bytes, [digest, ...former]), passedOver)
        if (checkpoint === undefined) continue
        newest = Math.max(newest, checkpoint.training.step)
        return { checkpoint, passedOver }
      }
      return { checkpoint: undefined, passedOver }
    }, lock),
    best: Effect.fn("Checkpoints.best")(function* (digest: string, former: ReadonlyArray<string> = []) {
      const passedOver: Array<PassedOver> = []
      return { best: yield* read(bestFile, (bytes) => decodeBest(bytes, [digest, ...former]), passedOver), passedOver }
    }, lock)
  }
}
