/** The linter's rules, the directions between rooms among them: see docs/architecture.md, "Rooms". */
import { defineConfig } from "oxlint"

/** What touches the world: engines, decoders, Node itself. */
const world = [
  "@tensorflow/*",
  "sharp",
  "csv-parse",
  "csv-parse/*",
  "hyparquet",
  "hyparquet/**",
  "hyparquet-compressors",
  "onnxruntime-node",
  "webgpu",
  "yauzl",
  "node:*",
  "@effect/platform-node",
  "@effect/platform-node/*",
  "@effect/sql-pg"
]

/** Modules of Effect that may change in any minor version, and are therefore wrapped in services of ours. */
const unstable = [
  "ai",
  "cli",
  "cluster",
  "crypto",
  "devtools",
  "encoding",
  "eventlog",
  "graphql",
  "http",
  "http-api",
  "net",
  "observability",
  "persistence",
  "process",
  "reactivity",
  "rpc",
  "schema",
  "socket",
  "sql",
  "workers",
  "workflow"
].flatMap((module) => [`effect/${module}`, `effect/${module}/**`])

/** Entries: they build all Layers or are the package's public modules, and nothing builds on them. */
const entries = ["**/bin.ts", "**/trainer.ts", "**/Live.ts", "**/public/**"]

const inside = (...rooms: ReadonlyArray<string>) => rooms.map((room) => `**/${room}/**`)

/** What a Layer may import of `run`: contracts, what is carried through them, and how that is named. */
const contracts = [
  "run/Machine",
  "run/RunFolder",
  "run/RunLogger",
  "run/Runs",
  "run/export/Exports",
  "run/report/Chart",
  "run/report/Charts",
  "run/report/Thumbnails",
  // The colours that a page and its charts agree on, and what is escaped in both.
  "run/report/palette",
  "run/report/html",
  "run/predict/Shards",
  "run/search/Group",
  "run/search/Searches",
  "run/search/SearchNews",
  "run/search/Trainers",
  // What a search's table and file hold: its configuration, its trials' settings, its objective, how they stand.
  "run/search/SearchConfig",
  "run/search/SearchResult",
  "run/search/SettingResult",
  "run/search/objective",
  "run/search/settings",
  "run/serve/Audit",
  "run/serve/ColumnValue",
  "run/serve/Correction",
  "run/serve/Desk",
  "run/serve/DeskClass",
  "run/serve/DeskFaults",
  "run/serve/DeskImages",
  "run/serve/DeskMetrics",
  "run/serve/Item",
  "run/serve/LogEntry",
  "run/serve/Operator",
  "run/serve/Task",
  "run/serve/Promotions",
  "run/serve/Retraining",
  "run/serve/Retrainings",
  "run/serve/Trainings",
  "run/serve/Classifier",
  "run/serve/DeskExports",
  "run/serve/NearPhotos",
  "run/serve/Photos",
  "run/serve/Pictures",
  // Rules that the store and the server share: orders, the gate.
  "run/serve/gate",
  "run/serve/order"
]

/** Subjects of `layers`, and which others each may import. */
const subjects: Readonly<Record<string, ReadonlyArray<string>>> = {
  machine: [],
  process: [],
  storage: [],
  webassembly: [],
  // Read by the source and for its images.
  parquet: [],
  terminal: [],
  logging: ["machine"],
  pages: [],
  // Workers and their queue, for searches and predictions.
  cluster: ["database"],
  search: ["cluster", "database", "machine"],
  prediction: ["cluster", "database"],
  hub: ["storage"],
  // Class folders are walked as folders of images to predict are.
  sources: ["database", "images", "parquet", "storage"],
  images: ["machine", "parquet", "storage", "webassembly"],
  features: ["machine", "backend"],
  engines: ["machine", "webassembly", "backend"],
  // It installs what the TensorFlow engine and AMX run on, and tries it.
  backend: ["hub", "machine", "storage", "engines", "features"],
  exportReaders: ["engines", "machine", "backend"],
  desk: ["database", "hub", "images", "machine", "process", "sources", "storage"],
  // SQLite and PostgreSQL, for searches, the desk and what reads a desk's answers.
  database: ["machine"]
}

const engines = ["reference", "wasm", "tensorflow", "webgpu"]

interface Direction {
  readonly files: ReadonlyArray<string>
  /** What these files must not import. */
  readonly not: ReadonlyArray<Restricted>
}

interface Restricted {
  readonly group?: Array<string>
  readonly regex?: string
  readonly message: string
}

const layersKnow: Restricted = {
  group: [...inside("cli"), ...entries, "**/run/*.ts", "**/run/*/**", ...contracts.map((one) => `!**/${one}.ts`)],
  message: "A Layer may import contracts of run, and nothing that carries a run out."
}

