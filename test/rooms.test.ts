/** The directions between rooms, as the linter holds them: each rule is seen to fail on imports planted in a copy. */
import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const repository = fileURLToPath(new URL("..", import.meta.url))

const oxlint = (folder: string) =>
  new Promise<string>((done) =>
    execFile(
      join(repository, "node_modules/.bin/oxlint"),
      ["--format", "json"],
      // It reads its configuration, a TypeScript file, with the Node that it finds.
      { cwd: folder, env: { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) } },
      (_, stdout) => done(stdout)
    )
  )

/** In what folder, or file, an import is planted, and what it must not import there. */
const forbidden: Readonly<Record<string, ReadonlyArray<string>>> = {
  "src/pipeline": [
    "../model/Engine.ts",
    "../metrics/Report.ts",
    "../run/Runs.ts",
    "../run/search/SearchResult.ts",
    "../sample/catalogue.ts",
    "../layers/images/SharpImages.ts",
    "../cli/text.ts",
    "../config/RunConfig.ts",
    "../Live.ts",
    "sharp",
    "csv-parse/sync",
    "node:fs",
    "effect/workflow",
    "effect/sql/SqlClient"
  ],
  "src/pipeline/augmentations": ["../../model/Engine.ts", "../../metrics/Report.ts"],
  "src/metrics": ["../model/crossEntropy.ts", "../run/Runs.ts", "../layers/machine/NodeMachine.ts", "node:os"],
  "src/model": [
    "../run/Machine.ts",
    "../layers/engines/LiveEngines.ts",
    "../config/RunConfig.ts",
    "@tensorflow/tfjs-core"
  ],
  "src/model/networks": ["../../sample/catalogue.ts", "onnxruntime-node"],
  "src/sample": ["../model/Engine.ts", "../metrics/Report.ts", "../layers/sources/SharpSampleCatalogue.ts", "sharp"],
  "src/config": ["../run/configDigest.ts", "../layers/storage/lock.ts", "../cli/options.ts"],
  "src/run/search": [
    "effect/workflow",
    "effect/persistence",
    "effect/cluster",
    "effect/reactivity",
    "../../layers/search/LocalSearch.ts",
    "../../cli/options.ts",
    "../../Live.ts",
    "../../trainer.ts",
    "node:path",
    "@effect/platform-node"
  ],
  "src/run/train": ["../../layers/storage/DiskRuns.ts", "effect/http"],
  "src/run/search/Searches.ts": ["./plan.ts", "./runSearch.ts", "../train/trainTrials.ts", "../configDigest.ts"],
  "src/run/report/Charts.ts": ["./writeReport.ts", "./runPage.ts"],
  "src/cli": ["../Live.ts", "../bin.ts", "../trainer.ts", "../public/weft.ts"],
  "src/public": ["../cli/main.ts", "../bin.ts", "../trainer.ts"],
  "src/layers/search": [
    "../../run/search/runSearch.ts",
    "../../run/search/plan.ts",
    "../../run/search/workGroup.ts",
    "../../run/train/trainRun.ts",
    "../../run/configDigest.ts",
    "../../run/report/Pages.ts",
    "../../Live.ts",
    "../../cli/options.ts",
    "../storage/lock.ts",
    "../terminal/Screen.ts"
  ],
  "src/layers/search/cluster": ["../../../run/search/insist.ts", "../../../trainer.ts", "../../engines/LiveEngines.ts"],
  "src/layers/prediction": ["../search/LocalSearch.ts", "../../run/predict/predictShards.ts", "../storage/lock.ts"],
  "src/layers/cluster": ["../search/LocalSearch.ts", "../prediction/watch.ts", "../../run/predict/shardFiles.ts"],
  "src/layers/pages": ["../../run/report/writeReport.ts", "../terminal/visible.ts"],
  "src/layers/pages/charts": ["../../../run/report/runCharts.ts"],
  "src/layers/terminal": ["../../run/search/points.ts", "../search/LocalSearch.ts"],
  "src/layers/storage": ["../../run/finishedReport.ts", "../hub/HubName.ts"],
  "src/layers/images/feed": ["../../engines/wasm/kernels.ts", "../../features/OnnxFeatures.ts"],
  "src/layers/features/amx": ["../../engines/tensorflow/Binding.ts", "../../images/SharpImages.ts"],
  "src/layers/engines/reference": ["../wasm/kernels.ts", "../tensorflow/Binding.ts", "../webgpu/Program.ts"],
  "src/layers/engines/wasm": ["../reference/conv2d.ts", "../tensorflow/Binding.ts", "../webgpu/Program.ts"],
  "src/layers/engines/tensorflow": [
    "../reference/conv2d.ts",
    "../wasm/kernels.ts",
    "../webgpu/Program.ts",
    "../../features/amx/amxName.ts"
  ],
  "src/layers/engines/webgpu": [
    "../reference/conv2d.ts",
    "../wasm/kernels.ts",
    "../tensorflow/Binding.ts",
    "../../../run/Machine.ts"
  ],
  "src/layers/engines/tfjs": ["../../images/SharpImages.ts", "../../../run/train/trainRun.ts"]
}

