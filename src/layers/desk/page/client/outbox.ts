/**
 * Answers on their way to the server. Each is kept in the browser's storage until the server has acknowledged it, so that
 * a lost connection, a closed tab or an expired session loses none. Pure: what a reply means for an answer.
 */
import type { ColumnValue } from "../../../../run/serve/ColumnValue.ts"
import type { Answer } from "../../../../run/serve/Item.ts"
import type { Task } from "../../../../run/serve/Task.ts"
import type { Failure, Refusal, Reply } from "./api.ts"
import { sameValue } from "./value.ts"

export interface Photo {
  readonly digest: string
  readonly version: number
  readonly name: string
}

/** A change that somebody made on this page. */
export type Change =
  | {
      readonly kind: "answer"
      readonly photo: Photo
      readonly values: ReadonlyArray<ColumnValue>
      readonly seconds: number | null
      /** Shown again if somebody else answered first; null: the item is leased before the answer is sent. */
      readonly task: Task | null
    }
  | { readonly kind: "skip"; readonly photo: Photo; readonly seconds: number | null }
  | {
      readonly kind: "confirm"
      readonly column: string
      readonly label: string
      readonly photos: ReadonlyArray<Photo>
      readonly seconds: number | null
    }

/** The photo of a task or an item, as a change names it. */
export const photoOf = ({ digest, name, version }: Photo): Photo => ({ digest, name, version })

/** The photos that a change is about. */
export const digestsOf = (change: Change): ReadonlyArray<string> =>
  change.kind === "confirm" ? change.photos.map(({ digest }) => digest) : [change.photo.digest]

export interface Waiting {
  readonly id: string
  /** Whose answer it is: another operator's is not sent. */
  readonly operator: string
  readonly change: Change
  readonly tries: number
  /** Milliseconds since 1970: not before. */
  readonly after: number
  /** The item is leased anew first: the lease was lost, or an answer of somebody else is replaced. */
  readonly retake: boolean
  /** Why it waits; `asked`: for the person to decide between two answers. */
  readonly because: "sending" | "connection" | "signIn" | "lease" | "asked" | "refused"
  readonly detail: string | null
}

export type Outcome =
  | { readonly is: "done"; readonly failed: ReadonlyArray<Failure> }
  /** Nobody can be reached: this answer and those behind it are tried again. */
  | { readonly is: "later"; readonly seconds: number }
  | { readonly is: "signIn" }
  | { readonly is: "csrf" }
  | { readonly is: "conflict"; readonly version: number; readonly theirs: Answer | null }
  /** Somebody else has the photo, until then. */
  | { readonly is: "held"; readonly until: number }
  | { readonly is: "refused"; readonly detail: string }

/** Doubles up to half a minute. */
export const waitAfter = (tries: number): number => Math.min(30, 2 ** Math.min(tries, 5))

const sameValues = (sent: ReadonlyArray<ColumnValue>, holds: ReadonlyArray<ColumnValue>): boolean =>
  sent.every(({ column, value }) => sameValue(holds.find((one) => one.column === column)?.value ?? null, value))

const answerIn = (error: Failure): Answer | null => {
  // The server encodes an AnswerConflict with the schema of an Answer, or null.
  const answer = error["answer"] as Answer | null | undefined
  return answer ?? null
}

/** The last try reached the server although its reply was lost: what holds is what was sent. */
const alreadyThere = (change: Change, error: Failure, operator: string): boolean => {
  const answer = answerIn(error)
  if (change.kind === "skip") return error["state"] === "skipped"
  if (answer === null || answer.operator !== operator) return false
  return change.kind === "answer"
    ? sameValues(change.values, answer.values)
    : sameValues([{ column: change.column, value: change.label }], answer.values)
}

const reachable = ({ status }: Refusal) => status !== 0 && status !== 408 && status !== 429 && status < 500

