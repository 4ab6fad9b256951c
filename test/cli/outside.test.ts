import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { cp, mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from "node:fs/promises"
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
  const base = catalogueConfig("data")
    .replace('name = "test"', "[base]")
    .replace(/^\[(\w+)\]$/gm, "[base.$1]")
  await writeFile(
    join(folder, "search.toml"),
    `name = "rates"\n${base.replace("[base.base]", "[base]")}[[axes]]\npath = "train.learningRate"\nvalues = [0.1, 0.01]\n`
  )
  await mkdir(join(folder, "folder.toml"))
  await mkdir(join(folder, "runs", "half"), { recursive: true })
  await writeFile(join(folder, "runs", "half", "config.json"), "{}")
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

  it("are no formulas in CSV, and have no control characters there; a program finds every character else", async () => {
    await cp(join(folder, "data", "photos", "leaf-0.png"), join(folder, "+leaf.png"))
    const csv = await run(
      "predict",
      "--run",
      "run",
      "--format",
      "csv",
      "-k",
      "3",
      "+leaf.png",
      "@none.png",
      "\u001b[2J.png"
    )
    assert.strictEqual(csv.code, 0, csv.stderr)
    assert.match(csv.stdout, /\r\n'\+leaf\.png,/)
    assert.match(csv.stdout, /\r\n'@none\.png,/)
    // What no CSV may have: it reaches whatever shows the file.
    assert.match(csv.stdout, /\r\n\\u001b\[2J\.png,/)
    assert.notInclude(csv.stdout, "\u001b")
    assert.match(csv.stdout, /,'=1\+1,[\d.e-]+/)
    assert.include(csv.stdout, labels.plum)
  })
})

describe("a command line that is wrong", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
    [["inspect", "--epochs", "3"], 2, /^--epochs: train\.epochs is a key of the configuration: --set train\.epochs=3$/],
    [
      ["train", "data", "--config", "config.toml"],
      2,
      /leave one out\. Where that configuration's catalogue lies: --data DIR$/
    ],
    [["train", "data", "--data", "run"], 2, /^data --data run: these are two catalogues/],
    [
      ["train", "--epochs", "3", "-s", "train.epochs=5"],
      2,
      /^--epochs 3 --set train\.epochs=5: both set train\.epochs/
    ],
    [["train", "data", "--size", "64", "-s", "image.width=48"], 2, /^--size 64x64 --set image\.width=48: both set/],
    [
      ["train", "-c", "config.toml", "--epochs", "0"],
      2,
      /with --epochs 0: --epochs: Expected a value between 1 and 100000, got 0$/
    ],
    [
      ["train", "--size", "big"],
      2,
      /^--size big: expected a height and a width such as 64x48, or one number, got big$/
    ],
    [
      ["train", "-c", "config.toml", "--size", "4x2000"],
      2,
      /with --size 4x2000: --size: Expected a value between 8 and 2048, got 4$/
    ],
    [["train", "-c", "config.toml", "--size", "16"], 2, /^--size 16x16: simple-cnn does not fit: /],
    [["train", "-c", "config.toml", "--network", "lenet"], 2, /with --network lenet: --network: Expected "simple-cnn"/],
    [["train", "-c", "config.toml", "--label", "sort"], 3, /no column "sort", which --label names.*Set --label to one/],
    [["train", "data", "--label", "sort"], 2, /^data\/list\.csv: there is no column `sort`, which --label names/],
    [["train", "--resume", "data"], 2, /^--resume data: a run goes on with the configuration that it began with/],
    [["train", "--resume", "--run", "run", "--size", "64"], 2, /^--resume --size 64x64: a run goes on with/],
    [
      ["train", "--resume", "--run", "run", "-s", "image.height=64"],
      2,
      /^--set image\.height: the run was begun with its own/
    ],
    [
      ["train", "--resume", "--run", "run", "--epochs", "1"],
      2,
      /^--epochs 1: the run is in epoch 2 already: name 2 or more$/
    ],
    [["init", "nowhere"], 2, /^nowhere: there is no such file or folder/],
    [["train", "--batch-size=16"], 2, /--set train\.batchSize=16$/],
    [["search", "--lr", "0.1"], 2, /--set base\.train\.learningRate=0\.1$/],
    [["train", "--confg", "x.toml"], 2, /^--confg: train has no such flag; did you mean --config\?/],
    [["predict", "--epochs", "3", "x.png"], 2, /^--epochs: predict has no such flag/],
    [["train", "config.toml"], 2, /--config config\.toml$/],
    [["train", "seed=3"], 2, /--set seed=3$/],
    [
      ["train", "My", "photos"],
      2,
      /^photos: train takes one path, and this is another; a path with blanks goes in quo/
    ],
    [["serve", "--port", "99999"], 2, /^--port 99999: expected a value between 0 and 65535$/],
    [["train", "--config", "config.toml", "--run", "data"], 2, /^--run data: this is the catalogue's own folder/],
    [["search", "--config", "search.toml", "--run", "data"], 2, /^--run data: this is the catalogue's own folder/],
    [["evaluate", "run"], 2, /--run run$/],
    [["train", "--resume"], 2, /^runs\/half\/config\.json: `data`: /],
    [["predict"], 2, /^predict needs a path: /],
    [["export"], 2, /^export needs --format: .*saved-model/],
    [["trian"], 2, /^trian: there is no such command; did you mean train\?/],
    [
      ["evaluate", "--run", "run", "--set", "image.height=8"],
      2,
      /^--set image\.height: evaluate does not use image\.height: /
    ],
    [["predict", "--run", "run", "--set", "train.epochs=2", "x.png"], 2, /^--set train\.epochs: predict does not use /],
    [["predict", "--run", "run", "--set", "data.root=.", "x.png"], 2, /^--set data\.root: predict does not use /],
    [["predict", "--run", "run", "--set", "image={}", "x.png"], 2, /^--set image: predict does not use /],
    [["train", "--config", "config.toml", "--run", "config.toml"], 2, /^config\.toml: this is a file/],
    [["train", "--config", "config.toml", "--run", "config.toml/below"], 2, /^config\.toml: this is a file/],
    [["report", "--run", "config.toml"], 2, /^config\.toml: this is a file/],
    [
      ["train", "--config", "folder.toml"],
      2,
      /^folder\.toml: the configuration cannot be read: this is a folder, and a file/
    ]
  ]
  for (const [args, code, message] of cases)
    it(`is answered with the way, in two lines at most: ${args.join(" ")}`, async () => {
      const ended = await run(...args)
      assert.strictEqual(ended.code, code, ended.stderr)
      assert.strictEqual(ended.stdout, "")
      const lines = ended.stderr.split("\n").filter((line) => line !== "" && !/^(run|engine) /.test(line))
      assert.isAtMost(lines.length, 2, ended.stderr)
      assert.match(lines.at(-1)!, message)
      assert.notMatch(ended.stderr, /FileSystem|AlreadyExists|BadResource|NotFound|E[A-Z]{4,}:/)
    })
})

describe("a run that is named, or not", () => {
  it("is named to report as to all other commands", async () => {
    const { code, stderr, stdout } = await run("report", "--run", "run", "--json")
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(JSON.parse(stdout), { page: "run/report.html" })
  })

  it("is the newest finished one, which standard error names", async () => {
    await cp(join(folder, "run"), join(folder, "runs", "z-older"), { recursive: true })
    await cp(join(folder, "run"), join(folder, "runs", "a-newer"), { recursive: true })
    await utimes(join(folder, "runs", "z-older", "report.json"), 1e9, 1e9)
    for (const args of [
      ["verify", "--no-data", "--json"],
      ["report", "--json"],
      ["predict", "--json", "data/photos/plum-0.png"]
    ]) {
      const { code, stderr, stdout } = await run(...args)
      assert.strictEqual(code, 0, stderr)
      assert.match(stderr, /^run runs\/a-newer, the newest that is finished$/m)
      JSON.parse(stdout)
    }
  })

  it("is applied with the limit on an image's pixels that `--set` gives, else with its own", async () => {
    const limit = ["--set", "image.maxPixels=300"]
    const refused = await run("predict", "--run", "run", ...limit, "--json", "data/photos/plum-0.png")
    assert.strictEqual(refused.code, 3)
    assert.match(JSON.parse(refused.stdout).predictions[0].error, /image\.maxPixels allows 300$/)
    const plain = await run("predict", "--run", "run", "--json", "data/photos/plum-0.png")
    const wider = await run(
      "predict",
      "--run",
      "run",
      "--set",
      "image.maxPixels=320",
      "--json",
      "data/photos/plum-0.png"
    )
    assert.strictEqual(wider.stdout, plain.stdout)
  })
})
