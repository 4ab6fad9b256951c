import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { globSync } from "node:fs"
import { readConfig } from "../src/cli/readConfig.ts"
import { networkFor } from "../src/model/networks.ts"
import { freezingOf } from "../src/model/parts.ts"

const files = globSync("configs/**/*.toml")

it.effect.each(files)("%s is a configuration whose network fits its images and has the parts that it names", (file) =>
  Effect.gen(function* () {
    const { image, network, train } = yield* readConfig(file, [])
    const described = yield* networkFor(network, { ...image, classes: 70 })
    const { stages } = yield* freezingOf(described, network, train, 1)
    assert.isBelow(stages[0]!.from, described.blocks.length)
  }).pipe(Effect.provide(NodeServices.layer))
)