/** What a reply means for a change. `now` in milliseconds since 1970. */
export const outcomeOf = (
  { change, operator, tries }: Pick<Waiting, "change" | "operator" | "tries">,
  reply: Reply<unknown>,
  now: number
): Outcome => {
  if (reply.ok) {
    if (change.kind !== "confirm") return { is: "done", failed: [] }
    // The reply of a confirmation; its shape is the server's.
    const { failed } = reply.body as { readonly failed: ReadonlyArray<Failure> }
    return { is: "done", failed: failed.filter((error) => !alreadyThere(change, error, operator)) }
  }
  const { error, retryAfter, status } = reply
  if (!reachable(reply)) return { is: "later", seconds: retryAfter ?? waitAfter(tries) }
  if (status === 401) return { is: "signIn" }
  if (status === 403 && error.reason === "csrf" && tries < 2) return { is: "csrf" }
  if (error._tag === "AnswerConflict") {
    if (alreadyThere(change, error, operator)) return { is: "done", failed: [] }
    // A number by the server's schema.
    return { is: "conflict", version: Number(error["version"]), theirs: answerIn(error) }
  }
  if (error._tag === "LeaseLost") {
    const until = typeof error["until"] === "number" ? error["until"] : now
    // At least a second, as the two clocks may differ.
    return { is: "held", until: Math.max(until + 500, now + 1000) }
  }
  return { is: "refused", detail: error.message ?? error.detail ?? error._tag ?? `HTTP ${status}` }
}

/**
 * What holds, of an item that was leased anew: null where it is as it was, and the answer can be sent. An answer that
 * replaces another says so by the version that it has seen.
 */
export const changedSince = (
  change: Change,
  task: Task
): { readonly version: number; readonly theirs: Answer | null } | null => {
  if (change.kind === "confirm" || task.version === change.photo.version) return null
  const values = task.columns.flatMap(({ column, value }) => (value === null ? [] : [{ column, value }]))
  return { version: task.version, theirs: values.length === 0 ? null : { operator: null, at: 0, values } }
}

/** The request that carries a change. */
export const requestOf = (change: Change) => {
  switch (change.kind) {
    case "answer": {
      const { digest, version } = change.photo
      return {
        key: "POST /v1/queue/answer",
        body: { digest, version, values: change.values, seconds: change.seconds }
      } as const
    }
    case "skip": {
      const { digest, version } = change.photo
      return { key: "POST /v1/queue/skip", body: { digest, version, seconds: change.seconds } } as const
    }
    case "confirm": {
      const items = change.photos.map(({ digest, version }) => ({ digest, version }))
      const { column, label, seconds } = change
      return { key: "POST /v1/grid/confirm", body: { column, label, items, seconds } } as const
    }
  }
}

/** The next one to send: the first that may be sent now; answers that wait for something else hold back nobody. */
export const nextToSend = (waiting: ReadonlyArray<Waiting>, operator: string, now: number): Waiting | undefined => {
  const mine = waiting.filter(
    (one) => one.operator === operator && one.because !== "asked" && one.because !== "refused"
  )
  const sending = mine.find((one) => one.because !== "lease")
  if (sending !== undefined && sending.after <= now) return sending
  // While there is no connection, nothing else is tried.
  if (sending?.because === "connection" || sending?.because === "signIn") return undefined
  return mine.find((one) => one.because === "lease" && one.after <= now)
}

/** Where answers are kept. Each has an entry of its own, as two tabs write at once. */
export interface Keeper {
  readonly put: (waiting: Waiting) => boolean
  readonly remove: (id: string) => void
  readonly all: () => ReadonlyArray<Waiting>
}

const prefix = "weft-desk/answer/"

/** In the browser's storage. `put` is false where there is none, or no room. */
export const keeperIn = (storage: Storage | null): Keeper => ({
  put: (waiting) => {
    try {
      storage?.setItem(prefix + waiting.id, JSON.stringify(waiting))
      return storage !== null
    } catch {
      return false
    }
  },
  remove: (id) => {
    try {
      storage?.removeItem(prefix + id)
    } catch {
      // What cannot be removed is sent again, and known as sent by its answer.
    }
  },
  all: () => {
    try {
      return Object.keys(storage ?? {})
        .filter((key) => key.startsWith(prefix))
        .sort()
        .flatMap((key) => {
          const text = storage?.getItem(key) ?? null
          // Written by `put` alone, under this prefix.
          return text === null ? [] : [JSON.parse(text) as Waiting]
        })
    } catch {
      return []
    }
  }
})
