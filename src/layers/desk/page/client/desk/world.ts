/** What is outside the page's state: the server, the browser, and the clock. Tests and the bench give others. */
import type { Api } from "../api.ts"
import type { Keeper } from "../outbox.ts"

/** What tabs of one browser tell each other. */
export interface Channel {
  readonly send: (message: TabMessage) => void
  receive: (message: TabMessage) => void
}
export type TabMessage =
  | { readonly is: "who" }
  | { readonly is: "shows"; readonly tab: string; readonly digest: string | null }
  | { readonly is: "answered"; readonly digests: ReadonlyArray<string> }

export interface World {
  readonly api: Api
  readonly keeper: Keeper
  readonly channel: Channel
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly after: (milliseconds: number, run: () => void) => void
  /** An id that no other tab makes; a later one sorts behind an earlier one. */
  readonly newId: () => string
  /** Whether somebody looks at the page. */
  readonly visible: () => boolean
  /** How many photos a grid has. */
  readonly gridSize: () => number
  /** The state has changed. */
  readonly changed: () => void
}
