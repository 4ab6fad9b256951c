import { Effect, Option, Schema } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { LabelNoiseConfig } from "../../model/LabelNoiseConfig.ts"
import { canonical } from "../../pipeline/canonical.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import { report } from "../../pipeline/Progress.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import type { RunFolder } from "../RunFolder.ts"
import type { Embedding } from "../similar/embed.ts"
import type { LabelNoise } from "./LabelNoise.ts"
import { LabelNoiseFile, noiseCounts } from "./LabelNoise.ts"
import { unlikelyLabels } from "./unlikelyLabels.ts"

/** What a run's folder has from when the run began; nothing where that was made for something else, or is damaged. */
const readBegun = (folder: RunFolder["Service"] | undefined, basis: string) =>
  folder === undefined
    ? Effect.succeed(Option.none<LabelNoise>())
    : folder.read("label-noise.json").pipe(
        Effect.flatMap((bytes) => Schema.decodeEffect(LabelNoiseFile)(new TextDecoder().decode(bytes))),
        Effect.option,
        Effect.map(Option.filter((found) => found.basis === basis))
      )

/** A line on each label column. */
const linesOf = (noise: LabelNoise): ReadonlyArray<string> => {
  const { columns, treatment } = noiseCounts(noise)
  return noise.columns.map(({ accuracy, judged, name, rows, small }, index) => {
    const { found = 0, treated: changed = 0 } = columns[index] ?? {}
    const names = small.slice(0, 5).map((label) => JSON.stringify(label))
    const more = small.length > names.length ? ` and ${small.length - names.length} more` : ""
    const why =
      small.length === 0 ? "" : ` of classes with too few photos for ${noise.folds} folds: ${names.join(", ")}${more}`
    return (
      `label noise${columns.length === 1 ? "" : ` in ${JSON.stringify(name)}`}: ${count(found)} of ${count(rows)} training labels ${found === 1 ? "is" : "are"} likely wrong, ` +
      `${count(changed)} of them ${changed === 1 ? "is" : "are"} ${treatment}. ` +
      `Classifiers of the other folds agree with ${(accuracy * 100).toFixed(1)} % of the labels` +
      (judged === rows ? "" : `; ${count(rows - judged)} are not judged${why}`)
    )
  })
}

/**
 * The training labels of a run that are softened or left out. A run that goes on has those that it began with, which its
 * folder keeps.
 */
export const labelNoiseOf = Effect.fn("labelNoiseOf")(function* (
  config: RunConfig,
  settings: LabelNoiseConfig,
  dataset: Dataset,
  model: Embedding & { readonly weightsDigest: string | undefined },
  folder: RunFolder["Service"] | undefined
) {
  const basis = yield* sha256(
    canonical({
      settings,
      data: dataset.digest,
      train: yield* sha256(dataset.train.map(({ id }) => `${JSON.stringify(id)}\n`).join("")),
      weights: model.weightsDigest ?? null,
      network: config.network,
      image: config.image,
      seed: config.data.split.seed ?? config.seed
    })
  )
  const begun = yield* readBegun(folder, basis)
  if (Option.isSome(begun)) return begun.value
  const judged = yield* unlikelyLabels(config, dataset, model, settings.folds, "train.labelNoise")
  const noise: LabelNoise = {
    basis,
    ...settings,
    columns: judged.map(({ noise }) => noise),
    rows: judged.flatMap(({ errors, noise: { rows } }) =>
      errors.slice(0, Math.floor(settings.most * rows)).map((one) => ({
        ...one,
        treatment: settings.treat === "soften" ? ("softened" as const) : ("left out" as const)
      }))
    )
  }
  yield* Effect.forEach(linesOf(noise), (line) => report({ _tag: "Note", line }), { discard: true })
  return noise
})
