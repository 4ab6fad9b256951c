/**
 * What tagging costs at the desk. Prints one JSON line:
 *   node bench/desk.ts [--predictions FILE] [--data FOLDER] [--photos 1000]
 *
 * - Keys for each photo, of a simulated operator who takes the right class of what the page shows: with a model's
 *   suggestions (the predictions of a run, `predictions/test.safetensors`), and without (the catalogue's classes).
 * - Photos an hour by the keystroke model, one by one and in the grid.
 * - Where there is a Chromium: how long the next photo takes after a key, on a desk in memory with photos of 900x1200.
 */
import { Console, Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { parse } from "csv-parse/sync"
import sharp from "sharp"
import { gridSize } from "../src/layers/desk/page/client/grid.ts"
import { byFrequency, keysFor } from "../src/layers/desk/page/client/ranking.ts"
import type { Frequent } from "../src/layers/desk/page/client/ranking.ts"
import { decodePredictions } from "../src/model/StoredPredictions.ts"
import type { StoredPredictions } from "../src/model/StoredPredictions.ts"
import { chromium, onPage, openPage } from "../test/chromium.ts"
import { serveFake } from "../test/layers/desk/page/fakeDesk.ts"

const { values } = parseArgs({
  options: {
    predictions: { type: "string" },
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small" },
    photos: { type: "string", default: "1000" },
    /** Keys that are timed in Chromium. */
    keys: { type: "string", default: "60" }
  }
})

/** Seconds for a key, and to look at a photo and decide; in a grid a photo is one of many that are alike. */
const keySeconds = 0.2
const decideSeconds = 1.4
const glanceSeconds = 0.4

const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length
const rounded = (value: number, digits = 3) => Number(value.toFixed(digits))

/** The catalogue's classes with 50 rows and more. */
const catalogueClasses = (file: string): ReadonlyArray<Frequent> => {
  const rows = Schema.decodeUnknownSync(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))(
    parse(readFileSync(file), { columns: true, relax_column_count: true })
  )
  const counts = new Map<string, number>()
  for (const row of rows) {
    const label = row["articleType"]
    if (typeof label === "string" && Object.keys(row).length === 10) counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return byFrequency([...counts].filter(([, count]) => count >= 50).map(([label, frequency]) => ({ label, frequency })))
}

/** Keys without a model, over classes as often as they occur. */
const withoutModel = (classes: ReadonlyArray<Frequent>) => {
  const all = classes.reduce((sum, { frequency }) => sum + frequency, 0)
  const cost = (digits: boolean) =>
    classes.reduce((sum, { frequency, label }) => sum + frequency * keysFor(label, classes, { digits }), 0) / all
  return {
    classes: classes.length,
    keysByLetters: rounded(cost(false)),
    keys: rounded(cost(true)),
    photosPerHour: Math.round(3600 / (decideSeconds + keySeconds * cost(true)))
  }
}

interface Predicted {
  readonly truth: string
  /** The first five classes. */
  readonly top: ReadonlyArray<string>
  readonly confidence: number
}

/** The first samples in an order that the ids decide alone, so that each class has its share. */
const sampled = ({ labels, logits, samples }: StoredPredictions, count: number): ReadonlyArray<Predicted> =>
  samples
    .map(({ id, label }, row) => {
      const scores = labels.map((name, at) => ({ name, score: logits[row * labels.length + at] ?? 0 }))
      scores.sort((a, b) => b.score - a.score)
      const first = scores[0]?.score ?? 0
      const confidence = 1 / scores.reduce((sum, { score }) => sum + Math.exp(score - first), 0)
      const place = createHash("sha256").update(id).digest("hex")
      return { place, truth: labels[label] ?? "", top: scores.slice(0, 5).map(({ name }) => name), confidence }
    })
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, count)