const subjectKnows = (subject: string): Restricted => ({
  regex: `^(\\.\\./)+(${Object.keys(subjects)
    .filter((other) => other !== subject && !subjects[subject]?.includes(other))
    .join("|")})/`,
  message: `layers/${subject} may import ${subjects[subject]?.join(", ") || "no other folder"} of layers: what several need has a folder of its own.`
})

/** The last one that fits a file holds. */
const directions: ReadonlyArray<Direction> = [
  {
    files: ["src/pipeline/**"],
    not: [
      {
        group: [
          ...world,
          ...unstable,
          ...entries,
          ...inside("layers", "cli", "run", "model", "metrics", "sample"),
          "**/config/RunConfig.ts"
        ],
        message: "The pipeline knows neither model, metrics, run, nor any Layer."
      }
    ]
  },
  {
    files: ["src/metrics/**"],
    not: [
      {
        group: [
          ...world,
          ...unstable,
          ...entries,
          ...inside("layers", "cli", "run", "model", "sample"),
          "**/config/RunConfig.ts"
        ],
        message: "Metrics may use the pipeline, and know neither model, run, nor any Layer."
      }
    ]
  },
  {
    files: ["src/model/**"],
    not: [
      {
        group: [
          ...world,
          ...unstable,
          ...entries,
          ...inside("layers", "cli", "run", "sample"),
          "**/config/RunConfig.ts"
        ],
        message: "The model may use pipeline and metrics, and knows neither run nor any Layer."
      }
    ]
  },
  {
    files: ["src/sample/**"],
    not: [
      {
        group: [...world, ...unstable, ...entries, ...inside("layers", "cli", "run", "model", "metrics")],
        message: "The drawn catalogue knows the pipeline alone."
      }
    ]
  },
  {
    files: ["src/config/**"],
    not: [
      {
        group: [...world, ...unstable, ...entries, ...inside("layers", "cli", "run", "sample")],
        message: "The configuration is below run, Layers and command line."
      }
    ]
  },
  {
    files: ["src/run/**"],
    not: [
      {
        group: [...world, ...unstable, ...entries, ...inside("layers", "cli")],
        message: "A run knows contracts, no Layer; what is unstable in Effect is wrapped by a Layer."
      }
    ]
  },
  {
    files: contracts.map((contract) => `src/${contract}.ts`),
    not: [
      {
        group: [
          ...world,
          ...unstable,
          ...entries,
          ...inside("layers", "cli"),
          // Among themselves, from the same folder.
          "./*.ts",
          ...contracts.map((contract) => `!./${contract.slice(contract.lastIndexOf("/") + 1)}.ts`),
          "../*.ts",
          "!../RunFolder.ts",
          "!../Runs.ts",
          "!../Machine.ts",
          ...inside("train", "evaluate", "predict", "inspect", "verify")
        ],
        message: "A contract of run knows other contracts, and nothing that carries a run out."
      }
    ]
  },
  {
    files: ["src/public/**"],
    not: [
      {
        group: [...inside("cli"), "**/bin.ts", "**/trainer.ts"],
        message: "What is public is a library: the command line is none of it."
      }
    ]
  },
  { files: ["src/cli/**"], not: [{ group: [...entries], message: "Entries build on the command line." }] },
  { files: ["src/layers/**"], not: [layersKnow] },
  ...Object.keys(subjects).map((subject) => ({
    files: [`src/layers/${subject}/**`],
    not: [layersKnow, subjectKnows(subject)]
  })),
  ...engines.map((engine) => ({
    files: [`src/layers/engines/${engine}/**`],
    not: [
      // Not a group: what another group allows would be allowed here.
      {
        regex: `^(\\.\\./)+(${["run", ...engines.filter((other) => other !== engine)].join("|")})/`,
        message: "Engines know nothing of each other and of runs; what several need has a folder of its own."
      },
      layersKnow,
      subjectKnows("engines")
    ]
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
    "import/no-cycle": "error",
    "import/no-unassigned-import": "off",
    "no-underscore-dangle": "off",
    "unicorn/consistent-function-scoping": "off"
  },
  overrides: [
    { files: ["vitest.config.ts", "oxlint.config.ts"], rules: { "import/no-default-export": "off" } },
    ...directions.map(({ files, not }) => ({
      files: [...files],
      rules: {
        // `Trainer.ts` is not `trainer.ts`.
        "no-restricted-imports": ["error", { patterns: not.map((one) => ({ ...one, caseSensitive: true })) }] as const
      }
    }))
  ],
  ignorePatterns: ["node_modules", "runs", "dist"]
})
