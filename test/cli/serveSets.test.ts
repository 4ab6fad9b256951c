import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { draw } from "../../src/pipeline/draw.ts"
import { temporaryFolder } from "../temporaryFolder.ts"
import { weft } from "./run.ts"
import { call, start, until } from "./servedRun.ts"

/** Sixty photos, each with the set of the halves and colours that are lit in it, and a run whose first column has them. */
const trainedOnSets = (folder: string) =>
  Effect.promise(async () => {
    mkdirSync(join(folder, "photos", "images"), { recursive: true })
    const rows = Array.from({ length: 60 }, (_, i) => ({
      id: `${i}`,
      type: i % 2 === 0 ? "Tops" : "Caps",
      tags: [...(i % 3 > 0 ? ["red"] : []), ...(i % 5 > 1 ? ["low"] : []), ...(i % 3 === 0 && i % 5 < 2 ? ["odd"] : [])]
    }))
    for (const { id, tags, type } of rows) {
      const random = draw("serve sets", id)
      const pixels = Uint8Array.from({ length: 48 * 56 * 3 }, (_, i) => {
        const [y, channel] = [Math.floor(i / (48 * 3)), i % 3]
        const isLit =
          (channel === 0 && tags.includes("red")) ||
          (channel === 1 && tags.includes("low") && y > 28) ||
          (channel === 2 && type === "Tops")
        return random.below(60) + (isLit ? 190 : 0)
      })
      const image = sharp(pixels, { raw: { width: 48, height: 56, channels: 3 } })
      await image.jpeg().toFile(join(folder, "photos", "images", `${id}.jpg`))
    }
    writeFileSync(
      join(folder, "photos", "styles.csv"),
      `id,type,tags\r\n${rows.map(({ id, tags, type }) => `${id},${type},${tags.join("; ")}\r\n`).join("")}`
    )
    writeFileSync(
      join(folder, "sets.toml"),
      `data = { root = "photos", minPerClass = 4, columns = { label = [{ column = "tags", separator = ";" }, "type"] } }
image = { height = 48, width = 48 }
train = { epochs = 2, batchSize = 8 }
`
    )
    const { code, stderr } = await weft(["train", "--config", "sets.toml", "--run", "shop"], folder)
    assert.strictEqual(code, 0, stderr)
  })

interface Predictions {
  readonly images: ReadonlyArray<{ readonly columns: ReadonlyArray<{ readonly labels?: ReadonlyArray<string> }> }>
}

it.live(
  "a run with several values in a cell becomes a desk: suggested sets, answered lists, the shop's CSV, a retraining and its gate",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trainedOnSets(folder)
      const list = readFileSync(join(folder, "photos", "styles.csv"), "utf8")
      const report = JSON.parse(readFileSync(join(folder, "shop", "report.json"), "utf8"))
      const thresholds = new Map<string, number>(
        report.test.perClass.map(({ label, threshold }: { readonly label: string; readonly threshold: number }) => [
          label,
          threshold
        ])
      )
      const { child, url } = yield* start(folder, ["--blind", "0"])
      yield* until(`${url}/v1/progress`, ({ total }) => total === 60)
      const { json: queued } = yield* call(`${url}/v1/queue/next`, { order: "disagreement", count: 60 }).pipe(
        Effect.filterOrFail(({ json }) => json.length > 3),
        Effect.retry(Schedule.spaced("200 millis"))
      )
      const tasks = queued.filter(({ blind }: { readonly blind: boolean }) => !blind)
      interface Suggested {
        readonly label: string
        readonly probability: number
        readonly threshold: number
      }
      // Each class has the threshold that was chosen on the validation part, and the photo's prediction says the same.
      const [first] = tasks
      assert.deepStrictEqual(
        first.columns.map(({ column, several }: Record<string, unknown>) => [column, several]),
        [
          ["tags", true],
          ["type", undefined]
        ]
      )
      const suggestions: ReadonlyArray<Suggested> = first.columns[0].suggestions
      for (const { label, threshold } of suggestions) assert.strictEqual(threshold, thresholds.get(label))
      const photo = readFileSync(join(folder, "photos", "images", first.name))
      const predicted = yield* Effect.promise(async () => {
        const headers = { "content-type": "image/jpeg" }
        const reply = await fetch(`${url}/v1/predict`, { method: "POST", headers, body: new Uint8Array(photo) })
        return (await reply.json()) as Predictions
      })
      assert.deepStrictEqual(
        predicted.images[0]?.columns[0]?.labels,
        suggestions
          .filter(({ probability, threshold }) => probability >= threshold)
          .map(({ label }) => label)
          .toSorted()
      )

      const answered = new Map<string, ReadonlyArray<string>>()
      for (const { digest } of tasks) {
        const { json: item } = yield* call(`${url}/v1/items/${digest}`)
        if (item.part !== "train" || answered.size === 6) continue
        const { json: task } = yield* call(`${url}/v1/queue/take`, { digest })
        const answer = (value: unknown) =>
          call(`${url}/v1/queue/answer`, {
            digest,
            version: task.version,
            values: [{ column: "tags", value }],
            seconds: 1
          })
        const wrong = yield* answer("red")
        assert.deepStrictEqual([wrong.status, wrong.json._tag], [422, "WrongValue"])
        const value = task.columns[0].value.includes("red") ? ["low", "odd"] : ["red"]
        assert.strictEqual((yield* answer(value)).status, 200)
        answered.set(item.rows[0].id, value)
      }
      assert.isAbove(answered.size, 0)
      const expected = list.replaceAll(/^(\d+),(\w+),(.*)\r$/gm, (line, id: string, type: string, cell: string) => {
        const to = answered.get(id)
        if (to === undefined) return line
        const before = cell.split("; ")
        const now = [...before.filter((tag) => to.includes(tag)), ...to.filter((tag) => !before.includes(tag))]
        return `${id},${type},${now.join(";")}\r`
      })
      assert.strictEqual((yield* call(`${url}/v1/export.csv`)).text, expected)

      yield* call(`${url}/v1/retrain`, {})
      const ended = yield* until(`${url}/v1/retrain`, ({ state }) => ["heldBack", "failed", "promoted"].includes(state))
      assert.strictEqual(ended.state, "heldBack", String(ended["detail"]))
      const run = join(folder, "shop-desk", "runs", String(ended["run"]))
      const { columns } = ended["verdict"] as { readonly columns: ReadonlyArray<{ readonly column: string }> }
      assert.deepStrictEqual(
        columns.map(({ column }) => column),
        ["tags", "type"]
      )
      // It was trained on the corrected sets: there are as many of each class as the exported catalogue has.
      const counts = (
        all: ReadonlyArray<Record<"train" | "validation" | "test", number> & { readonly label: string }>
      ) => Object.fromEntries(all.map(({ label, test, train, validation }) => [label, train + validation + test]))
      const inCsv = expected
        .split("\r\n")
        .slice(1, -1)
        .flatMap((line) => (line.split(",")[2] ?? "").split(";").map((tag) => tag.trim()))
      const retrained = JSON.parse(readFileSync(join(run, "report.json"), "utf8"))
      assert.deepStrictEqual(
        counts(retrained.data.columns[0].perClass),
        Object.fromEntries(
          ["low", "odd", "red"].map((tag) => [tag, inCsv.filter((one) => one === tag).length] as const)
        )
      )
      for (const _ of answered) assert.strictEqual((yield* call(`${url}/v1/queue/undo`, {})).status, 200)
      assert.strictEqual((yield* call(`${url}/v1/export.csv`)).text, list)
      child.kill("SIGTERM")
    }),
  180_000
)
