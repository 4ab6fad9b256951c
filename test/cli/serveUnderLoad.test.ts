import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Agent, request } from "node:http"
import { join } from "node:path"
import sharp from "sharp"
import * as SqliteDesk from "../../src/layers/desk/store/SqliteDesk.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { defaultSettings } from "../../src/run/serve/Desk.ts"
import { Promotions } from "../../src/run/serve/Promotions.ts"
import { temporaryFolder } from "../temporaryFolder.ts"
import { file, fileNames } from "../layers/images/jpegFiles.ts"
import { call, catalogueOf, start, trained } from "./servedRun.ts"

/** A client that keeps its connections open. */
const client = Effect.acquireRelease(
  Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 64 })),
  (agent) => Effect.sync(() => agent.destroy())
)

interface Answered {
  readonly status: number
  readonly text: string
}

/** Sends bytes as an image, or asks where there are none; status 0: no answer came. */
const send = (agent: Agent, url: string, bytes?: Uint8Array) =>
  Effect.callback<Answered>((resume) => {
    const one = request(
      url,
      bytes === undefined
        ? { agent }
        : { agent, method: "POST", headers: { "content-type": "image/jpeg", "content-length": bytes.length } },
      (response) => {
        let text = ""
        response.setEncoding("latin1").on("data", (chunk: string) => (text += chunk))
        response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
        response.on("error", ({ message }) => resume(Effect.succeed({ status: 0, text: message })))
      }
    )
    one.on("error", ({ message }) => resume(Effect.succeed({ status: 0, text: message })))
    one.end(bytes)
  })

const Ranked = Schema.Struct({ label: Schema.String, probability: Schema.Finite })
const Prediction = Schema.fromJsonString(
  Schema.Struct({
    model: Schema.String,
    images: Schema.Tuple([Schema.Struct({ columns: Schema.Tuple([Schema.Struct({ top: Schema.Array(Ranked) })]) })])
  })
)

/** The model that has answered, and the probabilities of its classes. */
const predicted = (text: string) => {
  const { images, model } = Schema.decodeUnknownSync(Prediction)(text)
  return { model, top: new Map(images[0].columns[0].top.map(({ label, probability }) => [label, probability])) }
}

/** Whether two answers are one model's: another batch differs by rounding alone. */
const isSame = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>) =>
  a.size === b.size && [...a].every(([label, probability]) => Math.abs(probability - (b.get(label) ?? 2)) < 1e-4)

const Arrived = Schema.fromJsonString(
  Schema.Struct({ images: Schema.Tuple([Schema.Struct({ digest: Schema.String })]) })
)

const Refusal = Schema.fromJsonString(Schema.Struct({ _tag: Schema.String, message: Schema.String }))

/** A JPEG in which some bytes are others, some are missing, some are there twice, or the end is missing. */
const mutated = (photo: Uint8Array, n: number): Uint8Array => {
  const random = draw("mutated", n)
  const bytes = Array.from(photo)
  // The head decides what the decoder does with the rest: half of the changes are there.
  const place = () => random.below(random.below(2) === 0 ? Math.min(700, bytes.length) : bytes.length)
  for (let i = 0; i <= random.below(4); i++) {
    const at = place()
    switch (random.below(6)) {
      case 0:
        bytes.splice(at, 1 + random.below(20))
        break
      case 1:
        bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random.below(40)))
        break
      case 2:
        bytes.splice(2 + random.below(bytes.length - 2))
        break
      default:
        bytes[at] = random.below(3) === 0 ? 0xff : random.below(256)
    }
    if (bytes.length < 8) break
  }
  return Uint8Array.from(bytes)
}

