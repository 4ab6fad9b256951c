import { Config, Effect, FileSystem, Option, Redacted, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { ConfigError } from "../config/RunConfig.ts"
import type { TokenHolder } from "../layers/desk/server/settings.ts"
import { systemFault } from "../layers/storage/systemFault.ts"
import { Name } from "../run/serve/Item.ts"
import { Role } from "../run/serve/Operator.ts"

/** Fewest characters of a token: what can be guessed is none. */
const shortest = 16

const isName = Schema.is(Name)
const isRole = Schema.is(Role)

/** `NAME:ROLE:TOKEN`, or `NAME:ROLE`, whose token is made; errors do not repeat the token. */
const holderOf = Effect.fnUntraced(function* (text: string, where: string) {
  const [name = "", role = "", ...rest] = text.split(":")
  const fail = (problem: string) => new ConfigError({ where, problems: [problem] })
  if (!isName(name) || !isRole(role))
    return yield* fail("expected NAME:operator or NAME:admin, or with a token of your own NAME:admin:TOKEN")
  const token = rest.join(":")
  if (rest.length === 0)
    return { name, role, token: Redacted.make(randomBytes(24).toString("base64url")), isMade: true as const }
  if (token.length < shortest)
    return yield* fail(`the token of ${name} has ${token.length} characters; expected ${shortest} or more`)
  return { name, role, token: Redacted.make(token), isMade: false as const }
})

/**
 * Who may use the desk: of `--token`, of a file with `NAME:ROLE:TOKEN` on each line, and of WEFT_TOKENS, which has such lines
 * too. `made` are those whose token was made now, and is to be shown once.
 */
export const tokenHolders = Effect.fnUntraced(function* (given: ReadonlyArray<string>, file: Option.Option<string>) {
  const fs = yield* FileSystem.FileSystem
  const lines = (text: string) =>
    text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"))
  const named = Option.isNone(file)
    ? []
    : lines(
        yield* fs
          .readFileString(file.value)
          .pipe(
            Effect.mapError(
              (error) => new ConfigError({ where: `--token-file ${file.value}`, problems: [systemFault(error).detail] })
            )
          )
      )
  const ofEnvironment = lines(
    Redacted.value(yield* Config.Redacted("WEFT_TOKENS").pipe(Config.withDefault(Redacted.make(""))))
  )
  const holders = [
    ...(yield* Effect.forEach(given, (text) => holderOf(text, "--token"))),
    ...(yield* Effect.forEach(named, (text, i) => holderOf(text, `--token-file, entry ${i + 1}`))),
    ...(yield* Effect.forEach(ofEnvironment, (text, i) => holderOf(text, `WEFT_TOKENS, entry ${i + 1}`)))
  ]
  const twice = holders.find(({ name }, i) => holders.findIndex((one) => one.name === name) !== i)
  if (twice !== undefined)
    return yield* new ConfigError({
      where: "--token",
      problems: [`${twice.name} is named twice: whose answers are whose is told by the name`]
    })
  return {
    holders: holders.map(({ name, role, token }): TokenHolder => ({ name, role, token })),
    made: holders.filter(({ isMade }) => isMade)
  }
})
