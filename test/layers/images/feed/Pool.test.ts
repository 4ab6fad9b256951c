import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Pool } from "../../../../src/layers/images/feed/Pool.ts"
import type { Fed, FeedWork } from "../../../../src/pipeline/Feed.ts"
import { ImageConfig } from "../../../../src/pipeline/ImageConfig.ts"
import { LoaderConfig } from "../../../../src/pipeline/LoaderConfig.ts"

const work: FeedWork = {
  slots: [{ id: "a", path: "nowhere.jpg" }],
  image: Schema.decodeSync(ImageConfig)({ height: 8, width: 11 }),
  augment: undefined,
  seed: 1,
  epoch: 0,
  loader: Schema.decodeSync(LoaderConfig)({})
}

/** What a pool says of a batch: why there is none, or how many images are refused. */
const ask = (pool: Pool, more: FeedWork = work) =>
  Effect.promise(
    () =>
      new Promise<string | number>((resolve) =>
        pool.ask(
          more,
          ({ refused }) => resolve(refused.length),
          (detail) => resolve(detail)
        )
      )
  )

describe("a pool of threads", () => {
  it.effect("says why a thread ended, for every batch that it had, and starts another for the next", () =>
    Effect.gen(function* () {
      const pool = new Pool(1, new URL("./dying.ts", import.meta.url))
      const answers = yield* Effect.all([ask(pool), ask(pool), ask(pool)], { concurrency: "unbounded" })
      for (const answer of answers) assert.match(String(answer), /a thread ended \(out of luck\)/)
      assert.match(String(yield* ask(pool)), /out of luck/)
      yield* Effect.promise(() => pool.close())
    })
  )
  it.effect("tells a thread what a batch is made of, and nothing else of the run", () =>
    Effect.gen(function* () {
      const pool = new Pool(1, new URL("./telling.ts", import.meta.url))
      const samples = Array.from({ length: 5 }, (_, line) => ({
        id: `${line}`,
        label: 0,
        path: "",
        digest: `${line}`,
        within: ["photos"],
        line
      }))
      const whole = { ...work, samples, slots: samples }
      const told: unknown = JSON.parse(String(yield* ask(pool, whole)))
      const { image, seed, epoch } = work
      const slots = samples.map(({ digest, id, path, within }) => ({ digest, id, path, within }))
      assert.deepStrictEqual(told, { image, seed, epoch, slots })
      yield* Effect.promise(() => pool.close())
    })
  )
  it.effect("says why a batch cannot be filled, and goes on", () =>
    Effect.gen(function* () {
      const pool = new Pool(1)
      const endless = { ...work, image: { ...work.image, height: 2 ** 53 } }
      assert.strictEqual(yield* ask(pool, endless), "there is no memory for a batch")
      const impossible = { ...work, image: { ...work.image, height: 0.5 } }
      assert.match(String(yield* ask(pool, impossible)), /multiple of 4/)
      assert.strictEqual(yield* ask(pool), 1)
      yield* Effect.promise(() => pool.close())
      assert.strictEqual(yield* ask(pool), "it is closed")
    })
  )
  it.effect("reuses released memory, and gives copies to a caller that releases none", () =>
    Effect.gen(function* () {
      const pool = new Pool(1)
      const take = Effect.promise(() => new Promise<Fed>((resolve, reject) => pool.ask(work, resolve, reject)))
      const first = yield* take
      first.release()
      first.release()
      const second = yield* take
      assert.strictEqual(second.images.buffer, first.images.buffer)
      const more = yield* Effect.all(Array.from({ length: 8 }, () => take))
      const shared = [second, ...more].filter(({ images }) => images.buffer instanceof SharedArrayBuffer)
      assert.strictEqual(shared.length, work.loader.prefetch + 3)
      assert.strictEqual(new Set([second, ...more].map(({ images }) => images.buffer)).size, 9)
      for (const { images } of more) assert.strictEqual(images.length, 264)
      yield* Effect.promise(() => pool.close())
    })
  )
})
