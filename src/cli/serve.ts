import { Config, Console, Effect, FileSystem, Layer, Option, Path, Redacted, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { NetAddress } from "effect/net"
import { fileURLToPath } from "node:url"
import { clusterUrl } from "../layers/database/ClusterUrl.ts"
import * as ChildTrainings from "../layers/desk/server/ChildTrainings.ts"
import * as CsvExports from "../layers/desk/server/CsvExports.ts"
import { serve as listen } from "../layers/desk/server/Server.ts"
import { isLoopback, serverLimits } from "../layers/desk/server/settings.ts"
import * as SharpPictures from "../layers/desk/server/SharpPictures.ts"
import * as DiskDeskImages from "../layers/desk/store/DiskDeskImages.ts"
import * as PostgresDesk from "../layers/desk/store/PostgresDesk.ts"
import * as SqliteDesk from "../layers/desk/store/SqliteDesk.ts"
import * as ProcessorFeatures from "../layers/features/ProcessorFeatures.ts"
import { manifest } from "../layers/machine/manifest.ts"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { labelColumnsOf } from "../pipeline/LabelColumnConfig.ts"
import { weftCommand } from "../config/weftCommand.ts"
import { Runs } from "../run/Runs.ts"
import { loadModel, startBackground } from "../run/serve/background.ts"
import { defaultSettings } from "../run/serve/Desk.ts"
import * as LiveClassifier from "../run/serve/liveClassifier.ts"
import { makePhotos } from "../run/serve/livePhotos.ts"
import * as LiveRetrainings from "../run/serve/liveRetrainings.ts"
import * as LiveNearPhotos from "../run/serve/liveNearPhotos.ts"
import { Photos } from "../run/serve/Photos.ts"
import { runOr } from "./latestRun.ts"
import * as options from "./options.ts"
import { readRunConfig } from "./readConfig.ts"
import { tokenHolders } from "./tokens.ts"

const atLeast = (minimum: number, maximum = 2 ** 31 - 1) =>
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

const flags = {
  run: options.run.pipe(
    Flag.withDescription("The run whose model answers first; the newest finished one under runs/ where left out"),
    Flag.optional
  ),
  desk: Flag.String("desk").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("The desk's folder: its answers, uploads and retrained models; RUN-desk where left out"),
    Flag.optional
  ),
  database: Flag.Redacted("database").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "A PostgreSQL that several servers share, postgres://USER:PASSWORD@HOST/DATABASE; WEFT_DATABASE where left out. They share the desk's folder too"
    ),
    Flag.withFallbackConfig(Config.Redacted("WEFT_DATABASE")),
    Flag.optional
  ),
  host: Flag.String("host").pipe(
    Flag.withDescription("The address to listen at; beyond this machine tokens are needed"),
    Flag.withDefault("127.0.0.1")
  ),
  port: Flag.Int("port").pipe(
    atLeast(0, 65_535),
    Flag.withDescription("The port; 0: a free one"),
    Flag.withDefault(8080)
  ),
  publicUrl: Flag.String("public-url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "Where browsers reach the server behind a proxy, such as https://desk.example.com; needs tokens"
    ),
    Flag.optional
  ),
  token: Flag.String("token").pipe(
    Flag.withMetavar("NAME:ROLE[:TOKEN]"),
    Flag.withDescription(
      "Somebody who may use the desk, as operator or admin; without a TOKEN one is made and printed. May be repeated"
    ),
    Flag.atLeast(0)
  ),
  tokenFile: Flag.String("token-file").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The same from a file with NAME:ROLE:TOKEN on each line; WEFT_TOKENS may have such lines too"),
    Flag.optional
  ),
  operator: Flag.String("operator").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Whose the answers are where no tokens are needed"),
    Flag.withDefault("operator")
  ),
  blind: Flag.Finite("blind").pipe(
    Flag.withSchema(share),
    Flag.withMetavar("SHARE"),
    Flag.withDescription("Share of the images that are shown without suggestions, from 0 to 1"),
    Flag.withDefault(defaultSettings.blindShare)
  ),
  seed: Flag.Int("seed").pipe(
    atLeast(0),
    Flag.withDescription("Seeds the blind share and the random audit"),
    Flag.withDefault(defaultSettings.seed)
  ),
  lease: Flag.Int("lease").pipe(
    atLeast(5, 86_400),
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("How long an image is kept for the operator who has it on the screen"),
    Flag.withDefault(defaultSettings.leaseSeconds)
  ),
  threshold: Flag.Finite("threshold").pipe(
    Flag.withSchema(share),
    Flag.withMetavar("P"),
    Flag.withDescription("The model abstains below this probability, where a request says nothing else"),
    Flag.withDefault(0.5)
  ),
  engine: options.predictor.pipe(
    Flag.withDescription("What applies the network; the quickest where left out"),
    Flag.withDefault("auto" as const)
  ),
  retrainAfter: Flag.Int("retrain-after").pipe(
    atLeast(1),
    Flag.withMetavar("N"),
    Flag.withDescription("Retrains by itself after so many answers; by hand alone where left out"),
    Flag.optional
  ),
  promote: Flag.Literals("promote", ["auto", "by-hand"]).pipe(
    Flag.withDescription("Whether a retrained model that is not worse answers at once, or waits for an admin"),
    Flag.withDefault("auto" as const)
  ),
  maxBody: Flag.Int("max-body").pipe(
    atLeast(1024),
    Flag.withMetavar("BYTES"),
    Flag.withDescription("A request with more bytes is refused"),
    Flag.withDefault(serverLimits.bodyBytes)
  ),
  maxPixels: Flag.Int("max-pixels").pipe(
    atLeast(1, 1e9),
    Flag.withDescription("An image with more pixels is refused"),
    Flag.withDefault(serverLimits.imagePixels)
  ),
  maxWaiting: Flag.Int("max-waiting").pipe(
    atLeast(1, 100_000),
    Flag.withMetavar("N"),
    Flag.withDescription("At most so many images wait for the model; more are told to come again"),
    Flag.withDefault(LiveClassifier.classifierSettings.mostWaiting)
  ),
  maxOpen: Flag.Int("max-open").pipe(
    atLeast(1),
    Flag.withMetavar("N"),
    Flag.withDescription("At most so many images wait for an answer; more are told to come again"),
    Flag.withDefault(defaultSettings.mostOpen)
  )
}

