import type { Redacted } from "effect"
import type { Operator } from "../../../run/serve/Operator.ts"

/** Somebody who may use the desk, and the token that proves it. */
export interface TokenHolder extends Operator {
  readonly token: Redacted.Redacted
}

/** What a server refuses, and how long it waits. */
export interface ServerLimits {
  /** Bytes of a request's body with images; of any other body, at most `jsonBytes`. */
  readonly bodyBytes: number
  readonly jsonBytes: number
  /** Bytes and pixels of one image. */
  readonly imageBytes: number
  readonly imagePixels: number
  /** Seconds in which a request must be there with its head, and with its whole body. */
  readonly headSeconds: number
  readonly requestSeconds: number
  /** Seconds that a client may take no byte of its answer. */
  readonly idleSeconds: number
  readonly connections: number
  /** Seconds that a server waits for requests in flight when it is stopped. */
  readonly drainSeconds: number
}

export const serverLimits: ServerLimits = {
  bodyBytes: 64 * 2 ** 20,
  jsonBytes: 2 ** 20,
  imageBytes: 32 * 2 ** 20,
  imagePixels: 50_000_000,
  headSeconds: 10,
  requestSeconds: 60,
  idleSeconds: 60,
  connections: 2048,
  drainSeconds: 20
}

/** How a desk's server is reached, and by whom. */
export interface ServerSettings {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Where browsers reach it, behind a proxy: `https://desk.example.com`. */
  readonly publicUrl?: URL | undefined
  /** Empty: everybody who reaches the server is `nobody`, an admin; only on a loopback address. */
  readonly holders: ReadonlyArray<TokenHolder>
  readonly nobody: string
  readonly limits: ServerLimits
  /** Below this probability the model abstains, where a request says nothing else. */
  readonly threshold: number
  readonly version: string
}

/** Whether an address is reached from its own machine alone. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)
