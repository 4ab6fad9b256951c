import { assert, beforeAll, describe, it, afterAll } from "@effect/vitest"
import { Schema } from "effect"
import { spawn } from "node:child_process"
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { percent } from "../../src/metrics/numberText.ts"
import { Report } from "../../src/metrics/Report.ts"
import type { MeasuredMember } from "../../src/run/evaluate/evaluateRuns.ts"
import { catalogueConfig, writeCatalogue } from "../catalogue.ts"
import { weft } from "./run.ts"

let folder: string
const run = (...args: ReadonlyArray<string>) => weft(args, folder)
const decodeReport = Schema.decodeUnknownSync(Schema.fromJsonString(Report))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-cli-"))
  await writeCatalogue(join(folder, "data"))
  await writeFile(join(folder, "config.toml"), catalogueConfig("data"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("weft train, evaluate, predict", () => {
  it("trains from a CSV and a folder, and leaves a run folder that adds up", async () => {
    const { code, stderr, stdout } = await run("train", "--config", "config.toml", "--run", "first")
    assert.strictEqual(code, 0, stderr)
    assert.match(
      stdout,
      /39 rows listed = 36 kept \+ 3 refused \(malformed row 1, photo not found 1, photo is damaged 1\); 3 classes/
    )
    assert.match(stdout, /Hardest classes/)
    assert.match(stderr, /epoch 2\/2 {2}train/)
    const report = decodeReport(await readFile(join(folder, "first", "report.json"), "utf8"))
    assert.deepStrictEqual(
      { listed: report.data.listed, kept: report.data.kept, refused: report.data.refused },
      { listed: 39, kept: 36, refused: { malformed: 1, imageMissing: 1, imageCorrupt: 1 } }
    )
    assert.strictEqual(report.data.train + report.data.validation + report.data.test, 36)
    assert.strictEqual(report.history.length, 2)
    assert.strictEqual(
      report.test!.confusion.flat().reduce((sum, n) => sum + n, 0),
      report.data.test
    )
    const history = (await readFile(join(folder, "first", "history.jsonl"), "utf8")).trimEnd().split("\n")
    assert.deepStrictEqual(
      history.map((line): unknown => JSON.parse(line)),
      [...report.history]
    )
    const ledger = (await readFile(join(folder, "first", "ledger.jsonl"), "utf8")).trimEnd().split("\n")
    assert.deepStrictEqual(ledger.map((line) => JSON.parse(line).line).sort(), [38, 39, 40])
  })

  it("prints one JSON document and nothing else with --json, and has the same result again", async () => {
    const { code, stdout } = await run("train", "--config", "config.toml", "--run", "second", "--json")
    assert.strictEqual(code, 0)
    const again = decodeReport(stdout)
    const first = decodeReport(await readFile(join(folder, "first", "report.json"), "utf8"))
    assert.deepStrictEqual(again.test, first.test)
    assert.deepStrictEqual(again.receipt, first.receipt)
    const weights = (run: string) => readFile(join(folder, run, "model", "model.safetensors"))
    assert.isTrue((await weights("first")).equals(await weights("second")))
  })

  it("evaluates a run again and finds the report's metrics", async () => {
    const { code, stderr, stdout } = await run("evaluate", "--run", "first", "--json")
    assert.strictEqual(code, 0, stderr)
    const first = decodeReport(await readFile(join(folder, "first", "report.json"), "utf8"))
    assert.deepStrictEqual(JSON.parse(stdout).report, JSON.parse(JSON.stringify(first.test)))
    const page = await readFile(join(folder, "first", "report-test.html"), "utf8")
    assert.include(page, `<b>${percent(first.test!.accuracy!)}</b>`)
    assert.match(page, /data:image\/webp/)
    const trained = await run("evaluate", "--run", "first", "--part", "train")
    assert.match(trained.stdout, /As a page: first\/report-train\.html/)
    const trainedPage = await readFile(join(folder, "first", "report-train.html"), "utf8")
    assert.match(trainedPage, /The model was trained on these photos/)
    assert.notMatch(trainedPage, /Likely label errors/)
  })

  it("leaves a page, charts and a model card, and makes them again when asked", async () => {
    const page = join(folder, "first", "report.html")
    const made = await readFile(page, "utf8")
    assert.match(made, /data:image\/webp/)
    assert.include(await readFile(join(folder, "first", "MODEL_CARD.md"), "utf8"), "# first")
    assert.includeMembers(await readdir(join(folder, "first", "charts")), ["confusion.svg", "loss.svg"])
    await rm(page)
    const again = await run("report", "first", "--json")
    assert.strictEqual(again.code, 0, again.stderr)
    assert.deepStrictEqual(JSON.parse(again.stdout), { page: "first/report.html" })
    assert.strictEqual(await readFile(page, "utf8"), made)
    const nowhere = await run("report", "nowhere")
    assert.strictEqual(nowhere.code, 2)
    assert.match(nowhere.stderr, /--run nowhere: there is no such folder/)
    const noRun = await run("report", "first", "data")
    assert.strictEqual(noRun.code, 2)
    assert.match(noRun.stderr, /--run data: there is no run and no search in this folder/)
  })

  it("says what is on photos, in their order, and of each unreadable one why", async () => {
    const files = ["data/photos/leaf-0.png", "data/photos/torn.png", "nowhere.png", "data/photos/plum-1.png"]
    const { code, stdout } = await run("predict", "--run", "first", "--top", "2", "--json", ...files)
    assert.strictEqual(code, 0)
    const { predictions } = JSON.parse(stdout)
    assert.deepStrictEqual(
      predictions.map(({ path }: { path: string }) => path),
      files
    )
    assert.strictEqual(predictions[0].classes.length, 2)
    assert.isAtLeast(predictions[0].classes[0].probability, predictions[0].classes[1].probability)
    assert.strictEqual(predictions[1].reason, "imageCorrupt")
    assert.strictEqual(predictions[2].reason, "imageMissing")
    const inFolder = await run("predict", "--run", "first", "data/photos")
    assert.strictEqual(inFolder.stdout.trimEnd().split("\n").length, 37)
  })

  it("takes names from standard input, patterns and folders, and writes JSON lines and CSV", async () => {
    const names = "data/photos/leaf-0.png\r\n\ndata/photos/*.png\ndata/photos/plum-1.png"
    const lines = await weft(["predict", "--run", "first", "--format", "jsonl", "-"], folder, undefined, names)
    assert.strictEqual(lines.code, 0, lines.stderr)
    const said = lines.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    assert.deepStrictEqual(
      said.map(({ path }) => path),
      ["data/photos/leaf-0.png", "data/photos/*.png", "data/photos/plum-1.png"]
    )
    assert.strictEqual(said[1].reason, "imageMissing")
    assert.match(lines.stderr, /1 of 3 could not be read/)
    const nul = "data/photos/plum-1.png\0two\nlines.png\0"
    const table = await weft(["predict", "--run", "first", "--null", "-"], folder, undefined, nul)
    assert.match(table.stdout, /^data\/photos\/plum-1\.png +\w+ .*\ntwo\\nlines\.png +! there is no such file\n$/)
    const csv = await run(
      "predict",
      "--run",
      "first",
      "--format",
      "csv",
      "-k",
      "2",
      "--threshold",
      "1",
      "data/photos/leaf-?.png",
      "a,b.png"
    )
    assert.strictEqual(csv.code, 0, csv.stderr)
    const [head, leaf, ...rest] = csv.stdout.trimEnd().split("\r\n")
    assert.strictEqual(head, "path,label,abstained,reason,error,class1,probability1,class2,probability2")
    assert.match(leaf!, /^data\/photos\/leaf-0\.png,,true,,,\w+,0\.\d+,\w+,[\d.e-]+$/)
    assert.strictEqual(rest.length, 10)
    assert.strictEqual(rest.at(-1), '"a,b.png",,,imageMissing,there is no such file,,,,')
  })

  it("gives the same probabilities by onnxruntime and by the engine that trained, to 1e-4", async () => {
    const by = async (engine: string) => {
      const { code, stderr, stdout } = await run(
        "predict",
        "--run",
        "first",
        "--engine",
        engine,
        "--json",
        "data/photos"
      )
      assert.strictEqual(code, 0, stderr)
      const found = JSON.parse(stdout)
      assert.strictEqual(found.engine, engine)
      return found.predictions
    }
    const [onnx, wasm] = [await by("onnxruntime"), await by("wasm")]
    assert.strictEqual(onnx.length, 37)
    for (const [i, { classes, path }] of onnx.entries()) {
      assert.strictEqual(wasm[i].path, path)
      const others = new Map(
        wasm[i].classes?.map((one: { label: string; probability: number }) => [one.label, one.probability])
      )
      for (const { label, probability } of classes ?? [])
        assert.approximately(others.get(label) as number, probability, 1e-4)
    }
  })

  it("measures several runs as one, each alone beside it", async () => {
    const settings = ["--set", "image.height=56", "--set", "train.learningRate=0.004", "--set", "calibration={}"]
    const trained = await run("train", "--config", "config.toml", "--run", "other", ...settings, "--json")
    assert.strictEqual(trained.code, 0, trained.stderr)
    const reports = [
      decodeReport(await readFile(join(folder, "first", "report.json"), "utf8")),
      decodeReport(trained.stdout)
    ]
    const pages = () => readdir(join(folder, "other"))
    const before = await pages()
    const both = ["--run", "first", "--run", "other"]
    const { code, stderr, stdout } = await run("evaluate", ...both, "--json")
    assert.strictEqual(code, 0, stderr)
    const found = JSON.parse(stdout)
    assert.deepStrictEqual(
      found.members.map(({ accuracy, loss, run }: MeasuredMember) => ({ run, loss, accuracy })),
      reports.map(({ test }, i) => ({ run: ["first", "other"][i], loss: test!.loss, accuracy: test!.accuracy }))
    )
    assert.strictEqual(found.members[1].temperature, reports[1]!.calibration!.temperature)
    assert.isBelow(found.report.loss, (reports[0]!.test!.loss! + reports[1]!.test!.loss!) / 2)
    const text = await run("evaluate", ...both)
    assert.match(text.stdout, /^\nfirst \+ other: test part \(\d+ images\)\n/)
    assert.match(
      text.stdout,
      /\nrun +loss, calibrated +loss, as trained +accuracy +temperature\nfirst +- .*\nother .* %  +\d\.\d{3}\ntogether +\d/
    )
    assert.include(text.stdout, "Calibrated with the runs' own temperatures")
    assert.notInclude(text.stdout, "As a page")
    assert.deepStrictEqual(await pages(), before)
  })

  it("says of photos the mean of what several runs say of them", async () => {
    const photo = "data/photos/leaf-0.png"
    const ask = async (...runs: ReadonlyArray<string>) => {
      const said = JSON.parse((await run("predict", ...runs, "--json", "--top", "9", photo)).stdout)
      const classes: ReadonlyArray<{ label: string; probability: number }> = said.predictions[0].classes
      return {
        runs: said.runs ?? said.run,
        said: new Map(classes.map(({ label, probability }) => [label, probability]))
      }
    }
    const together = await ask("--run", "first", "--run", "other")
    const [first, other] = [await ask("--run", "first"), await ask("--run", "other")]
    assert.deepStrictEqual([first.runs, together.runs], ["first", ["first", "other"]])
    assert.strictEqual(together.said.size, 3)
    for (const [label, probability] of together.said)
      assert.approximately(probability, (first.said.get(label)! + other.said.get(label)!) / 2, 1e-6)
  })

  it("ends quietly where nobody reads on", async () => {
    const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))
    const child = spawn(process.execPath, [bin, "predict", "--run", "first", "--format", "jsonl", "-"], { cwd: folder })
    let stderr = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
    // More names than a lifetime has images: it ends because its output is closed, or never.
    const names = () => {
      while (child.stdin.write("data/photos/leaf-0.png\n".repeat(1000)));
    }
    child.stdin.on("drain", names).on("error", () => {})
    names()
    child.stdout.once("data", () => child.stdout.destroy())
    const code = await new Promise((resolve) => child.on("exit", resolve))
    assert.strictEqual(code, 0, stderr)
    assert.notMatch(stderr, /EPIPE|fault|could not be read/)
  })

  it("verifies a run, and finds what was changed in it", async () => {
    const { code, stderr, stdout } = await run("verify", "--run", "first", "--json")
    assert.strictEqual(code, 0, stderr)
    const { agrees, checks } = JSON.parse(stdout)
    assert.isTrue(agrees)
    assert.isTrue(checks.every(({ status }: { status: string }) => status === "agrees"))
    const report = join(folder, "second", "report.json")
    const text = await readFile(report, "utf8")
    await writeFile(report, text.replace(/"loss": [\d.]+/, '"loss": 0.01'))
    const changed = await run("verify", "--run", "second", "--no-data")
    await writeFile(report, text)
    assert.strictEqual(changed.code, 1)
    assert.match(changed.stdout, /DIFFERS +test metrics .*\n +test\.loss: the run has 0\.01, found \d/)
    assert.match(changed.stderr, /second does not agree with its record: test metrics\./)
  })

  it("shows a catalogue as a table and as JSON", async () => {
    const { stdout } = await run("inspect", "--config", "config.toml")
    assert.match(stdout, /39 rows listed = 36 kept \+ 3 refused .*\n3 classes: /)
    assert.match(stdout, /plum +12 +33\.3 % +\d+ +\d+ +\d+ +█+/)
    assert.match(stdout, /line 38: 5 fields instead of 3: broken,with,too,many,fields/)
    assert.match(stdout, /20x16: 36/)
    const { stdout: json } = await run("inspect", "--config", "config.toml", "--json")
    assert.strictEqual(JSON.parse(json).kept, 36)
    // What `data.limit` does not take is a choice, and no refusal.
    const limit = ["inspect", "--config", "config.toml", "--set", "data.limit=30"]
    const limited = await run(...limit)
    const [refused = "", leftOut = ""] = limited.stdout.split("Left out, as configured")
    assert.match(refused, /^Refused\n.*malformed row: 1/ms)
    assert.notMatch(refused.split("Refused\n")[1] ?? "", /data\.limit/)
    assert.match(leftOut, /beyond data\.limit: \d/)
    const counts = JSON.parse((await run(...limit, "--json")).stdout)
    const sum = (all: ReadonlyArray<{ count: number }>) => all.reduce((sum, { count }) => sum + count, 0)
    assert.strictEqual(counts.listed, counts.kept + sum(counts.refused) + sum(counts.leftOut))
    assert.isTrue(counts.leftOut.every(({ reason }: { reason: string }) => reason === "overLimit"))
  })

  it("names the engines that run here", async () => {
    const { code, stdout } = await run("doctor", "--json")
    assert.strictEqual(code, 0)
    const { engines, features } = JSON.parse(stdout)
    const found = new Map(engines.map((engine: { name: string; available: boolean }) => [engine.name, engine]))
    assert.deepStrictEqual([...found.keys()], ["tensorflow", "webgpu", "wasm", "reference"])
    // What needs more than npm may be missing, and then says what to do.
    for (const { available, cure } of engines) assert.isTrue(available || cure.length > 0)
    assert.include(found.get("wasm"), { available: true })
    assert.include(found.get("reference"), { available: true })
    assert.deepStrictEqual(
      features.map(({ name }: { name: string }) => name),
      ["amx", "onnxruntime"]
    )
    for (const { available, detail, key } of features) assert.isTrue((available ? key : detail).length > 0)
  })

  it("Ctrl-C leaves a checkpoint and the command to go on, which ends with the same weights", async () => {
    const settings = ["--config", "config.toml", "--set", "train.epochs=40", "--set", "train.select=last"]
    const whole = await run("train", ...settings, "--run", "whole")
    assert.strictEqual(whole.code, 0, whole.stderr)
    let sent = false
    const stopped = await weft(["train", ...settings, "--run", "stopped"], folder, (text, kill) => {
      if (sent || !text.includes("epoch  3/40")) return
      sent = true
      kill("SIGINT")
    })
    assert.strictEqual(stopped.code, 130)
    assert.match(stopped.stderr, /To go on: npx pnpm pipeline:train --run stopped --resume/)
    const checkpoints = await readdir(join(folder, "stopped", "checkpoints"))
    assert.isNotEmpty(checkpoints.filter((name) => name.startsWith("step-")))
    const resumed = await run("train", "--run", "stopped", "--resume")
    assert.strictEqual(resumed.code, 0, resumed.stderr)
    assert.match(resumed.stderr, /going on at epoch/)
    const weights = (name: string) => readFile(join(folder, name, "model", "model.safetensors"))
    assert.isTrue((await weights("stopped")).equals(await weights("whole")))
  })
})

