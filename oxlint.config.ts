/** The linter's rules, the directions between rooms among them: see README, "Where each thing lives". */
import { defineConfig } from "oxlint"

/** What touches the world: engines, decoders, Node itself. */
const world = [
  "@tensorflow/*",
  "sharp",
  "csv-parse",
  "csv-parse/*",
  "onnxruntime-node",
  "webgpu",
  "node:*",
  "@effect/platform-node",
  "@effect/sql-pg"
]

/** Modules of Effect that may change in any minor version, and are therefore wrapped in services of ours. */
const unstable = [
  "effect/cli",
  "effect/cluster",
  "effect/encoding",
  "effect/http",
  "effect/observability",
  "effect/persistence",
  "effect/process",
  "effect/rpc",
  "effect/sql",
  "effect/workers",
  "effect/workflow"
]

const inside = (...rooms: ReadonlyArray<string>) => rooms.flatMap((room) => [`**/${room}/**`])

const engines = ["reference", "wasm", "tensorflow", "webgpu"]

interface Direction {
  readonly files: ReadonlyArray<string>
  /** What these files must not import. */
  readonly not: ReadonlyArray<string>
  readonly message: string
}

const directions: ReadonlyArray<Direction> = [
  {
    files: ["src/pipeline/**"],
    not: [
      ...world,
      ...unstable,
      ...inside("layers", "cli", "run", "model", "metrics", "sample"),
      "**/config/RunConfig.ts"
    ],
    message: "The pipeline knows neither model, metrics, run, nor any Layer."
  },
  {
    files: ["src/metrics/**"],
    not: [...world, ...unstable, ...inside("layers", "cli", "run", "model", "sample"), "**/config/RunConfig.ts"],
    message: "Metrics may use the pipeline, and know neither model, run, nor any Layer."
  },
  {
    files: ["src/model/**"],
    not: [...world, ...unstable, ...inside("layers", "cli", "run", "sample"), "**/config/RunConfig.ts"],
    message: "The model may use pipeline and metrics, and knows neither run nor any Layer."
  },
  {
    files: ["src/sample/**"],
    not: [...world, ...unstable, ...inside("layers", "cli", "run", "model", "metrics")],
    message: "The drawn catalogue knows the pipeline alone."
  },
  {
    files: ["src/config/**"],
    not: [...world, ...unstable, ...inside("layers", "cli", "run", "sample")],
    message: "The configuration is below run, Layers and command line."
  },
  {
    files: ["src/run/**"],
    not: [...world, ...unstable, ...inside("layers", "cli"), "**/Live.ts"],
    message: "A run knows contracts, no Layer; what is unstable in Effect is wrapped by a Layer."
  },
  {
    files: ["src/layers/**"],
    not: [
      ...inside("cli"),
      "**/Live.ts",
      "**/run/*/**",
      // Contracts, and what is carried through them.
      ...[
        "run/export/Exports",
        "run/report/Chart",
        "run/report/Charts",
        "run/report/Thumbnails",
        "run/search/Group",
        "run/search/SearchNews",
        "run/search/Trainers"
      ].map((contract) => `!**/${contract}.ts`)
    ],
    message: "A Layer may import contracts of run, and nothing that carries a run out."
  },
  ...engines.map((engine) => ({
    files: [`src/layers/engines/${engine}/**`],
    not: [
      ...inside("cli", "run"),
      "**/Live.ts",
      ...engines.filter((other) => other !== engine).flatMap((other) => [`**/${other}/**`]),
      ...inside("features", "images", "search", "pages", "terminal", "sources")
    ],
    message: "Engines know nothing of each other; what several need has a folder of its own."
  }))
]

export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "oxc", "promise"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "off",
    "no-shadow": "off",
    "unicorn/no-array-sort": "off",
    "import/no-default-export": "error",
    "import/no-unassigned-import": "off",
    "no-underscore-dangle": "off",
    "unicorn/consistent-function-scoping": "off"
  },
  overrides: [
    { files: ["vitest.config.ts", "oxlint.config.ts"], rules: { "import/no-default-export": "off" } },
    ...directions.map(({ files, message, not }) => ({
      files: [...files],
      rules: { "no-restricted-imports": ["error", { patterns: [{ group: [...not], message }] }] as const }
    }))
  ],
  ignorePatterns: ["node_modules", "runs"]
})
