import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parseHTML } from "linkedom"
import * as PlotCharts from "../../../src/layers/pages/PlotCharts.ts"
import type { Chart, LineChart, MatrixChart } from "../../../src/run/report/Chart.ts"
import { Charts } from "../../../src/run/report/Charts.ts"

const lines: LineChart = {
  kind: "lines",
  title: "Loss over epochs",
  x: { label: "epoch", whole: true },
  y: { label: "loss <nats>" },
  mark: "both",
  series: [
    { name: "training", points: [1, 2, 3].map((x) => ({ x, y: 3 / x })) },
    { name: "<b>validation</b>", points: [1, 2, 3].map((x) => ({ x, y: x === 2 ? null : 4 / x })) }
  ]
}
const matrix: MatrixChart = {
  kind: "matrix",
  title: "Confusion",
  labels: ["cap", "<script>alert(1)</script>", "cap"],
  counts: [
    [8, 2, 0],
    [0, 5, 1],
    [0, 0, 0]
  ]
}

const svgOf = (chart: Chart, look: "page" | "paper" = "page") =>
  Charts.use((charts) => charts.svg(chart, { for: look }))
const parsed = (svg: string) => parseHTML(`<body>${svg}</body>`).document
const textsOf = (svg: string, selector: string) =>
  [...parsed(svg).querySelectorAll(selector)].map((node) => node.textContent)

describe("charts by Observable Plot", () => {
  it.effect("draw every point, say its value on hovering, and leave out what is not there", () =>
    Effect.gen(function* () {
      const svg = yield* svgOf(lines)
      const titles = textsOf(svg, "circle title")
      assert.deepStrictEqual(titles, [
        "training, epoch 1: 3",
        "training, epoch 2: 1.5",
        "training, epoch 3: 1",
        "<b>validation</b>, epoch 1: 4",
        "<b>validation</b>, epoch 3: 1.333"
      ])
      const ticks = textsOf(svg, "[aria-label='x-axis tick label'] text")
      assert.deepStrictEqual(ticks, ["1", "2", "3"])
      assert.include(textsOf(svg, "text"), "<b>validation</b>")
      assert.strictEqual(parsed(svg).querySelector("svg")?.getAttribute("aria-label"), "Loss over epochs")
    }).pipe(Effect.provide(PlotCharts.layer))
  )

  it.effect("say of each cell of a confusion its count and its share, two classes of one name included", () =>
    Effect.gen(function* () {
      const svg = yield* svgOf(matrix)
      assert.deepStrictEqual(textsOf(svg, "rect title"), [
        "cap: right 8 of 10 (80.0 %)",
        "cap taken for <script>alert(1)</script>: 2 of 10 (20.0 %)",
        "<script>alert(1)</script>: right 5 of 6 (83.3 %)",
        "<script>alert(1)</script> taken for cap: 1 of 6 (16.7 %)"
      ])
      const cells = [...parsed(svg).querySelectorAll("rect[fill='var(--c0)'], rect[fill='var(--c1)']")]
      assert.strictEqual(cells.length, 4)
      const at = (cell: (typeof cells)[number] | undefined, key: string) => Number(cell?.getAttribute(key))
      assert.isBelow(at(cells[0], "x"), at(cells[1], "x"))
      assert.strictEqual(at(cells[0], "y"), at(cells[1], "y"))
      assert.isBelow(at(cells[1], "fill-opacity"), at(cells[0], "fill-opacity"))
      assert.isBelow(at(cells[1], "y"), at(cells[3], "y"))
    }).pipe(Effect.provide(PlotCharts.layer))
  )

  it.effect("stack the parts of bars from the left, one row a class", () =>
    Effect.gen(function* () {
      const svg = yield* svgOf({
        kind: "bars",
        title: "Rows",
        x: { label: "rows" },
        y: { label: "class" },
        parts: ["kept", "refused"],
        rows: [
          { label: "cap", values: [30, 10] },
          { label: "scarf", values: [20, 0] }
        ]
      })
      const titles = textsOf(svg, "rect title")
      assert.includeMembers(titles, ["cap, kept: 30", "cap, refused: 10", "scarf, kept: 20"])
      const bar = (title: string) => {
        const rect = [...parsed(svg).querySelectorAll("rect")].find((node) => node.textContent === title)
        return { x: Number(rect?.getAttribute("x")), width: Number(rect?.getAttribute("width")) }
      }
      assert.approximately((bar("cap, kept: 30").width + 3) / (bar("cap, refused: 10").width + 3), 3, 0.05)
      assert.isAbove(bar("cap, refused: 10").x, bar("cap, kept: 30").x + bar("cap, kept: 30").width)
    }).pipe(Effect.provide(PlotCharts.layer))
  )

  it.effect("follow the page's colours, and have their own on paper; neither holds script, style or a reference", () =>
    Effect.gen(function* () {
      for (const chart of [lines, matrix]) {
        const onPage = yield* svgOf(chart)
        const onPaper = yield* svgOf(chart, "paper")
        assert.match(onPage, /var\(--c0\)/)
        assert.notMatch(onPaper, /var\(|currentColor/)
        assert.match(onPaper, /#0072b2/)
        for (const svg of [onPage, onPaper]) {
          assert.notMatch(svg, /<script|<style|href=|url\(/)
          assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
        }
      }
    }).pipe(Effect.provide(PlotCharts.layer))
  )

  it.effect("come of data in which there is next to nothing", () =>
    Effect.gen(function* () {
      const one = { ...lines, series: [{ name: "training", points: [{ x: 1, y: 0.5 }] }] }
      assert.strictEqual(textsOf(yield* svgOf({ ...one, mark: "line" }), "circle").length, 1)
      yield* svgOf({ ...lines, series: [] })
      yield* svgOf({ ...matrix, labels: ["cap"], counts: [[0]] })
      yield* svgOf({ kind: "bars", title: "", x: { label: "" }, y: { label: "" }, parts: ["a"], rows: [] })
    }).pipe(Effect.provide(PlotCharts.layer))
  )
})
