import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeCatalogue } from "../catalogue.ts"
import type { Ended } from "./run.ts"
import { weft } from "./run.ts"
import { searchToml } from "./searchRuns.ts"

let folder: string
let ended: Ended

const toml = `folds = 3
${searchToml(2).replace("together = 1\n", "").replace("values = [0.002, 0.0005, 0.0001]", "values = [0.002, 0.0005]").replace('metric = "trainLoss"', 'metric = "validationLoss"')}`

const jsonOf = async (path: string) => JSON.parse(await readFile(join(folder, path), "utf8"))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-folds-"))
  await writeCatalogue(join(folder, "data"))
  await writeFile(join(folder, "search.toml"), toml)
  ended = await weft(["search", "--config", "search.toml", "--json", "--run", "folds"], folder)
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("weft search with folds", { timeout: 300_000 }, () => {
  it("has a setting's mean, deviation and interval, trained on shared batches, the best by the mean", async () => {
    assert.strictEqual(ended.code, 0, ended.stderr)
    const { passes, settings, trials, winner } = JSON.parse(ended.stdout)
    assert.deepStrictEqual(
      trials.map(({ id }: { id: string }) => id),
      ["001f1-0.002", "001f2-0.002", "001f3-0.002", "002f1-5e-04", "002f2-5e-04", "002f3-5e-04"].map((id) =>
        id.replace("5e-04", "0.0005")
      )
    )
    for (const { objective, trials: own } of settings) {
      const values = trials
        .filter(({ id }: { id: string }) => own.includes(id))
        .map((trial: { objective: number }) => trial.objective)
      const mean = values.reduce((sum: number, value: number) => sum + value, 0) / 3
      assert.approximately(objective.mean, mean, 1e-12)
      assert.isBelow(objective.low, mean)
      assert.isAbove(objective.high, mean)
    }
    const best = settings.toSorted(
      (a: { objective: { mean: number } }, b: { objective: { mean: number } }) => a.objective.mean - b.objective.mean
    )
    assert.strictEqual(winner, best[0].id)
    assert.isAbove(best[1].differenceToBest.mean, 0)
    // The two trials of each fold share their batches.
    assert.strictEqual(passes.savedShare, 0.5)
  })

  it("trains all trials on the same test part, and validates on every other row once", async () => {
    const { trials } = JSON.parse(ended.stdout)
    const reports = await Promise.all(
      trials.map(({ folder: own }: { folder: string }) => jsonOf(`folds/${own}/report.json`))
    )
    const sizes = reports.map(({ data }) => [data.test, data.train + data.validation])
    assert.strictEqual(new Set(sizes.map(String)).size, 1)
    const held = reports.slice(0, 3).reduce((sum, { data }) => sum + data.validation, 0)
    assert.strictEqual(held, sizes[0]?.[1])
  })

  it("a trial is an ordinary run: alone, by its own configuration, it gives the same bits; verify agrees", async () => {
    const id = "001f2-0.002"
    await copyFile(join(folder, "folds/trials", id, "config.json"), join(folder, "alone.json"))
    const alone = await weft(["train", "--config", "alone.json", "--run", "alone", "--json"], folder)
    assert.strictEqual(alone.code, 0, alone.stderr)
    const trial = await jsonOf(`folds/trials/${id}/report.json`)
    const run = await jsonOf("alone/report.json")
    assert.deepStrictEqual(run.test, trial.test)
    assert.deepStrictEqual(
      run.receipt.files["predictions/test.safetensors"],
      trial.receipt.files["predictions/test.safetensors"]
    )
    assert.include(alone.stderr, "fold 2 of 3 is the validation part")
    const verified = await weft(["verify", "--run", `folds/trials/${id}`], folder)
    assert.strictEqual(verified.code, 0, verified.stdout + verified.stderr)
  })

  it("writes the settings as a table, and the best one as a configuration without a fold", async () => {
    const csv = (await readFile(join(folder, "folds/settings.csv"), "utf8")).trimEnd().split(/\r?\n/)
    assert.strictEqual(
      csv[0],
      "setting,state,trials,train.learningRate,objective,objectiveDeviation,objectiveLow,objectiveHigh,differenceToBest,differenceToBestDeviation,differenceToBestLow,differenceToBestHigh,validationLoss,trainLoss,validationAccuracy,trainAccuracy"
    )
    assert.lengthOf(csv, 3)
    const best = await readFile(join(folder, "folds/best.toml"), "utf8")
    assert.include(best, "each trained on 3 folds")
    assert.notInclude(best, "fold =")
    assert.notInclude(best, "[data.split.fold]")
    const page = await readFile(join(folder, "folds/report.html"), "utf8")
    assert.include(page, "Nadeau and Bengio")
    assert.isTrue(existsSync(join(folder, "folds/charts/settings.svg")))
  })
})
