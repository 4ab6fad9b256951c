import { Array as Arrays, Effect, Schema } from "effect"
import { enginesText } from "../../metrics/enginesUsed.ts"
import type { Report } from "../../metrics/Report.ts"
import { EpochRecord } from "../../metrics/Report.ts"
import { weightsDigest } from "../../model/FeatureSpace.ts"
import { decodeModel, modelColumns } from "../../model/Model.ts"
import { headsFor } from "../../model/NetworkPlan.ts"
import { networkFor } from "../../model/networks.ts"
import { inputShape } from "../../model/shapes.ts"
import { startWeights } from "../../model/startWeights.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
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

/** Compares the ledger's lines by reason with the counts of the report and the receipt. */
const checkLedger = Effect.fn("verify.ledger")(function* ({ data, receipt }: Report) {
  const what = "ledger"
  return yield* textOf("ledger.jsonl").pipe(
    Effect.flatMap(Schema.decodeEffect(RefusalLines)),
    Effect.map((refusals) => {
      const reasons: Readonly<Record<string, number>> = countByReason(refusals)
      const { kept, leftOut, listed, refused, test, train, validation } = data
      // Weft 0.1 counted rows that were left out among the refused ones. Rows beyond `data.limit` are counted, and not listed.
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

/** Compares the list of samples that the run began with, by its digest, with the data's digest. */
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

/** Compares the report's engine with those of its epochs; no check where all ran on it. */
const checkEngine = ({ engine, history }: Report): ReadonlyArray<Check> => {
  const changed = enginesText(history)
  const last = history.at(-1)?.ranOn?.at(-1)?.engine ?? engine.name
  return changed === undefined && last === engine.name
    ? []
    : [compare("engine", changed ?? `of the epochs, ${last}`, engine.name, last)]
}

/** Compares files with their digests in the receipt. */
const checkDigests = Effect.fn("verify.digests")(function* ({ receipt }: Report) {
  const what = "files"
  const expected = receipt.files
  if (expected === undefined) return cannot(what, "the receipt is of a version of Weft that kept no digests of files")
  return yield* fileDigests.pipe(
    Effect.map((found) => compare(what, "SHA-256 of the files that the receipt names", expected, found)),
    Effect.catch((error) => Effect.succeed(differs(what, error.message)))
  )
})

/** The label columns of a run, with the classes of its model. */
const columnsOf = Effect.fnUntraced(function* ({ data }: RunConfig) {
  const folder = yield* RunFolder
  const file = "model/model.safetensors"
  const columns = modelColumns(yield* decodeModel(yield* folder.read(file), file))
  return Arrays.zipWith(labelColumnsOf(data), columns, ({ column: name }, { classes }) => ({ name, classes }))
})

/** Compares the initial weights with their digest, where they came from a file. */
const checkStart = Effect.fn("verify.start")(function* (config: RunConfig, { data, receipt }: Report) {
  const what = "start weights"
  const source = config.network.weights
  if (source === undefined) return compare(what, "drawn from the seed", undefined, receipt.weightsDigest)
  const columns = yield* Effect.orElseSucceed(columnsOf(config), () => [])
  const classes = headsFor(labelColumnsOf(config.data), (index) => columns[index]?.classes.length ?? data.classes)
  const network = yield* networkFor(config.network, { ...config.image, classes })
  return yield* startWeights(network, config.seed, source, columns, config.network.positions).pipe(
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
