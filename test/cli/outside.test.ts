import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { catalogueConfig, writeCatalogue } from "../catalogue.ts"
import { weft } from "./run.ts"

let folder: string
const run = (...args: ReadonlyArray<string>) => weft(args, folder)

/** Labels that a terminal or a spreadsheet would obey. */
const labels = { apple: "=1+1", leaf: "leaf\u2066\u200f", plum: "p\u202elum" }

/** Text without anything that a terminal obeys. */
const isPlain = (text: string) => !/[^\P{Cc}\n]|\p{Bidi_Control}/u.test(text)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-outside-"))
  await writeCatalogue(join(folder, "data"))
  const list = await readFile(join(folder, "data", "list.csv"), "utf8")
  const rows = list.replace(/,(apple|leaf|plum)\r/g, (_, kind: keyof typeof labels) => `,"${labels[kind]}"\r`)
  // The table says é as one character, the disk as two.
  await rename(join(folder, "data/photos/leaf-1.png"), join(folder, "data/photos/le\u0301af-1.png"))
  const spelled = rows.replace("leaf-1.png", "l\u00e9af-1.png").replace("broken", "bro\u001b[1mken")
  await writeFile(join(folder, "data", "list.csv"), spelled)
  await writeFile(join(folder, "config.toml"), catalogueConfig("data"))
  const trained = await run("train", "--config", "config.toml", "--run", "run")
  assert.strictEqual(trained.code, 0, trained.stderr)
  assert.isTrue(isPlain(trained.stdout + trained.stderr), JSON.stringify(trained))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("labels, names and rows from outside", () => {
  it("name a photo whose name has another Unicode form on the disk, and it is trained on", async () => {
    const report = JSON.parse(await readFile(join(folder, "run", "report.json"), "utf8"))
    assert.strictEqual(report.data.kept, 36)
    const photo = await run(
      "predict",
      "--run",
      "run",
      "--json",
      "data/photos/l\u00e9af-1.png",
      "data/photos/l\u00e9af-?.png"
    )
    assert.deepStrictEqual(
      JSON.parse(photo.stdout).predictions.map(({ path }: { path: string }) => path),
      ["data/photos/le\u0301af-1.png", "data/photos/le\u0301af-1.png"]
    )
  })

  it("that are listed and are not UTF-8 are refused, one by one", async () => {
    const names = Buffer.concat([Buffer.from("data/photos/leaf-0.png\n"), Buffer.from([0x66, 0xff]), Buffer.from("\n")])
    const listed = await weft(["predict", "--run", "run", "--json", "-"], folder, undefined, names)
    assert.strictEqual(listed.code, 0, listed.stderr)
    assert.deepStrictEqual(
      JSON.parse(listed.stdout).predictions.map(({ reason }: { reason?: string }) => reason),
      [undefined, "nameNotUtf8"]
    )
  })

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
