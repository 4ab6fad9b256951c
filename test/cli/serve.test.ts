import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { draw } from "../../src/pipeline/draw.ts"
import { temporaryFolder } from "../temporaryFolder.ts"
import { weft } from "./run.ts"
import { bin, call, catalogueOf, start, trained, until } from "./servedRun.ts"

it.live(
  "a run becomes a desk: suggestions, answers, a retraining that survives kill -9, a swap under load, a roll back",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trained(folder)
      const { list, photos } = catalogueOf(folder)

      const first = yield* start(folder)
      // The catalogue is at the desk, with suggestions.
      yield* until(`${first.url}/v1/progress`, ({ labelled }) => Number(labelled) > 100)
      const tasks: ReadonlyArray<{ readonly digest: string }> = yield* call(`${first.url}/v1/queue/next`, {
        order: "disagreement",
        count: 50
      }).pipe(
        Effect.map(({ json }) => json),
        Effect.filterOrFail((tasks) => tasks.length > 0),
        Effect.retry(Schedule.spaced("200 millis"))
      )
      const parts = yield* Effect.forEach(tasks, (task) =>
        Effect.map(call(`${first.url}/v1/items/${task.digest}`), ({ json }) => json.part)
      )
      // A retraining learns from these; those of the test part are the gate's.
      const chosen = tasks.filter((_, i) => parts[i] === "train").slice(0, 8)
      for (const { digest } of chosen) {
        const { json: task } = yield* call(`${first.url}/v1/queue/take`, { digest })
        const [{ column, value }] = task.columns
        const answered = yield* call(`${first.url}/v1/queue/answer`, {
          digest,
          version: task.version,
          values: [{ column, value: value === "Tshirts" ? "Casual Shoes" : "Tshirts" }],
          seconds: 1
        })
        assert.strictEqual(answered.status, 200)
      }
      assert.notStrictEqual((yield* call(`${first.url}/v1/export.csv`)).text, list.toString("utf8"))
      yield* call(`${first.url}/v1/retrain`, {})
      yield* until(`${first.url}/v1/retrain`, ({ state }) => state === "training")
      // Both processes are killed in the middle.
      first.child.kill("SIGKILL")
      yield* Effect.promise(() => first.ended)

      const second = yield* start(folder)
      const { url } = second
      const log = yield* call(`${url}/v1/log`)
      assert.strictEqual(log.json.length, chosen.length)
      // It is gone on with, and ends: the gate has too few samples to let it pass.
      yield* until(`${url}/v1/retrain`, ({ state }) => state === "heldBack")
      const { json: models } = yield* call(`${url}/v1/models`)
      const candidate = models.find(({ state }: { readonly state: string }) => state === "heldBack")
      const live = models.find(({ state }: { readonly state: string }) => state === "live")
      assert.isNotEmpty(candidate.verdict.reasons)
      assert.strictEqual((yield* call(`${url}/v1/models/${candidate.model}/promote`, {})).status, 409)

      const by = new Map<string, number>()
      const load = { isOver: false }
      const predict = (photo: Buffer) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}/v1/predict`, {
            method: "POST",
            headers: { "content-type": "image/jpeg" },
            body: new Uint8Array(photo)
          })
          assert.strictEqual(response.status, 200)
          const { model } = (await response.json()) as { readonly model: string }
          by.set(model, (by.get(model) ?? 0) + 1)
        })
      const client = Effect.gen(function* () {
        for (let i = 0; !load.isOver; i++) yield* predict(photos[i % photos.length] ?? Buffer.alloc(0))
      })
      const swaps = Effect.gen(function* () {
        const answers = (model: string) =>
          Effect.suspend(() => (by.has(model) ? Effect.void : Effect.fail("not yet"))).pipe(
            Effect.retry(Schedule.spaced("50 millis"))
          )
        yield* answers(live.model)
        assert.strictEqual((yield* call(`${url}/v1/models/${candidate.model}/promote`, { force: true })).status, 200)
        yield* answers(candidate.model)
        by.delete(live.model)
        assert.strictEqual((yield* call(`${url}/v1/models/roll-back`, {})).json.model, live.model)
        yield* answers(live.model)
        load.isOver = true
      })
      // None fails: each is asserted.
      yield* Effect.all([swaps, ...Array.from({ length: 16 }, () => client)], { concurrency: "unbounded" })

      for (const _ of chosen) assert.strictEqual((yield* call(`${url}/v1/queue/undo`, {})).status, 200)
      const given = yield* call(`${url}/v1/export.csv`)
      assert.strictEqual(given.text, list.toString("utf8"))
      second.child.kill("SIGTERM")
      assert.include([0, 130, "SIGTERM"], yield* Effect.promise(() => second.ended))
    }),
  300_000
)

/** What a command prints. This process goes on meanwhile: it has to see when the server closes a connection. */
const ran = (folder: string, ...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.promise(() => weft(args, folder)),
    ({ code, stderr, stdout }) => {
      assert.strictEqual(code, 0, stderr)
      return stdout
    }
  )

/** Forty photos of two types and two colours, and a run that knows both columns. */
const trainedOnTwoColumns = (folder: string) =>
  Effect.promise(async () => {
    mkdirSync(join(folder, "photos", "images"), { recursive: true })
    const rows = Array.from({ length: 40 }, (_, i) => ({
      id: `${i}`,
      type: i % 2 === 0 ? "Tops" : "Caps",
      colour: i % 4 < 2 ? "red" : "blue"
    }))
    for (const { colour, id, type } of rows) {
      const random = draw("serve test", id)
      const pixels = Uint8Array.from({ length: 48 * 56 * 3 }, (_, i) => {
        const [y, channel] = [Math.floor(i / (48 * 3)), i % 3]
        const isLit = (type === "Tops") === y < 28 && channel === (colour === "red" ? 0 : 2)
        return random.below(60) + (isLit ? 190 : 0)
      })
      const image = sharp(pixels, { raw: { width: 48, height: 56, channels: 3 } })
      await image.jpeg().toFile(join(folder, "photos", "images", `${id}.jpg`))
    }
    const lines = rows.map(({ colour, id, type }) => `${id},${type},${colour}\n`)
    writeFileSync(join(folder, "photos", "styles.csv"), `id,type,colour\n${lines.join("")}`)
    writeFileSync(
      join(folder, "shop.toml"),
      `data = { root = "photos", minPerClass = 4, columns = { label = ["type", "colour"] } }
