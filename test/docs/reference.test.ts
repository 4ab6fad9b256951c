import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { at } from "./pages.ts"
import { commandsPage, configurationPage, metricsPage, searchPage } from "./reference.ts"

/** `npx pnpm docs:reference` writes them. */
const isIn = (page: string, text: string) => expect(text).toMatchFileSnapshot(at(`docs/reference/${page}`))

describe("the reference", () => {
  it("has the configuration's keys as the Schema has them", () => isIn("configuration.md", configurationPage()))
  it("has the keys of a search", () => isIn("search.md", searchPage()))
  it("has the metrics of the list", () => isIn("metrics.md", metricsPage()))
  it.effect("has the commands with their flags", () =>
    Effect.gen(function* () {
      const text = yield* commandsPage
      yield* Effect.promise(() => isIn("commands.md", text))
    })
  )
})