const publicUrlOf = (text: Option.Option<string>) =>
  Effect.suspend(() => {
    if (Option.isNone(text)) return Effect.undefined
    const url = URL.parse(text.value)
    return url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/"
      ? Effect.succeed(url)
      : Effect.fail(
          new ConfigError({
            where: `--public-url ${text.value}`,
            problems: ["expected an address without a path, such as https://desk.example.com"]
          })
        )
  })

/** Weft's own program, for trainings in processes of their own. */
const program = fileURLToPath(new URL(`../bin${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url))

/** Serves a run's model and its tagging desk until it is stopped. */
export const serve = Command.make(
  "serve",
  flags,
  Effect.fnUntraced(function* (asked) {
    const { resolve } = yield* Path.Path
    const run = resolve(yield* runOr(asked.run))
    const config = yield* readRunConfig(run)
    const folder = yield* Runs.use((runs) => runs.existing(run))
    const root = Option.match(asked.desk, { onNone: () => `${run}-desk`, onSome: (path) => resolve(path) })

    const publicUrl = yield* publicUrlOf(asked.publicUrl)
    const { holders, made } = yield* tokenHolders(asked.token, asked.tokenFile)
    if (holders.length === 0 && (publicUrl !== undefined || !isLoopback(asked.host)))
      return yield* new ConfigError({
        where: publicUrl === undefined ? `--host ${asked.host}` : `--public-url ${publicUrl.href}`,
        problems: [
          "others reach the desk then, and nobody may without a token: name who may with --token NAME:admin, or --token-file FILE"
        ]
      })

    const labels = labelColumnsOf(config.data)
    const [firstColumn, ...otherColumns] = labels
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(root, { recursive: true })
    const settings = {
      columns: [firstColumn.column, ...otherColumns.map(({ column }) => column)] as const,
      separators: Object.fromEntries(
        labels.flatMap(({ column, separator }) => (separator === undefined ? [] : [[column, separator]]))
      ),
      seed: asked.seed,
      blindShare: asked.blind,
      leaseSeconds: asked.lease,
      mostOpen: asked.maxOpen
    }
    const store = Option.isNone(asked.database)
      ? SqliteDesk.layer(`${root}/desk.sqlite`, settings)
      : PostgresDesk.layer(yield* clusterUrl(asked.database.value, "--database"), settings)
    const images = `${root}/images`
    const disk = Layer.mergeAll(
      DiskDeskImages.layer(images),
      SharpPictures.layer(`${root}/thumbnails`, asked.maxPixels),
      ChildTrainings.layer({ folder: root, images, program })
    )
    const model = LiveClassifier.layer({
      ...LiveClassifier.classifierSettings,
      engine: asked.engine,
      mostWaiting: asked.maxWaiting,
      maxPixels: asked.maxPixels,
      maxBytes: serverLimits.imageBytes
    }).pipe(Layer.provide(ProcessorFeatures.layerServing))

    return yield* Effect.gen(function* () {
      const { add, photos } = yield* makePhotos
      const withPhotos = Layer.succeed(Photos, photos)
      const retrainings = LiveRetrainings.layer({
        after: Option.getOrNull(asked.retrainAfter),
        promotes: asked.promote === "auto",
        every: 5000
      })
      const near = LiveNearPhotos.layer({
        ...LiveNearPhotos.nearPhotosSettings,
        maxPixels: asked.maxPixels,
        maxBytes: serverLimits.imageBytes
      })
      return yield* Effect.gen(function* () {
        const address = yield* listen({
          host: asked.host,
          port: asked.port,
          publicUrl,
          holders,
          nobody: asked.operator,
          limits: { ...serverLimits, bodyBytes: asked.maxBody, imagePixels: asked.maxPixels },
          threshold: asked.threshold,
          version: manifest.version
        })
        const live = yield* loadModel(run)
        yield* startBackground(config, folder, (digest, photo) => add(digest, photo, config.image))
        for (const { name, role, token } of made)
          yield* Console.error(`token of ${name} (${role}), shown this once: ${Redacted.value(token)}`)
        yield* report({ _tag: "Note", line: `the model of ${live.run} answers` })
        yield* Console.log(`${publicUrl?.href ?? `${NetAddress.formatUrlUnsafe(address)}/`}`)
        return yield* Effect.never
      }).pipe(
        Effect.provide(
          Layer.mergeAll(retrainings, near).pipe(
            Layer.provideMerge(Layer.mergeAll(withPhotos, CsvExports.layer(config.data)))
          )
        ),
        Effect.scoped
      )
    }).pipe(Effect.provide(Layer.provideMerge(model, Layer.mergeAll(store, disk))))
  })
).pipe(
  Command.withDescription(
    "Serves a run's model over HTTP, with a desk where people confirm its suggestions; it retrains on their answers, and promotes only what is not worse"
  ),
  Command.withExamples([
    { command: weftCommand("serve --run runs/shop"), description: "A desk for this machine, at http://localhost:8080" },
    {
      command: weftCommand("serve --run runs/shop --host 0.0.0.0 --token ann:admin --token bob:operator"),
      description: "For others, by name"
    },
    {
      command: `WEFT_DATABASE=postgres://weft:…@db/desk ${weftCommand("serve --run runs/shop --desk /mnt/shared/desk --public-url https://desk.example.com --token-file tokens")}`,
      description: "One of several servers of one desk, behind a proxy"
    }
  ])
)
