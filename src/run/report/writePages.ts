import { Effect } from "effect"
import { imageFolders, pathUnder } from "../../pipeline/Rows.ts"
import { SampleCatalogue } from "../../pipeline/SampleCatalogue.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { RunFolder } from "../RunFolder.ts"
import { Charts } from "./Charts.ts"
import { drawCharts } from "./drawCharts.ts"
import { readFirstBatch } from "./firstBatch.ts"
import { modelCard } from "./modelCard.ts"
import { readOcclusion } from "./occlusion.ts"
import { predictionsCsv } from "./predictionsCsv.ts"
import { analyse, shownSamples } from "./RunAnalysis.ts"
import type { RunAnalysis, ShownPhoto } from "./RunAnalysis.ts"
import { runCharts } from "./runCharts.ts"
import type { RunFacts } from "./RunFacts.ts"
import { readRun } from "./RunFacts.ts"
import { runPage } from "./runPage.ts"
import { Thumbnails } from "./Thumbnails.ts"

/** Characters of all pictures of a page together; it stays below 3 MB with them. */
const mostPictures = 1_500_000

/** Pictures of photos of a catalogue whose folder is known, by file, as far as they can be found. */
export const picturesUnder = Effect.fn("report.picturesUnder")(function* (
  root: string,
  { data, image }: Pick<RunConfig, "data" | "image">,
  samples: ReadonlyArray<ShownPhoto>
) {
  const thumbnails = yield* Thumbnails
  const within = imageFolders(root, data)
  const found = yield* Effect.forEach(
    samples,
    ({ digest, file }) =>
      Effect.map(
        thumbnails.of(pathUnder(root, file), { digest, within, urls: data.urls }, image),
        (picture) => [file, picture] as const
      ),
    { concurrency: 4 }
  )
  const pictures = new Map<string, string>()
  let size = 0
  for (const [file, picture] of found) {
    if (picture === undefined || size + picture.length > mostPictures) continue
    size += picture.length
    pictures.set(file, picture)
  }
  return pictures
})

/** The pictures that a page shows, by file, as far as the photos can be found. */
export const picturesOf = Effect.fn("report.pictures")(function* ({ config }: RunFacts, analysis: RunAnalysis) {
  const samples = shownSamples(analysis)
  const { data } = config
  const drawn = SampleCatalogue.use((catalogue) =>
    data.sample === undefined ? Effect.succeed(data.root) : catalogue.draw(data.sample)
  ).pipe(Effect.orElseSucceed(() => undefined))
  const root = samples.length === 0 ? undefined : yield* drawn
  if (root === undefined) return { pictures: new Map<string, string>(), noPictures: samples.length > 0 }
  const pictures = yield* picturesUnder(root, config, samples)
  return { pictures, noPictures: samples.length > 0 && pictures.size === 0 }
})

/**
 * Writes `report.html`, `charts/*.svg`, `MODEL_CARD.md`, `predictions.csv` and `mistakes.csv` of a finished run, from
 * its folder's files. The photos are needed only for their pictures.
 */
export const writePages = Effect.fn("writePages")(function* () {
  const folder = yield* RunFolder
  const charts = yield* Charts
  const facts = yield* readRun()
  const analysis = analyse(facts)
  const all = runCharts(facts, analysis)
  const drawn = yield* drawCharts(all)
  for (const [name, chart] of all) yield* folder.write(`charts/${name}.svg`, yield* charts.svg(chart, { for: "paper" }))
  const { noPictures, pictures } = yield* picturesOf(facts, analysis)
  yield* folder.write("MODEL_CARD.md", modelCard(facts, analysis))
  const { mistakes, predictions } = predictionsCsv(facts)
  yield* folder.write("predictions.csv", predictions)
  yield* folder.write("mistakes.csv", mistakes)
  yield* folder.write(
    "report.html",
    yield* runPage({
      part: "test",
      facts,
      analysis,
      charts: drawn,
      pictures,
      noPictures,
      firstBatch: yield* readFirstBatch,
      occlusion: yield* readOcclusion
    })
  )
})
