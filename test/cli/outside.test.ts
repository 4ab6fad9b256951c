import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { catalogueConfig, writeCatalogue } from "../catalogue.ts"
import { weft } from "./run.ts"

let folder: string
const run = (...args: ReadonlyArray<string>) => weft(args, folder)

/** Labels that a terminal or a spreadsheet would obey. */
const labels = { apple: "=1+1", leaf: "leaf\u2066\u200f", plum: "p\u202elum" }

/** Text without anything that a terminal obeys. */
const isPlain = (text: string) => !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e]/.test(text)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-outside-"))
  await writeCatalogue(join(folder, "data"))
  const list = await readFile(join(folder, "data", "list.csv"), "utf8")
  const rows = list.replace(/,(apple|leaf|plum)\r/g, (_, kind: keyof typeof labels) => `,"${labels[kind]}"\r`)
  await writeFile(join(folder, "data", "list.csv"), rows.replace("broken", "bro\u001b[1mken"))
  await writeFile(join(folder, "config.toml"), catalogueConfig("data"))
  const trained = await run("train", "--config", "config.toml", "--run", "run")
  assert.strictEqual(trained.code, 0, trained.stderr)
  assert.isTrue(isPlain(trained.stdout + trained.stderr), JSON.stringify(trained))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("labels, names and rows from outside", () => {
  it("reach no terminal as they are, and JSON whole", async () => {
    const ends = [
      await run("inspect", "--config", "config.toml"),
      await run("inspect", "--config", "config.toml", "--json"),
      await run("evaluate", "--run", "run"),
      await run("predict", "--run", "run", "data/photos/leaf-0.png", "no\u001bc\u202e\nname.png"),
      await run("predict", "--run", "run", "--json", "data/photos/leaf-0.png", "no\u001bc\u202e\nname.png"),
      await run("predict", "--run", "run\u001b[2J", "x.png"),
      await run("train", "--config", "no\u001b[2J\u0007.toml"),
      await run("train", "--config", "config.toml", "--set", "train.\u001b[2J=1"),
      await run("train", "--\u001b[2J"),
      await run("\u001b[2J")
    ]
    for (const { stderr, stdout } of ends) assert.isTrue(isPlain(stdout + stderr), JSON.stringify(stdout + stderr))
    const { classes } = JSON.parse(ends[1]!.stdout)
    assert.deepStrictEqual(classes.map(({ label }: { label: string }) => label).sort(), Object.values(labels).sort())
    assert.match(ends[3]!.stdout, /\nno\\u001bc\\u202e\\nname\.png +! there is no such file\n$/)
    assert.strictEqual(JSON.parse(ends[4]!.stdout).predictions[1].path, "no\u001bc\u202e\nname.png")
  })

  it("are no formulas in CSV, where a program finds every character else", async () => {
    await cp(join(folder, "data", "photos", "leaf-0.png"), join(folder, "+leaf.png"))
    const csv = await run("predict", "--run", "run", "--format", "csv", "-k", "3", "+leaf.png", "@none.png")
    assert.strictEqual(csv.code, 0, csv.stderr)
    assert.match(csv.stdout, /\r\n'\+leaf\.png,/)
    assert.match(csv.stdout, /\r\n'@none\.png,/)
    assert.match(csv.stdout, /,'=1\+1,[\d.e-]+/)
    assert.include(csv.stdout, labels.plum)
  })
})
