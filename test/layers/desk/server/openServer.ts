import { Effect, Layer, Option, Redacted, Stream } from "effect"
import { NetAddress } from "effect/net"
import { Classifier, TooBusy } from "../../../../src/run/serve/Classifier.ts"
import type { Classified, Photo, ServedModel } from "../../../../src/run/serve/Classifier.ts"
import { Desk } from "../../../../src/run/serve/Desk.ts"
import { DeskExports, NoExport } from "../../../../src/run/serve/DeskExports.ts"
import { DeskImages } from "../../../../src/run/serve/DeskImages.ts"
import { NearPhotos } from "../../../../src/run/serve/NearPhotos.ts"
import { Photos } from "../../../../src/run/serve/Photos.ts"
import { Promotions } from "../../../../src/run/serve/Promotions.ts"
import { Retrainings } from "../../../../src/run/serve/Retrainings.ts"
import { idle } from "../../../../src/run/serve/Retraining.ts"
import type { Retraining } from "../../../../src/run/serve/Retraining.ts"
import { serve } from "../../../../src/layers/desk/server/Server.ts"
import { serverLimits } from "../../../../src/layers/desk/server/settings.ts"
import type { ServerSettings } from "../../../../src/layers/desk/server/settings.ts"
import * as SharpPictures from "../../../../src/layers/desk/server/SharpPictures.ts"
import * as DiskDeskImages from "../../../../src/layers/desk/store/DiskDeskImages.ts"
import * as SqliteDesk from "../../../../src/layers/desk/store/SqliteDesk.ts"
import { formatOf } from "../../../../src/pipeline/imageFormat.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

/** A model that knows JPEGs by their first bytes, and takes as long as a test wants. */
export interface FakeModel {
  /** Before an image is answered. */
  wait: Effect.Effect<void>
  /** Whether it takes no more. */
  isFull: boolean
}

const served: ServedModel = {
  model: "m1",
  run: "/runs/shop",
  engine: "fake",
  columns: [{ column: "articleType", classes: [{ label: "Shirts", trained: 3 }] }]
}

const answerTo = ({ bytes }: Photo): Classified =>
  formatOf(bytes) === undefined
    ? { _tag: "Refused", reason: "notAnImage", detail: "it is no image file" }
    : bytes.length < 40
      ? { _tag: "Refused", reason: "imageCorrupt", detail: "it cannot be decoded" }
      : {
          _tag: "Classified",
          columns: [
            {
              column: "articleType",
              top: [
                { label: "Shirts", probability: 0.6 },
                { label: "<b>Jeans</b>", probability: 0.4 }
              ]
            }
          ]
        }

const classifierOf = (fake: FakeModel) =>
  Layer.succeed(Classifier, {
    live: Effect.succeed(served),
    serve: () => Effect.succeed(served),
    classifyBy: (_, photos) => Effect.succeed(photos.map(answerTo)),
    classify: (photos) =>
      fake.isFull
        ? Effect.fail(new TooBusy({ waiting: 9, most: 9 }))
        : Effect.suspend(() => fake.wait).pipe(
            Effect.andThen(Effect.sync(() => ({ by: served, answers: photos.map(answerTo) })))
          )
  })

const retrainings = Layer.succeed(Retrainings, {
  state: Effect.succeed(idle),
  begin: (by) => Effect.succeed<Retraining>({ ...idle, state: "waiting", by }),
  stop: Effect.succeed<Retraining>({ ...idle, state: "stopped" })
})

const exports = Layer.succeed(DeskExports, {
  catalogue: Stream.fail(new NoExport({ reason: "noCsv", detail: "the run read no CSV" })),
  corrections: Stream.make(new TextEncoder().encode("digest,row\r\n")),
  trainingCorrections: Stream.empty
})

export const tokens = {
  admin: "an-admin's-own-token",
  operator: "an-operator's-token"
}

const holders = [
  { name: "ann", role: "admin" as const, token: Redacted.make(tokens.admin) },
  { name: "bob", role: "operator" as const, token: Redacted.make(tokens.operator) }
]

/** A server on a free port with a desk of its own, until the Scope closes. */
export const openServer = Effect.fnUntraced(function* (
  changes: Partial<Omit<ServerSettings, "limits">> & { readonly limits?: Partial<ServerSettings["limits"]> } = {}
) {
  const folder = yield* temporaryFolder
  const model: FakeModel = { wait: Effect.void, isFull: false }
  const photos = Layer.effect(
    Photos,
    Effect.map(DeskImages, ({ get }) => ({
      bytes: (digest: string) => Effect.orElseSucceed(get(digest), () => Option.none<Uint8Array>())
    }))
  )
  const layer = photos.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        SqliteDesk.layer(`${folder}/desk.sqlite`, {
          columns: ["articleType"],
          seed: 1,
          blindShare: 0,
          leaseSeconds: 60,
          mostOpen: 100
        }),
        DiskDeskImages.layer(`${folder}/images`),
        SharpPictures.layer(`${folder}/thumbnails`, 1e7),
        classifierOf(model),
        retrainings,
        exports,
        NearPhotos.layerNone
      )
    )
  )
  const context = yield* Layer.build(layer)
  const address = yield* serve({
    host: "127.0.0.1",
    port: 0,
    holders,
    nobody: "nobody",
    threshold: 0.5,
    version: "0.0.0",
    ...changes,
    limits: { ...serverLimits, ...changes.limits }
  }).pipe(Effect.provide(context))
  const url = NetAddress.formatUrlUnsafe(address).replace(/\/$/, "")
  const port = Number(new URL(url).port)
  return {
    url,
    port,
    model,
    folder,
    context: Effect.provide(Effect.all({ desk: Desk, promotions: Promotions }), context)
  }
})