const withModel = (photos: ReadonlyArray<Predicted>) => {
  const counts = new Map<string, number>()
  for (const { truth } of photos) counts.set(truth, (counts.get(truth) ?? 0) + 1)
  const classes = byFrequency([...counts].map(([label, frequency]) => ({ label, frequency })))
  const keysOf = ({ top, truth }: Predicted) => (top.includes(truth) ? 1 : keysFor(truth, classes, { digits: true }))
  const keys = mean(photos.map(keysOf))
  const seconds = (one: Predicted) => decideSeconds + keySeconds * keysOf(one)

  // The grid: each predicted class, the surest first, in pages; what is wrong is keyed away, and tagged one by one after.
  const pages = new Map<string, Array<Predicted>>()
  for (const photo of [...photos].sort((a, b) => b.confidence - a.confidence)) {
    const [first = ""] = photo.top
    pages.set(first, [...(pages.get(first) ?? []), photo])
  }
  let grid = 0
  let confirmed = 0
  let loadedPages = 0
  for (const [label, all] of pages)
    for (let from = 0; from < all.length; from += gridSize) {
      const page = all.slice(from, from + gridSize)
      const wrong = page.filter(({ truth }) => truth !== label)
      grid +=
        page.length * glanceSeconds +
        (wrong.length + 1) * keySeconds +
        wrong.reduce((sum, one) => sum + seconds(one), 0)
      confirmed += page.length - wrong.length
      loadedPages += 1
    }
  return {
    photos: photos.length,
    classes: classes.length,
    top1: rounded(mean(photos.map(({ top, truth }) => (top[0] === truth ? 1 : 0)))),
    top5: rounded(mean(photos.map(({ top, truth }) => (top.includes(truth) ? 1 : 0)))),
    keys: rounded(keys),
    photosPerHour: Math.round(3600 / mean(photos.map(seconds))),
    grid: { photosPerHour: Math.round((3600 * photos.length) / grid), confirmed, pages: loadedPages }
  }
}

/** Milliseconds from a key to the frame that shows the next photo: from the key's event to the next frame but one. */
const nextPhoto = (keys: number) =>
  Effect.gen(function* () {
    const labels = ["Shirts", "Tshirts", "Socks", "Watches", "Casual Shoes"]
    const photos = yield* Effect.promise(() =>
      Promise.all(
        Array.from({ length: keys + 12 }, async (_, i) => ({
          name: `photo ${i}.jpg`,
          suggestions: [labels.map((label, at) => [label, 0.8 / (at + 1)] as const)],
          bytes: new Uint8Array(
            await sharp({
              create: {
                width: 900,
                height: 1200,
                channels: 3,
                background: "#888",
                noise: { type: "gaussian", mean: 128, sigma: 20 + i }
              }
            })
              .jpeg()
              .toBuffer()
          )
        }))
      )
    )
    const { url } = yield* serveFake({
      columns: ["type"],
      classes: labels.map((label, i) => ({ column: "type", label, trained: 100 - i })),
      photos
    })
    const page = yield* openPage
    return yield* onPage(page, async (page) => {
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.goto(url)
      await page.waitForFunction(
        () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("size=1024")).length >= 11
      )
      await page.evaluate(() => {
        const times: Array<number> = []
        Object.assign(globalThis, { times })
        addEventListener("keyup", () => {})
        addEventListener(
          "keydown",
          (event) => {
            const before = document.querySelector(".photo:not(.later)")
            requestAnimationFrame(() =>
              requestAnimationFrame(() => {
                const photo = document.querySelector(".photo:not(.later)")
                const shown =
                  photo instanceof HTMLImageElement && photo !== before && photo.complete && photo.naturalWidth > 0
                times.push(shown ? performance.now() - event.timeStamp : Number.POSITIVE_INFINITY)
              })
            )
          },
          { capture: true }
        )
      })
      // The page's own work: processor time of its thread, which other programs of the machine change little.
      const session = await page.context().newCDPSession(page)
      await session.send("Performance.enable", { timeDomain: "threadTicks" })
      const processor = async () => {
        const { metrics } = await session.send("Performance.getMetrics")
        return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN) * 1000
      }
      const before = await processor()
      for (let i = 0; i < keys; i++) {
        await page.keyboard.press("Enter")
        // As fast as a person can be: the next key comes after a decision of a fifth of a second.
        await page.waitForTimeout(200)
      }
      const perKey = ((await processor()) - before) / keys
      const times = await page.evaluate<Array<number | null>>("globalThis.times")
      const sorted = times.map((time) => time ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
      const at = (share: number) => rounded(sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN, 1)
      return {
        keys: sorted.length,
        p50: at(0.5),
        p95: at(0.95),
        most: at(1),
        processorPerKey: rounded(perKey, 1),
        late: sorted.filter((time) => !Number.isFinite(time)).length
      }
    })
  }).pipe(Effect.scoped)

const main = Effect.gen(function* () {
  const styles = join(values.data, "styles.csv")
  const { predictions } = values
  const stored =
    predictions === undefined
      ? undefined
      : yield* decodePredictions(new Uint8Array(readFileSync(predictions)), predictions)
  yield* Console.log(
    JSON.stringify({
      bench: "desk",
      ...(existsSync(styles) && { withoutModel: withoutModel(catalogueClasses(styles)) }),
      ...(stored !== undefined && { withModel: withModel(sampled(stored, Number(values.photos))) }),
      ...(chromium !== undefined && { nextPhotoMilliseconds: yield* nextPhoto(Number(values.keys)) })
    })
  )
})

await Effect.runPromise(main)