image = { height = 48, width = 48 }
train = { epochs = 2, batchSize = 8 }
`
    )
  }).pipe(Effect.andThen(ran(folder, "train", "--config", "shop.toml", "--run", "shop")))

interface Near {
  readonly label: string
  readonly images: ReadonlyArray<{ readonly digest: string; readonly name: string; readonly similarity: number }>
}
interface FromSimilar {
  readonly files: readonly [
    { readonly similar: ReadonlyArray<{ readonly digest: string; readonly file: string; readonly similarity: number }> }
  ]
}

it.live(
  "the desk shows the training photos that are nearest, of the leading classes of each column, by whichever model is live",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trainedOnTwoColumns(folder)
      const { url } = yield* start(folder, ["--blind", "0"])
      /** What `weft similar` finds of the same photo, by a run: the photo itself is left out, where it is there. */
      const similarBy = Effect.fnUntraced(function* (run: string, photo: string, label: string, digest: string) {
        const asked = ["similar", "--run", run, "--json", "--label", label, "--count", "4", photo]
        const { files } = JSON.parse(yield* ran(folder, ...asked)) as FromSimilar
        return files[0].similar.filter((one) => one.digest !== digest).slice(0, 3)
      })
      const nearOf = (digest: string, column: string) =>
        Effect.map(
          call(`${url}/v1/images/${digest}/neighbours?column=${column}&count=3`),
          ({ json }) => json as ReadonlyArray<Near>
        )
      const awaited = (digest: string, isWanted: (near: ReadonlyArray<Near>) => boolean) =>
        nearOf(digest, "type").pipe(Effect.filterOrFail(isWanted), Effect.retry(Schedule.spaced("200 millis")))
      const isBy = Effect.fnUntraced(function* (run: string, photo: string, digest: string) {
        const similar = new Map([
          ["Tops", yield* similarBy(run, photo, "Tops", digest)],
          ["Caps", yield* similarBy(run, photo, "Caps", digest)]
        ])
        return (near: ReadonlyArray<Near>) =>
          near.length === 2 &&
          near.every(({ images, label }) => {
            const expected = similar.get(label) ?? []
            return (
              images.length === 3 &&
              images.every(
                ({ digest, name, similarity }, i) =>
                  digest === expected[i]?.digest &&
                  name === expected[i]?.file.split("/").at(-1) &&
                  Math.abs(similarity - (expected[i]?.similarity ?? 2)) < 1e-4
              )
            )
          })
      })

      // A photo that is uploaded: it is none of the catalogue's.
      const upload = yield* Effect.promise(() =>
        sharp(join(folder, "photos", "images", "0.jpg"))
          .modulate({ brightness: 0.7 })
          .jpeg()
          .toBuffer()
      )
      const file = join(folder, "upload.jpg")
      writeFileSync(file, upload)
      const arrived = yield* Effect.promise(async () => {
        const request = { method: "POST", headers: { "content-type": "image/jpeg" }, body: new Uint8Array(upload) }
        const response = await fetch(`${url}/v1/images?name=upload.jpg`, request)
        return (await response.json()) as { readonly images: readonly [{ readonly digest: string }] }
      })
      const { digest } = arrived.images[0]
      yield* awaited(digest, yield* isBy("shop", file, digest))

      // Each neighbour is a training photo, and has the class that it is shown for, in each column.
      const known = (yield* nearOf(digest, "type"))[0]?.images[0]?.digest ?? ""
      for (const asked of [digest, known])
        for (const column of ["type", "colour"]) {
          const near = yield* nearOf(asked, column)
          assert.sameMembers(
            near.map(({ label }) => label),
            column === "type" ? ["Tops", "Caps"] : ["red", "blue"]
          )
          for (const { images, label } of near)
            for (const image of images) {
              const { json: item } = yield* call(`${url}/v1/items/${image.digest}`)
              assert.strictEqual(item.part, "train")
              assert.notStrictEqual(image.digest, asked)
              const [{ values }] = item.rows
              assert.deepInclude(values, { column, value: label })
              assert.strictEqual((yield* call(`${url}/v1/images/${image.digest}/thumbnail?size=96`)).status, 200)
            }
        }

      // Another model is promoted: now they are its own.
      const { json: task } = yield* call(`${url}/v1/queue/take`, { digest: known })
      const other = (yield* nearOf(digest, "type"))[0]?.label === "Tops" ? "Caps" : "Tops"
      const values = [
        { column: "type", value: other },
        { column: "colour", value: "blue" }
      ]
      const answer = { digest: known, version: task.version, values, seconds: 1 }
      assert.strictEqual((yield* call(`${url}/v1/queue/answer`, answer)).status, 200)
      yield* call(`${url}/v1/retrain`, {})
      yield* until(`${url}/v1/retrain`, ({ state }) => state === "heldBack")
      const { json: models } = yield* call(`${url}/v1/models`)
      const { model, run } = models.find(({ state }: { readonly state: string }) => state === "heldBack")
      yield* call(`${url}/v1/models/${model}/promote`, { force: true })
      yield* awaited(digest, yield* isBy(run, file, digest))
      // The corrected photo is a photo of its new class now.
      const { json: corrected } = yield* call(`${url}/v1/images/${digest}/neighbours?column=type&count=20`)
      const labels = (corrected as ReadonlyArray<Near>).flatMap(({ images, label }) =>
        images.some((image) => image.digest === known) ? [label] : []
      )
      assert.deepStrictEqual(labels, [other])
    }),
  300_000
)

it.live(
  "beyond this machine, a token is needed; a token that can be guessed is refused",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trained(folder)
      const refused = (args: ReadonlyArray<string>) => {
        const { status, stderr } = spawnSync(process.execPath, [bin, "serve", "--run", "shop", ...args], {
          cwd: folder,
          encoding: "utf8"
        })
        assert.strictEqual(status, 2, stderr)
        return stderr
      }
      assert.include(refused(["--host", "0.0.0.0"]), "--token NAME:admin")
      assert.include(refused(["--public-url", "https://desk.example.com"]), "--token NAME:admin")
      const short = refused(["--token", "ann:admin:secret"])
      assert.include(short, "16 or more")
      assert.notInclude(short, "secret")
      assert.include(refused(["--token", "ann:boss"]), "NAME:operator")
      assert.include(refused(["--token", "ann:admin", "--token", "ann:operator"]), "named twice")
    }),
  120_000
)