it.live(
  "a thousand mutated JPEGs are each answered or refused with a reason, by the real decoders, and the server goes on",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trained(folder)
      const { photos } = catalogueOf(folder)
      const { child, errors, url } = yield* start(folder)
      const agent = yield* client
      const [photo = Buffer.alloc(0), ...others] = photos
      const progressive = yield* Effect.promise(() => sharp(photo).jpeg({ progressive: true }).toBuffer())
      const large = yield* Effect.promise(() => sharp(photo).resize(700, 900, { fit: "fill" }).jpeg().toBuffer())
      const whole = [...others.slice(0, 20), ...fileNames.map(file), progressive, large]
      const before = yield* send(agent, `${url}/v1/predict`, photo)
      assert.strictEqual(before.status, 200)

      const statuses = new Map<number, number>()
      const shown = new Map<number, number>()
      const add = (counts: Map<number, number>, status: number) => counts.set(status, (counts.get(status) ?? 0) + 1)
      yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, n) => n),
        Effect.fnUntraced(function* (n) {
          const bytes = mutated(whole[n % whole.length] ?? photo, n)
          // Every second one for the queue, where it is to be shown as well.
          const path = n % 2 === 0 ? "predict" : "images"
          const answer = yield* send(agent, `${url}/v1/${path}`, bytes)
          add(statuses, answer.status)
          if (answer.status !== 200) {
            const { _tag, message } = Schema.decodeUnknownSync(Refusal)(answer.text)
            const expected = { 400: "InvalidRequest", 413: "TooLarge", 415: "UnsupportedImage", 422: "DamagedImage" }
            assert.strictEqual(_tag, new Map(Object.entries(expected)).get(String(answer.status)), answer.text)
            assert.notStrictEqual(message, "")
            assert.notMatch(message, /\p{Cc}/u)
            return
          }
          if (path === "predict") return
          const { digest } = Schema.decodeUnknownSync(Arrived)(answer.text).images[0]
          for (const part of ["", "/thumbnail?size=384"])
            add(shown, (yield* send(agent, `${url}/v1/images/${digest}${part}`)).status)
        }),
        { concurrency: 16 }
      )

      const refused = [413, 415, 422].reduce((sum, status) => sum + (statuses.get(status) ?? 0), 0)
      assert.strictEqual(refused + (statuses.get(400) ?? 0) + (statuses.get(200) ?? 0), 1000, `${[...statuses]}`)
      // Most were broken; some no longer began as an image, and some could be read all the same.
      assert.isAbove(refused, 300)
      for (const status of [200, 415, 422]) assert.isAbove(statuses.get(status) ?? 0, 0, `${[...statuses]}`)
      // What libjpeg could read can be shown, or is refused; nothing is the server's fault.
      for (const status of shown.keys()) assert.include([200, 422], status)
      assert.notInclude(errors(), "A request failed")

      const after = yield* send(agent, `${url}/v1/predict`, photo)
      assert.isTrue(isSame(predicted(after.text).top, predicted(before.text).top))
      assert.strictEqual((yield* send(agent, `${url}/ready`)).status, 200)
      assert.isNull(child.exitCode)
    }),
  180_000
)

/** A second model of the desk, before its server starts. */
const offer = (folder: string, model: string, run: string) =>
  Promotions.use((promotions) => promotions.offer({ model, run, answers: 0 })).pipe(
    Effect.provide(
      SqliteDesk.layer(join(folder, "shop-desk", "desk.sqlite"), { ...defaultSettings, columns: ["articleType"] })
    )
  )

it.live(
  "of 10,000 requests none fails while models are promoted and rolled back, and each is answered by one whole model",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trained(folder)
      yield* trained(folder, "other", "seed=2")
      const { photos } = catalogueOf(folder)
      const { errors, url } = yield* start(folder)
      yield* offer(folder, "other", join(folder, "other"))
      const { json: models } = yield* call(`${url}/v1/models`)
      const shop: string = models.find(({ state }: { readonly state: string }) => state === "live").model
      const agent = yield* client
      const some = photos.slice(0, 40)

      /** What each model says of each photo: an answer of half a model, or of two, is none of them. */
      const known = new Map<string, Map<number, ReadonlyMap<string, number>>>([
        [shop, new Map()],
        ["other", new Map()]
      ])
      const statuses = new Map<number, number>()
      const wrong: Array<string> = []
      const load = { asked: 0, swaps: 0, isOver: false }
      const seen = new Set<string>()
      const one = Effect.fnUntraced(function* () {
        while (load.asked < 10_000 || !load.isOver) {
          const n = load.asked++ % some.length
          const { status, text } = yield* send(agent, `${url}/v1/predict`, some[n])
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          if (status !== 200) {
            wrong.push(text)
            continue
          }
          const { model, top } = predicted(text)
          seen.add(model)
          const own = known.get(model)
          const before = own?.get(n)
          if (before === undefined) own?.set(n, top)
          else if (!isSame(before, top)) wrong.push(text)
        }
      })
      const answersBy = (model: string) =>
        Effect.gen(function* () {
          seen.clear()
          while (!seen.has(model)) yield* Effect.sleep("20 millis")
        })
      const swapping = Effect.gen(function* () {
        yield* answersBy(shop)
        while (load.swaps < 6 || load.asked < 10_000) {
          const promoted = yield* call(`${url}/v1/models/other/promote`, { force: true })
          assert.strictEqual(promoted.status, 200, promoted.text)
          yield* answersBy("other")
          const back = yield* call(`${url}/v1/models/roll-back`, {})
          assert.strictEqual(back.json.model, shop, back.text)
          yield* answersBy(shop)
          load.swaps += 2
        }
        load.isOver = true
      })
      yield* Effect.all([swapping, ...Array.from({ length: 16 }, one)], { concurrency: "unbounded" })

      assert.deepStrictEqual(wrong.slice(0, 3), [])
      assert.deepStrictEqual([...statuses.keys()], [200])
      assert.isAtLeast(statuses.get(200) ?? 0, 10_000)
      assert.isAtLeast(load.swaps, 6)
      // The two models differ: else nothing would have been swapped.
      const none = new Map<string, number>()
      assert.isFalse(isSame(known.get(shop)?.get(0) ?? none, known.get("other")?.get(0) ?? none))
      assert.notInclude(errors(), "A request failed")
    }),
  600_000
)
