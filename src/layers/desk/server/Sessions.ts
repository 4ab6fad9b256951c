import { Clock, Context, Effect, Layer, Redacted } from "effect"
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Operator } from "../../../run/serve/Operator.ts"
import type { ServerSettings, TokenHolder } from "./settings.ts"

/** How long a session lasts, in milliseconds. */
const lifetime = 12 * 3_600_000

/** How many wrong tokens an address may send in how many milliseconds, and of how many addresses this is known. */
const wrongs = { most: 20, within: 60_000, addresses: 10_000 } as const

/** A session that a cookie proves. */
export interface Session {
  readonly operator: Operator
  /** What a request that changes something has to send beside the cookie. */
  readonly csrf: string
}

const sha256 = (text: string) => createHash("sha256").update(text).digest()

/** Compares in a time that depends on neither text. */
export const isSame = (one: string, other: string): boolean => timingSafeEqual(sha256(one), sha256(other))

/** Signs with what only the holder of a token and the servers know. */
const sign = ({ token }: TokenHolder, text: string): string =>
  createHmac("sha256", sha256(`weft desk session ${Redacted.value(token)}`))
    .update(text)
    .digest("base64url")

const csrfOf = (holder: TokenHolder, cookie: string): string => sign(holder, `csrf ${cookie}`)

const operatorOf = ({ name, role }: Operator): Operator => ({ name, role })

/**
 * Who has a token, and sessions that begin with one. A session is in its cookie, signed by a key that is derived from the
 * token: it holds on every server with the same tokens, and ends for all when the token is taken away.
 */
export class Sessions extends Context.Service<
  Sessions,
  {
    /** Whether tokens are needed. */
    readonly isOpen: boolean
    readonly nobody: Operator
    readonly byToken: (token: string) => Operator | undefined
    readonly byCookie: (cookie: string) => Effect.Effect<Session | undefined>
    /** A cookie's value for a right token. */
    readonly begin: (token: string) => Effect.Effect<(Session & { readonly cookie: string }) | undefined>
    /** Seconds that an address has to wait after too many wrong tokens; 0: none. */
    readonly waitOf: (address: string) => Effect.Effect<number>
    readonly countWrong: (address: string) => Effect.Effect<void>
  }
>()("weft/layers/desk/server/Sessions") {}

export const sessionSeconds = lifetime / 1000

export const layer = ({ holders, nobody }: Pick<ServerSettings, "holders" | "nobody">) =>
  Layer.sync(Sessions, () => {
    const failures = new Map<string, { count: number; readonly since: number }>()
    // All are compared, so that the time says nothing of which one fits.
    const holderOf = (token: string) => holders.filter((one) => isSame(Redacted.value(one.token), token))[0]
    const verify = (cookie: string, now: number): Session | undefined => {
      const [version, name, until, nonce, mac, ...more] = cookie.split(".")
      if (version !== "1" || name === undefined || nonce === undefined || mac === undefined || more.length > 0)
        return undefined
      const text = `1.${name}.${until}.${nonce}`
      const holder = holders.filter(
        (one) => Buffer.from(one.name).toString("base64url") === name && isSame(sign(one, text), mac)
      )[0]
      if (holder === undefined || !(Number(until) > now)) return undefined
      return { operator: operatorOf(holder), csrf: csrfOf(holder, cookie) }
    }
    return {
      isOpen: holders.length === 0,
      nobody: { name: nobody, role: "admin" },
      byToken: (token) => {
        const holder = holderOf(token)
        return holder && operatorOf(holder)
      },
      byCookie: (cookie) => Effect.map(Clock.currentTimeMillis, (now) => verify(cookie, now)),
      begin: (token) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const holder = holderOf(token)
          if (holder === undefined) return undefined
          const nonce = randomBytes(16).toString("base64url")
          const text = `1.${Buffer.from(holder.name).toString("base64url")}.${now + lifetime}.${nonce}`
          const cookie = `${text}.${sign(holder, text)}`
          return { operator: operatorOf(holder), csrf: csrfOf(holder, cookie), cookie }
        }),
      waitOf: (address) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const known = failures.get(address)
          if (known === undefined || known.count < wrongs.most) return 0
          return Math.max(0, Math.ceil((known.since + wrongs.within - now) / 1000))
        }),
      countWrong: (address) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const known = failures.get(address)
          if (known !== undefined && now - known.since < wrongs.within) {
            known.count += 1
            return
          }
          failures.delete(address)
          // The oldest goes first: a Map keeps the order in which addresses came.
          const [oldest] = failures.size < wrongs.addresses ? [] : failures.keys()
          if (oldest !== undefined) failures.delete(oldest)
          failures.set(address, { count: 1, since: now })
        })
    }
  })
