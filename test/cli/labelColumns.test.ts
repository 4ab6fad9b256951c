import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import { draw } from "../../src/pipeline/draw.ts"
import { weft } from "./run.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-columns-"))
const run = (...args: ReadonlyArray<string>) => weft(args, folder)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rows = Array.from({ length: 24 }, (_, i) => [
  `${i}`,
  i % 2 === 0 ? "Tops" : "Caps",
  i === 3 ? "mauve" : i % 3 === 0 ? "" : i % 3 === 1 ? "red" : "blue",
  i % 4 === 0 ? "new; wool" : "wool;odd " + i
])

beforeAll(async () => {
  mkdirSync(join(folder, "shop", "images"), { recursive: true })
  writeFileSync(
    join(folder, "shop", "list.csv"),
    `id,type,colour,tags\n${rows.map((row) => `${row.join(",")}\n`).join("")}`
  )
  for (const [id = ""] of rows) {
    const random = draw("columns test", id)
    const pixels = Uint8Array.from({ length: 20 * 24 * 3 }, () => random.below(256))
    await sharp(pixels, { raw: { width: 20, height: 24, channels: 3 } })
      .jpeg()
      .toFile(join(folder, "shop", "images", `${id}.jpg`))
  }
  writeFileSync(
    join(folder, "columns.toml"),
    `[data]
root = "shop"
csv = "list.csv"
minPerClass = 4
[data.columns]
label = ["type", "colour", { column = "tags", separator = ";" }]
`
  )
})

describe("several label columns on the command line", () => {
  it("are inspected one by one", async () => {
    const { code, stderr, stdout } = await run("inspect", "--config", "columns.toml")
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, /^24 rows listed = 24 kept\n3 label columns: 2\d to train on/)
    assert.match(stdout, /^type: 2 classes\n24 rows known\n/m)
    assert.match(stdout, /^colour: 2 classes\n16 rows known, 7 empty, 1 with rare values only\n/m)
    assert.match(stdout, /^left out: mauve 1$/m)
    assert.match(stdout, /^tags: 2 classes, several in a row\n24 rows known\n/m)
    const json = await run("inspect", "--config", "columns.toml", "--json")
    const { classes, columns } = JSON.parse(json.stdout)
    assert.strictEqual(classes.length, 2)
    assert.deepStrictEqual(
      columns.map(({ empty, known, name, perClass, rare, values }: Record<string, unknown>) => [
        name,
        values,
        known,
        empty,
        rare,
        Array.isArray(perClass) && perClass.length
      ]),
      [
        ["type", "one", 24, 0, 0, 2],
        ["colour", "one", 16, 7, 1, 3],
        ["tags", "several", 24, 0, 0, 20]
      ]
    )
  })

  it("are written into a configuration by --label, with commas between them, the first one checked at once", async () => {
    const written = await run(
      "init",
      "shop/list.csv",
      "--label",
      "type, colour",
      "--set",
      "data.minPerClass=5",
      "--out",
      "shop.toml"
    )
    assert.strictEqual(written.code, 0, written.stderr)
    assert.match(written.stdout, /`type` is the label \(2 values\)/)
    assert.match(
      readFileSync(join(folder, "shop.toml"), "utf8"),
      /^columns = \{ id = "id", label = \["type", "colour"\] \}$/m
    )
    const inspected = await run("inspect", "--config", "shop.toml", "--json")
    assert.strictEqual(inspected.code, 0, inspected.stderr)
    assert.strictEqual(JSON.parse(inspected.stdout).columns.length, 2)
    const missing = await run("init", "shop/list.csv", "--label", "types,colour", "--out", "x.toml")
    assert.strictEqual(missing.code, 2)
    assert.match(missing.stderr, /there is no column `types`, which --label names/)
  })

  it("are measured again on any part, also where the first one has several values, with a page that has each of them", async () => {
    for (const [name, label] of [
      ["one", '["type","colour",{"column":"tags","separator":";"}]'],
      ["several", '[{"column":"tags","separator":";"},"type"]'],
      ["tags", '[{"column":"tags","separator":";"}]']
    ] as const) {
      const settings = [`data.columns.label=${label}`, "image.height=48", "image.width=48", "train.epochs=1"]
      const trained = await run(
        "train",
        "--config",
        "columns.toml",
        "--run",
        name,
        ...[...settings, "calibration={}", "data.split.train=0.5", "data.split.validation=0.4"].flatMap((set) => [
          "--set",
          set
        ])
      )
      assert.strictEqual(trained.code, 0, trained.stderr)
      const { code, stderr, stdout } = await run("evaluate", "--run", name, "--part", "validation", "--json")
      assert.strictEqual(code, 0, stderr)
      const { report, samples } = JSON.parse(stdout)
      assert.isAbove(samples, 3)
      const page = readFileSync(join(folder, name, "report-validation.html"), "utf8")
      const columns: ReadonlyArray<{ readonly accuracy: number }> = Object.values(report.columns ?? { only: report })
      assert.strictEqual(columns.length, name === "one" ? 3 : name === "several" ? 2 : 1)
      for (const [k, { accuracy }] of columns.entries()) {
        const [, section = ""] = page.split(`<section id="column-${k + 1}">`)
        assert.include(section.split("</section>")[0], `${(accuracy * 100).toFixed(1)} %`)
      }
      // The stored predictions are those that were measured: photos are shown.
      if (name === "one") assert.match(page, /data:image\/webp/)
    }
  }, 120_000)

  it("are refused by what is wrong with the list, the column, or its key", async () => {
    const refused = async (label: string) => {
      const { code, stderr } = await run("inspect", "--config", "columns.toml", "--set", `data.columns.label=${label}`)
      return `${code}: ${stderr}`
    }
    assert.match(await refused('["type","type"]'), /^2: .*every label column once; "type" stands there twice/s)
    assert.match(await refused('["type","id"]'), /^2: .*a `label` that is another column than the `id`/s)
    assert.match(
      await refused('["type",{"column":"colour","seperator":";"}]'),
      /^2: .*there is no key `data.columns.label.1.seperator`/s
    )
    assert.match(
      await refused('[{"column":"type","separator":""}]'),
      /^2: .*Expected a character or more, such as `;`/s
    )
    assert.match(
      await refused('[{"column":"type","parent":"group"},"colour"]'),
      /^2: .*a label column of the list as the parent of "type", which is "group"; there are "type", "colour"/s
    )
    assert.match(
      await refused('[{"column":"type","parent":"colour"},{"column":"colour","parent":"type"}]'),
      /^2: .*go round in a circle/s
    )
    assert.match(
      await refused('["type","colours"]'),
      /^3: .*has no column "colours", which `data.columns.label` names; did you mean "colour"\? .*Name some of them in the list/s
    )
  })
})
