/**
 * A server's desk on a PostgreSQL, in a process of its own; the last line of the output is JSON:
 *   WEFT_DATABASE=URL node answeringDesk.ts begin ITEMS     takes the items in, leases 50, prints them, and never ends
 *   WEFT_DATABASE=URL node answeringDesk.ts answer PREFIX   four operators answer until nothing is open; all digests
 */
import { Config, Console, Effect } from "effect"
import { clusterUrl } from "../../../../src/layers/database/ClusterUrl.ts"
import * as PostgresDesk from "../../../../src/layers/desk/store/PostgresDesk.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { answerEverything } from "./answerEverything.ts"
import { uploaded } from "./uploaded.ts"

const [, , task = "", given = ""] = process.argv

const begin = Effect.gen(function* () {
  const desk = yield* Desk
  const all = Array.from({ length: Number(given) }, (_, n) => uploaded(n))
  for (let from = 0; from < all.length; from += 1000) yield* desk.arrive(all.slice(from, from + 1000))
  const tasks = yield* desk.next({ operator: "gone", order: "newest", count: 50 })
  yield* Console.log(JSON.stringify(tasks.map(({ digest, lease: { until } }) => ({ digest, until }))))
  return yield* Effect.never
})

const answer = Effect.gen(function* () {
  const desk = yield* Desk
  const answered: Array<string> = []
  while (true) {
    answered.push(...(yield* answerEverything({ operators: 4, prefix: given, items: 0, arriving: false })))
    if ((yield* desk.progress).open === 0) break
    // Others have leased what is left.
    yield* Effect.sleep("100 millis")
  }
  yield* Console.log(JSON.stringify(answered))
})

await Effect.gen(function* () {
  const url = yield* clusterUrl(yield* Config.Redacted("WEFT_DATABASE"), "WEFT_DATABASE")
  const settings = { ...defaultSettings, columns: ["articleType"], leaseSeconds: 15 } as const
  yield* Effect.provide(task === "begin" ? begin : answer, PostgresDesk.layer(url, settings))
}).pipe(Effect.runPromise)