describe("wrong input", () => {
  const wrong: ReadonlyArray<readonly [string, ReadonlyArray<string>, number, RegExp]> = [
    ["an unknown flag", ["train", "--epocks", "3"], 2, /epocks/],
    ["an unknown command", ["trian"], 2, /train/],
    ["a missing configuration", ["train", "--config", "no.toml"], 2, /no\.toml: there is no such configuration file/],
    ["a file of another kind", ["train", "--config", "config.ini"], 2, /ends in \.toml, \.json or \.yaml/],
    [
      "an unknown key",
      ["train", "-c", "config.toml", "--set", "train.epoch=3"],
      2,
      /no key `train\.epoch`; did you mean `train\.epochs`/
    ],
    [
      "a value out of bounds",
      ["train", "-c", "config.toml", "--set", "train.epochs=0"],
      2,
      /`train\.epochs`: Expected a value between 1 and 100000, got 0/
    ],
    ["a --set without a value", ["train", "-c", "config.toml", "--set", "seed"], 2, /expected KEY=VALUE/],
    [
      "images too small for the network",
      ["train", "-c", "config.toml", "--set", "image.height=40"],
      2,
      /does not fit.*image\.height/s
    ],
    ["--resume without a run", ["train", "--resume"], 2, /there is no interrupted run under runs\/; name one/],
    ["--resume of nothing", ["train", "--run", "empty", "--resume"], 2, /there is no run in this folder/],
    [
      "a run folder that is taken",
      ["train", "-c", "config.toml", "--run", "first"],
      2,
      /there is a run in this folder already/
    ],
    ["no CSV", ["train", "-c", "config.toml", "--set", "data.root=nowhere"], 3, /nowhere\/list\.csv/],
    [
      "a column that is not there",
      ["inspect", "-c", "config.toml", "--set", "data.columns.label=Kind"],
      3,
      /"name", "file", "kind"/
    ],
    [
      "too many faulty rows",
      ["inspect", "-c", "config.toml", "--set", "data.maxRefused=0.01"],
      3,
      /line 38: malformed/
    ],
    [
      "a threshold that is none",
      ["predict", "--run", "first", "--threshold", "auto:2", "x.png"],
      2,
      /a share from 0 to 1/
    ],
    ["two forms of output", ["predict", "--run", "first", "--json", "--format", "csv", "x.png"], 2, /leave one out/],
    ["--null without a list", ["predict", "--run", "first", "--null", "x.png"], 2, /is for -, the list/],
    ["images of which none can be read", ["predict", "--run", "first", "x.png", "y.png"], 3, /each of the 2 paths/],
    ["one image that cannot be read", ["predict", "--run", "first", "x.png"], 3, /the reason is beside its path/],
    ["an empty list", ["predict", "--run", "first", "-"], 3, /nothing to predict/],
    ["a run twice", ["evaluate", "--run", "first", "--run", "./first/"], 2, /named twice and would count twice/],
    [
      "a run with another split",
      ["evaluate", "--run", "first", "--run", "split"],
      1,
      /split: its test part has other samples than that of first; .*differ in seed \(3, 4\)/
    ],
    [
      "a second run that is not there",
      ["predict", "--run", "first", "--run", "nowhere", "x.png"],
      2,
      /nowhere: there is/
    ],
    ["a run that is not there", ["predict", "--run", "nowhere", "x.png"], 2, /there is no run in this folder/],
    ["a run that is not finished", ["evaluate", "--run", "half"], 1, /is the run finished/]
  ]
  for (const [what, args, code, message] of wrong)
    it(`${what}: exit code ${code} and a message without a stack`, async () => {
      if (args.includes("half")) {
        await import("node:fs/promises").then((fs) => fs.mkdir(join(folder, "half"), { recursive: true }))
        await writeFile(join(folder, "half", "config.json"), await readFile(join(folder, "first", "config.json")))
      }
      if (args.includes("split")) {
        await cp(join(folder, "first"), join(folder, "split"), { recursive: true })
        const config = await readFile(join(folder, "first", "config.json"), "utf8")
        await writeFile(join(folder, "split", "config.json"), config.replace('"seed": 3', '"seed": 4'))
      }
      const ended = await run(...args)
      assert.strictEqual(ended.code, code, ended.stderr)
      assert.match(ended.stderr, message)
      assert.notMatch(ended.stderr, /\n\s+at /)
    })
})
