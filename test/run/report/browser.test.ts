import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import * as PlotCharts from "../../../src/layers/pages/PlotCharts.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { percent } from "../../../src/metrics/numberText.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { writePages } from "../../../src/run/report/writePages.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { chromium, onPage, openPage } from "../../chromium.ts"
import { pageFaults } from "./pageFaults.ts"
import { picture, writeSyntheticRun } from "./syntheticRun.ts"

const layers = Layer.mergeAll(
  RunFolder.layerMemory,
  SampleCatalogue.layerAt("nowhere"),
  PlotCharts.layer,
  Layer.succeed(Thumbnails, { of: () => Effect.succeed(picture), ofPixels: () => Effect.succeed(picture) })
)

const labels = Array.from({ length: 70 }, (_, i) =>
  i === 3
    ? `<img src=x onerror="document.title='gone'">`
    : `${["Casual Shoes", "Accessory Gift Set", "Ring"][i % 3]} ${i}`
)

/** Shows the page at a width, and says what its console said and what stands over its edge. */
const look = (page: Page, markup: string, width: number) =>
  onPage(page, async (page) => {
    const said: Array<string> = []
    page.on("console", (message) => said.push(message.text()))
    page.on("pageerror", (error) => said.push(error.message))
    page.on("request", (request) => {
      if (!request.url().startsWith("data:")) said.push(`asked for ${request.url()}`)
    })
    await page.setViewportSize({ width, height: 800 })
    await page.setContent(markup)
    const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return { said, overflow }
  })