/** What may be imported there: a rule that refuses everything would be none. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  "src/pipeline": ["./Rows.ts", "../config/Setting.ts", "effect", "effect/Array"],
  "src/metrics": ["../pipeline/Batch.ts"],
  "src/model": ["../pipeline/Batch.ts", "../metrics/Report.ts", "effect/Runtime"],
  "src/run/search": ["../../model/Engine.ts", "../train/trainRun.ts", "./plan.ts", "../Runs.ts"],
  "src/run/search/Searches.ts": ["./Group.ts", "../../metrics/Report.ts"],
  "src/layers/search": [
    "../../run/search/Searches.ts",
    "../../run/Machine.ts",
    "../database/NodeSqlite.ts",
    "effect/workflow"
  ],
  "src/layers/prediction": ["../cluster/Worker.ts", "../database/Postgres.ts", "../../run/predict/Shards.ts"],
  "src/layers/terminal": ["../../run/search/SearchResult.ts", "../../run/search/settings.ts", "./Screen.ts"],
  "src/layers/engines/wasm": ["../tfjs/Trainer.ts", "../../webassembly/assemble.ts", "../../../model/Engine.ts"],
  "src/layers/engines/reference": ["./Trainer.ts"],
  "src/cli": ["../layers/search/LocalSearch.ts", "../run/train/trainRun.ts"]
}

const fileOf = (place: string) => (place.endsWith(".ts") ? place : `${place}/planted.ts`)

const source = (specifiers: ReadonlyArray<string>) =>
  [
    ...specifiers.map((specifier, i) => `import * as planted${i} from "${specifier}"`),
    `export const all = [${specifiers.map((_, i) => `planted${i}`).join(", ")}]`,
    ""
  ].join("\n")

interface Finding {
  readonly code: string
  readonly filename: string
  readonly message: string
}

/** What the linter finds in a folder that has its configuration and these files alone. */
const findings = async (files: Readonly<Record<string, string>>): Promise<ReadonlyArray<Finding>> => {
  const folder = mkdtempSync(join(tmpdir(), "weft-rooms-"))
  try {
    copyFileSync(join(repository, "oxlint.config.ts"), join(folder, "oxlint.config.ts"))
    symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"))
    for (const [file, text] of Object.entries({ "package.json": '{ "type": "module" }', ...files })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    return JSON.parse(await oxlint(folder)).diagnostics
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const places = [...new Set([...Object.keys(forbidden), ...Object.keys(allowed)])]

describe("the linter", { timeout: 60_000 }, () => {
  it("refuses each import against the directions between rooms, and no other", async () => {
    const found = await findings(
      Object.fromEntries(
        places.map((place) => [fileOf(place), source([...(forbidden[place] ?? []), ...(allowed[place] ?? [])])])
      )
    )
    const refused = found.filter(({ code }) => code === "eslint(no-restricted-imports)")
    for (const place of places)
      assert.deepStrictEqual(
        refused
          .filter(({ filename }) => filename === fileOf(place))
          .map(({ message }) => /^'([^']*)'/.exec(message)?.[1] ?? message)
          .toSorted(),
        [...(forbidden[place] ?? [])].toSorted(),
        place
      )
  })

  it("refuses files that import each other", async () => {
    const found = await findings({
      "src/model/one.ts": source(["./other.ts"]),
      "src/model/other.ts": source(["./one.ts"])
    })
    assert.include(
      found.map(({ code }) => code),
      "import(no-cycle)"
    )
  })
})

describe("src", () => {
  const files = globSync("src/**/*.ts", { cwd: repository }).map((file) => file.replaceAll("\\", "/"))

  it("has no loose file in layers, and a rule for each folder there", () => {
    const inLayers = files.filter((file) => file.startsWith("src/layers/")).map((file) => file.split("/").slice(2))
    assert.deepStrictEqual(
      inLayers.filter((parts) => parts.length === 1),
      []
    )
    const folders = new Set(inLayers.map(([folder = ""]) => folder))
    const rules = readFileSync(join(repository, "oxlint.config.ts"), "utf8")
    const known = /const subjects[^=]*= \{([^}]*)\}/.exec(rules)?.[1] ?? ""
    for (const folder of folders) assert.match(known, new RegExp(`^ +${folder}: `, "m"), `layers/${folder}`)
  })

  it("imports late only from a file's own room, or from a package in layers, entries aside: the linter sees no such import", () => {
    /** A subject of layers, or the command line. */
    const roomOf = (file: string) => /^src\/(?:layers\/[^/]+|cli)(?=\/)/.exec(file)?.[0]
    for (const file of files) {
      const text = readFileSync(join(repository, file), "utf8")
      for (const [, specifier = ""] of text.matchAll(/\bimport\("([^"]+)"\)/g)) {
        const where = `${file}: import("${specifier}")`
        if (["src/bin.ts", "src/Live.ts"].includes(file)) continue
        assert.isDefined(roomOf(file), where)
        if (!specifier.startsWith(".")) continue
        const target = relative(repository, resolve(repository, dirname(file), specifier)).replaceAll("\\", "/")
        assert.strictEqual(roomOf(target), roomOf(file), where)
      }
    }
  })
})
