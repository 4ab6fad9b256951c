import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Comparison, Given, Measured } from "../../bench/Comparison.ts"
import { figureOf, median } from "../../bench/Comparison.ts"
import { measure } from "../../bench/measure.ts"
import { hasFailed, sectionOf } from "../../bench/section.ts"
import { comparisons, suites } from "../../bench/suites.ts"

const at = {
  when: "2031-02-03 04:05",
  processor: "A processor",
  cores: 3,
  load: 0.5,
  node: "24.1.0",
  rounds: 3,
  command: "pnpm bench epoch"
}
const figures = [{ name: "work", field: "speed", unit: "images/s", target: { ratio: 1.5 } }] as const
const comparison: Comparison = {
  suite: "epoch",
  ours: { label: "ours", program: "node", args: ["a.ts"] },
  peer: { label: "theirs", program: "torch", args: ["a.py"] },
  figures
}
const line = (speed: number): Given => ({ line: { speed } })
const measured = (rounds: Measured["rounds"], of = comparison): Measured => ({
  comparison: of,
  commands: { ours: "node a.ts", peer: "python a.py" },
  rounds
})
const rowOf = (one: Measured) => sectionOf(at, [one]).split("\n")[6]

describe("the section of a bench", () => {
  it("has medians, all rounds, the median of the rounds' ratios, and whether the target is met", () => {
    // A round under load halves both; the ratio of the medians would be 1.5.
    const rounds = [
      { ours: line(300), peer: line(100) },
      { ours: line(150), peer: line(50) },
      { ours: line(140), peer: line(140) }
    ]
    assert.strictEqual(
      rowOf(measured(rounds)),
      "| work | ours: 150 images/s (300, 150, 140) | theirs: 100 images/s (100, 50.0, 140) | 3.00 | 1.5 times: met |"
    )
    assert.include(rowOf(measured(rounds.slice(2))), "| 1.00 | 1.5 times: missed |")
  })

  it("says the machine, the load, and the commands", () => {
    const text = sectionOf(at, [measured([{ ours: line(1), peer: line(1) }])])
    assert.match(text, /^## 2031-02-03 04:05: `pnpm bench epoch`\n/)
    assert.include(text, "A processor, 3 processors, load before 0.5; Node 24.1.0")
    assert.include(text, "- `node a.ts`, `python a.py`\n")
  })

  it("says why a side is empty, and takes that of ours for a failure", () => {
    const missing = { missing: "no Python at .peers/bin/python" }
    const one = measured([{ ours: line(200), peer: missing }])
    assert.strictEqual(
      rowOf(one),
      "| work | ours: 200 images/s | theirs: no Python at .peers/bin/python |  | 1.5 times: not measured |"
    )
    assert.isFalse(hasFailed([one]))
    assert.isTrue(hasFailed([measured([{ ours: missing, peer: line(1) }])]))
  })

  it("holds a figure of ours alone against a bound", () => {
    const alone: Comparison = {
      suite: "memory",
      ours: comparison.ours,
      figures: [{ name: "growth", field: "mib", unit: "MiB", target: { atMost: 8 } }]
    }
    const rounds = [3, 9, 7].map((mib) => ({ ours: { line: { mib } }, peer: undefined }))
    assert.strictEqual(
      rowOf(measured(rounds, alone)),
      "| growth | ours: 7.000 MiB (3.000, 9.000, 7.000) |  |  | at most 8: met |"
    )
  })

  it("takes the middle of an odd number and the mean of the middle two of an even one", () => {
    assert.deepStrictEqual([median([9, 1, 4]), median([9, 1, 4, 5])], [4, 4.5])
  })

  it("takes a side's list for its median, and nothing else than numbers", () => {
    const of = (speed: unknown) => figureOf({ line: { speed } }, "speed")
    assert.deepStrictEqual([of([3, 9, 4]), of(7), of([]), of("7"), of(null)], [4, 7, undefined, undefined, undefined])
  })

  it("has something to measure in every suite", () => {
    for (const suite of suites)
      assert.isTrue(
        comparisons.some((one) => one.suite === suite),
        suite
      )
    for (const one of comparisons) assert.include(suites, one.suite)
  })
})

describe("measuring", () => {
  const options = { data: "photos", large: "large", peers: "peers", rounds: 2 }
  const script = (text: string) => ({ label: "node", program: "node", args: ["--eval", text] }) as const

  it.live("runs each side in a process of its own and takes its last line; what is missing is said once", () =>
    Effect.gen(function* () {
      const { rounds } = yield* measure(
        {
          suite: "epoch",
          ours: script(`console.log("a note"); console.log(JSON.stringify({ pid: process.pid, speed: 7 }))`),
          peer: script(`console.error("first"); console.error("no such photo"); process.exit(3)`),
          figures
        },
        options
      )
      const pids = rounds.map(({ ours }) => ("line" in ours ? ours.line["pid"] : ours.missing))
      assert.isTrue(pids.every((pid) => typeof pid === "number" && pid !== process.pid))
      assert.notStrictEqual(pids[0], pids[1])
      assert.deepStrictEqual(rounds[1]?.peer, { missing: "ended with code 3: no such photo" })
    })
  )

  it.live("says so where a side prints something else than its figures", () =>
    Effect.gen(function* () {
      const { rounds } = yield* measure({ suite: "epoch", ours: script(`console.log("fast")`), figures }, options)
      assert.deepStrictEqual(rounds[0], { ours: { missing: "printed no JSON line: fast" }, peer: undefined })
    })
  )
})