describe("a run's page in Chromium", () => {
  for (const width of [1280, 390])
    it.effect.skipIf(chromium === undefined)(
      `shows ${width} pixels wide without an error, and without scrolling sideways`,
      () =>
        Effect.gen(function* () {
          const report = yield* writeSyntheticRun({ labels, largest: 60, epochs: 6, seed: 4 })
          yield* writePages()
          const folder = yield* RunFolder
          const markup = new TextDecoder().decode(yield* folder.read("report.html"))
          const page = yield* openPage
          assert.deepStrictEqual(yield* look(page, markup, width), { said: [], overflow: 0 })
          const title = yield* onPage(page, (page) => page.title())
          assert.strictEqual(title, "memory")
          const cards = yield* onPage(page, (page) => page.locator(".card b").allTextContents())
          assert.strictEqual(cards[0], percent(report.test!.accuracy!))
          assert.strictEqual(cards[1], percent(report.test!.weighted.f1))

          // Every count of the confusion is in the matrix: its cells say theirs.
          const said = yield* onPage(page, (page) => page.locator("#confusion title").allTextContents())
          const counts = said.map((text) => Number(/(?:right|: ?[^:]*?) ?(\d+) of \d+ \(/.exec(text)?.[1]))
          assert.strictEqual(
            counts.reduce((sum, n) => sum + n, 0),
            report.test!.confusion.flat().reduce((sum, n) => sum + n, 0)
          )
          const text = yield* onPage(page, (page) => page.locator("#confusion svg text").first().boundingBox())
          assert.isAbove(text!.height, 8)
        }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
    )

  const long = [
    "Sehr lange Bezeichnung einer Warengruppe",
    "W".repeat(60),
    "日本語の名前がとても長い場合にはどうなりますか",
    "Boots",
    "👢👟🥾".repeat(12),
    "i"
  ]
  const catalogues = { "70 classes": labels, "few classes with long names": long, "two classes": ["Boots", "Caps"] }
  for (const [what, labels] of Object.entries(catalogues))
    it.effect.skipIf(chromium === undefined)(
      `can be read on a desk, a tablet, a phone and paper, in light and dark, without a mouse: ${what}`,
      () =>
        Effect.gen(function* () {
          yield* writeSyntheticRun({ labels, largest: 40, epochs: 3, seed: 4, gap: 1 })
          yield* writePages()
          const folder = yield* RunFolder
          const page = yield* openPage
          const markup = new TextDecoder().decode(yield* folder.read("report.html"))
          assert.deepStrictEqual(yield* onPage(page, (page) => pageFaults(page, markup)), [])
        }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
    )

  it.effect.skipIf(chromium === undefined)("has charts as files whose texts and axis titles are whole", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun({ labels: long, largest: 40, epochs: 3, seed: 4 })
      yield* writePages()
      const folder = yield* RunFolder
      const page = yield* openPage
      const names = [
        "loss",
        "accuracy",
        "loss-steps",
        "learning-rate",
        "classes",
        "precision-recall",
        "confusion",
        "calibration",
        "coverage"
      ]
      for (const name of names) {
        const svg = new TextDecoder().decode(yield* folder.read(`charts/${name}.svg`))
        const faults = yield* onPage(page, (page) => pageFaults(page, `<body>${svg}`))
        assert.deepStrictEqual(
          faults.filter((fault) => fault.includes("over the edge")),
          [],
          name
        )
        if (name === "confusion")
          for (const title of ["true class", "predicted class"]) assert.include(svg, `>${title}<`)
      }
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect.skipIf(chromium === undefined)("says each count of the confusion in a table that a keyboard opens", () =>
    Effect.gen(function* () {
      const own = ["Boots", "Caps", "Coats", "Gloves"]
      const report = yield* writeSyntheticRun({ labels: own, largest: 40, epochs: 2, seed: 4, gap: 0.5 })
      yield* writePages()
      const folder = yield* RunFolder
      const page = yield* openPage
      yield* look(page, new TextDecoder().decode(yield* folder.read("report.html")), 1280)
      const rows = yield* onPage(page, async (page) => {
        await page.locator("#confusion summary").focus()
        await page.keyboard.press("Enter")
        await page.locator("#confusion table").waitFor({ state: "visible" })
        const cells = await page.locator("#confusion tbody tr").all()
        return Promise.all(cells.map((row) => row.locator("td").allTextContents()))
      })
      const { confusion, perClass } = report.test!
      assert.strictEqual(rows.length, own.length)
      for (const [label = "", samples, right, , others = ""] of rows) {
        const index = own.indexOf(label)
        const row = confusion[index]!
        assert.deepStrictEqual([samples, right], [String(perClass[index]!.support), String(row[index])])
        const wrong = own.flatMap((name, j) => (j === index || row[j] === 0 ? [] : [`${name} ${row[j]}`]))
        assert.sameMembers(others === "–" ? [] : others.split(", "), wrong)
      }
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect.skipIf(chromium === undefined)(
    "shows a photo large with its words by a click or Enter, small again, and closes it by Escape",
    () =>
      Effect.gen(function* () {
        yield* writeSyntheticRun({ labels: labels.slice(4, 9), largest: 40, epochs: 2, seed: 4, gap: 0.5 })
        yield* writePages()
        const folder = yield* RunFolder
        const page = yield* openPage
        yield* look(page, new TextDecoder().decode(yield* folder.read("report.html")), 1280)
        const found = yield* onPage(page, async (page) => {
          const photo = page.locator("#losses .zoom").first()
          const seen = async () => ({
            height: (await photo.locator("img").boundingBox())?.height ?? 0,
            words: await photo.locator(".caption").isVisible()
          })
          const small = await seen()
          await photo.locator("img").click()
          const clicked = await seen()
          await photo.locator("img").click()
          const again = await seen()
          await photo.locator("summary").focus()
          await page.keyboard.press("Enter")
          const entered = await seen()
          await page.keyboard.press("Escape")
          return { small, clicked, again, entered, escaped: await seen() }
        })
        assert.deepStrictEqual(found.small, { height: 84, words: false })
        assert.isAbove(found.clicked.height, 300)
        assert.isTrue(found.clicked.words)
        assert.deepStrictEqual(found.entered, found.clicked)
        assert.deepStrictEqual([found.again, found.escaped], [found.small, found.small])
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect.skipIf(chromium === undefined)("says the values of all curves where the pointer is on a chart", () =>
    Effect.gen(function* () {
      const { history } = yield* writeSyntheticRun({ labels: labels.slice(4, 9), largest: 40, epochs: 5, seed: 4 })
      yield* writePages()
      const folder = yield* RunFolder
      const page = yield* openPage
      yield* look(page, new TextDecoder().decode(yield* folder.read("report.html")), 1280)
      const titleAt = (chart: string, share: number) =>
        onPage(page, async (page) => {
          const box = (await page.locator(`svg[aria-label="${chart}"]`).boundingBox())!
          await page.locator(`svg[aria-label="${chart}"]`).scrollIntoViewIfNeeded()
          const { x, y } = (await page.locator(`svg[aria-label="${chart}"]`).boundingBox())!
          // What a browser would show there: the title of what is on top.
          return page.evaluate(
            `document.elementFromPoint(${x + share * box.width}, ${y + 0.72 * box.height})?.querySelector("title")?.textContent`
          )
        })
      const second = history[1]!
      assert.strictEqual(
        yield* titleAt("Loss over epochs", 0.13 + 0.8 / 4),
        `epoch 2: training ${Number(second.trainLoss.toPrecision(4))}, validation ${Number(second.validationLoss!.toPrecision(4))}`
      )
      assert.match(String(yield* titleAt("Training loss over steps", 0.5)), /^step [\d,]+: [\d.]+$/)
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect.skipIf(chromium === undefined)(
    "has nothing on paper that may not be broken and is higher than half a page, but the matrix",
    () =>
      Effect.gen(function* () {
        yield* writeSyntheticRun({ labels, largest: 60, epochs: 6, seed: 4 })
        yield* writePages()
        const folder = yield* RunFolder
        const page = yield* openPage
        yield* look(page, new TextDecoder().decode(yield* folder.read("report.html")), 688)
        const least = yield* onPage(page, async (page) => {
          await page.emulateMedia({ media: "print" })
          // A page of A4 has 1016 pixels between its margins.
          return page.evaluate(`[...document.querySelectorAll("figure, .pair, .photo, tr, .card")]
          .filter((one) => one.closest("#confusion") === null || one.matches("tr"))
          .map((one) => one.getBoundingClientRect().height).filter((height) => height > 0.55 * 1016)`)
        })
        assert.deepStrictEqual(least, [])
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect.skipIf(chromium === undefined)("sorts its table of classes by a click, numbers as numbers, and back", () =>
    Effect.gen(function* () {
      const report = yield* writeSyntheticRun({ labels, largest: 120, epochs: 2, seed: 4 })
      yield* writePages()
      const folder = yield* RunFolder
      const page = yield* openPage
      yield* look(page, new TextDecoder().decode(yield* folder.read("report.html")), 1280)
      const column = (n: number) =>
        onPage(page, (page) => page.locator(`table.sortable tbody td:nth-child(${n})`).allTextContents())
      const supports = report.test!.perClass.map(({ support }) => support).sort((a, b) => b - a)
      yield* onPage(page, (page) => page.getByRole("button", { name: "samples" }).click())
      assert.deepStrictEqual((yield* column(5)).map(Number), supports)
      yield* onPage(page, (page) => page.getByRole("button", { name: "samples" }).click())
      assert.deepStrictEqual((yield* column(5)).map(Number), supports.toReversed())
      yield* onPage(page, (page) => page.getByRole("button", { name: "class" }).click())
      const names = yield* column(1)
      assert.deepStrictEqual(names, names.toSorted().toReversed())
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )

  it.effect.skipIf(chromium === undefined)("follows light and dark, and prints on white", () =>
    Effect.gen(function* () {
      yield* writeSyntheticRun({ labels: labels.slice(4, 12), largest: 40, epochs: 2, seed: 4 })
      yield* writePages()
      const folder = yield* RunFolder
      const page = yield* openPage
      yield* look(page, new TextDecoder().decode(yield* folder.read("report.html")), 1280)
      const colours = (emulated: { colorScheme?: "light" | "dark"; media?: "print" | "screen" }) =>
        onPage(page, async (page) => {
          await page.emulateMedia(emulated)
          const of = (selector: string, key: string) =>
            page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${key}`)
          return [await of("body", "backgroundColor"), await of("#confusion svg", "color")]
        })
      assert.deepStrictEqual(yield* colours({ colorScheme: "light" }), ["rgb(255, 255, 255)", "rgb(29, 35, 40)"])
      assert.deepStrictEqual(yield* colours({ colorScheme: "dark" }), ["rgb(21, 25, 29)", "rgb(228, 232, 235)"])
      assert.strictEqual((yield* colours({ colorScheme: "dark", media: "print" }))[0], "rgb(255, 255, 255)")
    }).pipe(Effect.scoped, Effect.provide(Layer.fresh(layers)))
  )
})
