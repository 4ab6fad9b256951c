import { Effect, Schema } from "effect"
import { enginesText } from "../../metrics/enginesUsed.ts"
import type { Report } from "../../metrics/Report.ts"
import { EpochRecord } from "../../metrics/Report.ts"
import { weightsDigest } from "../../model/FeatureSpace.ts"
import { networkFor } from "../../model/networks.ts"
import { inputShape } from "../../model/shapes.ts"
import { startWeights } from "../../model/startWeights.ts"
import { byKind, countByReason, RefusalLines } from "../../pipeline/Ledger.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { readListing } from "../train/begunData.ts"
import { configDigest } from "../configDigest.ts"
import { fileDigests } from "./fileDigests.ts"
import type { RunFile } from "../RunFolder.ts"
import { RunFolder } from "../RunFolder.ts"
import type { Check } from "./Check.ts"
import { cannot, compare, differs } from "./Check.ts"

/** A file's text, or what is wrong with it. */
export const textOf = Effect.fnUntraced(function* (file: RunFile) {
  return new TextDecoder().decode(yield* RunFolder.use((folder) => folder.read(file)))
})

const Epochs = Schema.Array(Schema.fromJsonString(EpochRecord))

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "")

/** The ledger's lines by reason, beside the report's counts and the receipt's. */
const checkLedger = Effect.fn("verify.ledger")(function* ({ data, receipt }: Report) {
  const what = "ledger"
  return yield* textOf("ledger.jsonl").pipe(
    Effect.flatMap(Schema.decodeEffect(RefusalLines)),
    Effect.map((refusals) => {
      const reasons: Readonly<Record<string, number>> = countByReason(refusals)
      const { kept, leftOut, listed, refused, test, train, validation } = data
      // Weft 0.1 counted choices among the refusals.
      // Rows beyond `data.limit` are counted, and not listed.
      const overLimit = reasons["overLimit"] === undefined ? (leftOut?.["overLimit"] ?? 0) : 0
      const kinds =
        leftOut === undefined ? { refused: reasons } : byKind({ ...reasons, ...(overLimit > 0 && { overLimit }) })
      const counts = { listed: kept + refusals.length + overLimit, kept, ...kinds }
      return compare(
        what,
        "listed = kept + refused + left out, in ledger.jsonl, the report and the receipt; kept = train + validation + test",
        { report: { kept, listed, refused, ...(leftOut && { leftOut }) }, receipt: receipt.ledger, samples: kept },
        { report: counts, receipt: counts, samples: train + validation + test }
      )
    }),
    Effect.catch((error) => Effect.succeed(differs(what, `ledger.jsonl: ${error.message}`)))
  )
})

/** The list of the samples that the run began with, whose digest is the data's. */
const checkListing = Effect.fn("verify.listing")(function* ({ receipt }: Report) {
  const what = "samples"
  const folder = yield* RunFolder
  if (!(yield* folder.has("samples.jsonl")))
    return cannot(what, "the run was made before Weft kept the list of the samples that it began with")
  return yield* readListing(folder).pipe(
    Effect.map(({ dataDigest, samples }) =>
      compare(
        what,
        `SHA-256 of ids, labels and image digests of the ${samples.length} samples in samples.jsonl`,
        receipt.dataDigest,
        dataDigest
      )
    ),
    Effect.catch((error) => Effect.succeed(differs(what, `samples.jsonl: ${error.message}`)))
  )
})

const checkHistory = Effect.fn("verify.history")(function* ({ history }: Report) {
  const what = "history"
  return yield* textOf("history.jsonl").pipe(
    Effect.flatMap((text) => Schema.decodeEffect(Epochs)(linesOf(text))),
    Effect.map((found) => compare(what, `${history.length} epochs in the report and in history.jsonl`, history, found)),
    Effect.catch((error) => Effect.succeed(differs(what, `history.jsonl: ${error.message}`)))
  )
})

/** The engine that the report names, beside those of its epochs; no check where they all ran on that one. */
const checkEngine = ({ engine, history }: Report): ReadonlyArray<Check> => {
  const changed = enginesText(history)
  const last = history.at(-1)?.ranOn?.at(-1)?.engine ?? engine.name
  return changed === undefined && last === engine.name
    ? []
    : [compare("engine", changed ?? `of the epochs, ${last}`, engine.name, last)]
}

/** The files whose digests the receipt has, bit for bit. */
const checkDigests = Effect.fn("verify.digests")(function* ({ receipt }: Report) {
  const what = "files"
  const expected = receipt.files
  if (expected === undefined) return cannot(what, "the receipt is of a time when it had no digests of files")
  return yield* fileDigests.pipe(
    Effect.map((found) => compare(what, "SHA-256 of the files that the receipt names", expected, found)),
    Effect.catch((error) => Effect.succeed(differs(what, error.message)))
  )
})

/** The weights that the run began with, where they came from a file. */
const checkStart = Effect.fn("verify.start")(function* (config: RunConfig, { data, receipt }: Report) {
  const what = "start weights"
  const source = config.network.weights
  if (source === undefined) return compare(what, "drawn from the seed", undefined, receipt.weightsDigest)
  const network = yield* networkFor(config.network, { ...config.image, classes: data.classes })
  return yield* startWeights(network, config.seed, source).pipe(
    Effect.flatMap((weights) => weightsDigest({ blocks: network.blocks, input: inputShape(network), weights })),
    Effect.map((digest) => compare(what, `of ${source}`, receipt.weightsDigest, digest)),
    Effect.catch((error) => Effect.succeed(cannot(what, error.message)))
  )
})

/** The checks that need the run's own files, and not its data. */
export const checkFiles = Effect.fn("verify.files")(function* (config: RunConfig, report: Report) {
  const { configDigest: expected, seeds } = report.receipt
  const digest = { digest: yield* configDigest(config), seed: config.seed }
  return [
    compare("configuration", "digest of config.json", { digest: expected, seed: seeds["run"] }, digest),
    yield* checkStart(config, report),
    yield* checkLedger(report),
    yield* checkListing(report),
    yield* checkHistory(report),
    ...checkEngine(report),
    yield* checkDigests(report)
  ]
})
