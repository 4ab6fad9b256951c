import { Effect, Schema } from "effect"
import type { Known } from "../../pipeline/checkImages.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { listing } from "../../pipeline/Dataset.ts"
import { ImageFault } from "../../pipeline/Images.ts"
import type { Ledger, Refusal } from "../../pipeline/Ledger.ts"
import { RefusalLines } from "../../pipeline/Ledger.ts"
import type { Lost } from "../../pipeline/Losses.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { configDigest } from "../configDigest.ts"
import type { RunFolder } from "../RunFolder.ts"
import { RunFolderError, writeChanged } from "../RunFolder.ts"

/** The data that a run began with, and the facts of each image then. */
export interface BegunData {
  /** The dataset's digest. */
  readonly digest: string
  /** SHA-256 of every sample's image, by id. */
  readonly images: ReadonlyMap<string, string>
  /** Rows that were refused before the training, by line. */
  readonly refused: ReadonlyMap<number, Refusal>
  /** Rows that left during the run; known once it has ended. */
  readonly lost: ReadonlyArray<Refusal>
}

const Head = Schema.fromJsonString(Schema.Struct({ configDigest: Schema.String, dataDigest: Schema.String }))
/** What a sample's cells say: of one label column with one value its label; see `listing`. */
const Labels = Schema.Union([
  Schema.String,
  Schema.Array(Schema.NullOr(Schema.Union([Schema.String, Schema.Array(Schema.String)])))
])
const Lines = Schema.Array(Schema.fromJsonString(Schema.Tuple([Schema.String, Labels, Schema.String])))

/** Writes down the samples that a run begins with. */
export const writeBegunData = Effect.fn("begunData.write")(function* (
  folder: RunFolder["Service"],
  config: RunConfig,
  dataset: Dataset
) {
  const head = yield* Effect.orDie(
    Schema.encodeEffect(Head)({ configDigest: yield* configDigest(config), dataDigest: dataset.digest })
  )
  yield* writeChanged(folder, "samples.jsonl", `${head}\n${listing(dataset)}`)
})

/** A ledger as the text of `ledger.jsonl`. */
export const ledgerText = ({ refusals }: Pick<Ledger, "refusals">): Effect.Effect<string> =>
  // Refusals of ours can be encoded.
  Effect.orDie(Schema.encodeEffect(RefusalLines)(refusals))

/** The list of the samples that a run began with; fails where it is missing or damaged. */
export const readListing = Effect.fn("begunData.listing")(function* (folder: RunFolder["Service"]) {
  const text = new TextDecoder().decode(yield* folder.read("samples.jsonl"))
  const at = text.indexOf("\n") + 1
  const head = yield* Schema.decodeEffect(Head)(text.slice(0, at))
  const lines = text.slice(at)
  const found = yield* sha256(lines)
  if (head.dataDigest !== found)
    return yield* new RunFolderError({
      path: `${folder.path}/samples.jsonl`,
      reason: "invalid",
      detail: `it is damaged: its lines have the SHA-256 ${found}, and should have ${head.dataDigest}`
    })
  return { ...head, samples: yield* Schema.decodeEffect(Lines)(lines.split("\n").slice(0, -1)) }
})

/** Whether a row left during the run. */
export const hasLeft = ({ part }: Refusal): boolean => part !== undefined

/**
 * The data that the run in a folder began with; undefined where the folder has no list of them, or one of another
 * configuration. A damaged list is ignored: the images are then checked again, as for a new run.
 * `former` are the digests that its configuration had before the run was trained longer.
 */
export const readBegunData = Effect.fn("begunData.read")(
  function* (folder: RunFolder["Service"], config: RunConfig, former: ReadonlyArray<string> = []) {
    if (!(yield* folder.has("samples.jsonl"))) return undefined
    const { dataDigest, samples, ...listed } = yield* readListing(folder)
    const own = [yield* configDigest(config), ...former]
    if (!own.includes(listed.configDigest)) return undefined
    const ledger = new TextDecoder().decode(yield* folder.read("ledger.jsonl"))
    const refusals = yield* Schema.decodeEffect(RefusalLines)(ledger)
    const begun: BegunData = {
      digest: dataDigest,
      images: new Map(samples.map(([id, , digest]) => [id, digest] as const)),
      refused: new Map(refusals.filter((one) => !hasLeft(one)).map((one) => [one.line, one] as const)),
      lost: refusals.filter(hasLeft)
    }
    return begun
  },
  Effect.orElseSucceed(() => undefined)
)

/** For a run that is resumed: its images are not checked again; missing ones show when they are needed. */
export const forGoingOn = ({ images, refused }: BegunData): Known => ({ kept: images, refused })

/** For a finished run that is measured again: missing samples keep their places, so that no other sample moves. */
export const forMeasuring = ({ images }: BegunData): Known => ({ gone: images })

/** For a run that is verified: samples that left during the run are not looked up, and all others must be there. */
export const forVerifying = ({ images, lost }: BegunData): Known => ({
  kept: new Map(
    lost.flatMap(({ id }) => {
      const digest = id === undefined ? undefined : images.get(id)
      return id === undefined || digest === undefined ? [] : [[id, digest] as const]
    })
  )
})

/** The samples that left during the run. */
export const lostOf = ({ lost }: BegunData): ReadonlyArray<Lost> =>
  lost.flatMap(({ detail, epoch, id, reason }) =>
    id === undefined || epoch === undefined || !isImageFault(reason) ? [] : [{ id, reason, detail, epoch }]
  )

const isImageFault = Schema.is(ImageFault)
