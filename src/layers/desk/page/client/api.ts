/** Requests to the desk's API. The shapes are the server's schemas, as types alone. */
import type { Acknowledged, Task } from "../../../../run/serve/Task.ts"
import type { AuditEntry } from "../../../../run/serve/Audit.ts"
import type { DeskClass } from "../../../../run/serve/DeskClass.ts"
import type { Honesty, Progress } from "../../../../run/serve/DeskMetrics.ts"
import type { LogEntry } from "../../../../run/serve/LogEntry.ts"
import type { Operator } from "../../../../run/serve/Operator.ts"
import type { ModelRecord } from "../../../../run/serve/Promotions.ts"
import type { Retraining } from "../../../../run/serve/Retraining.ts"
import type { DeskFacts } from "../../api/desk.ts"

export type Facts = typeof DeskFacts.Type

export interface Neighbours {
  readonly label: string
  readonly images: ReadonlyArray<{ readonly digest: string; readonly name: string; readonly similarity: number }>
}

/** What the server says when it refuses; the fields depend on the error. */
export interface Failure {
  readonly _tag?: string
  readonly message?: string
  readonly reason?: string
  readonly detail?: string
  readonly [field: string]: unknown
}

export interface Refusal {
  readonly ok: false
  /** 0: there was no reply. */
  readonly status: number
  readonly error: Failure
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | null
}
export type Reply<A> = { readonly ok: true; readonly body: A } | Refusal

/** The replies by method and path; a path's parameters are not part of it. */
export interface Replies {
  readonly "GET /v1/desk": Facts
  readonly "POST /v1/session": { readonly operator: Operator; readonly csrf: string }
  readonly "DELETE /v1/session": undefined
  readonly "GET /v1/classes": ReadonlyArray<DeskClass>
  readonly "GET /v1/progress": Progress
  readonly "GET /v1/honesty": ReadonlyArray<Honesty>
  readonly "POST /v1/queue/next": ReadonlyArray<Task>
  readonly "POST /v1/queue/answer": Acknowledged
  readonly "POST /v1/queue/skip": Acknowledged
  readonly "POST /v1/queue/undo": ReadonlyArray<Task>
  readonly "POST /v1/queue/return": Acknowledged
  readonly "POST /v1/queue/second-opinion": ReadonlyArray<Acknowledged>
  readonly "POST /v1/queue/take": Task
  readonly "POST /v1/queue/renew": ReadonlyArray<{ readonly digest: string; readonly until: number }>
  readonly "POST /v1/grid/next": ReadonlyArray<Task>
  readonly "POST /v1/grid/confirm": {
    readonly confirmed: ReadonlyArray<Acknowledged>
    readonly failed: ReadonlyArray<Failure>
  }
  readonly "GET /v1/audit": ReadonlyArray<AuditEntry>
  readonly "GET /v1/log": ReadonlyArray<LogEntry>
  readonly "GET /v1/images/neighbours": ReadonlyArray<Neighbours>
  readonly "GET /v1/retrain": Retraining
  readonly "POST /v1/retrain": Retraining
  readonly "POST /v1/retrain/stop": Retraining
  readonly "GET /v1/models": ReadonlyArray<ModelRecord>
  readonly "POST /v1/models/promote": ModelRecord
  readonly "POST /v1/models/roll-back": ModelRecord
}

export interface Api {
  /** `path`: where it differs from the key, with its parameters. */
  readonly ask: <K extends keyof Replies>(
    key: K,
    request?: {
      readonly path?: string
      readonly query?: Readonly<Record<string, string | number>>
      readonly body?: unknown
    }
  ) => Promise<Reply<Replies[K]>>
  /** The token that must accompany changes; null where no cookie is used. */
  csrf: string | null
}

/** Longer than any change takes: a connection that hangs counts as none. */
const patience = 20_000

const failureOf = async (response: Response): Promise<Failure> => {
  try {
    const body: unknown = await response.json()
    // An object of unknown fields is what a Failure is.
    return typeof body === "object" && body !== null ? (body as Failure) : {}
  } catch {
    return {}
  }
}

export const openApi = (): Api => {
  const api: Api = {
    csrf: null,
    ask: async (key, { body, path, query } = {}) => {
      const [method = "GET", usual = ""] = key.split(" ")
      const search =
        query === undefined
          ? ""
          : `?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`
      try {
        const response = await fetch(`${path ?? usual}${search}`, {
          method,
          credentials: "same-origin",
          cache: "no-store",
          signal: AbortSignal.timeout(patience),
          headers: {
            accept: "application/json",
            ...(body !== undefined && { "content-type": "application/json" }),
            ...(api.csrf !== null && { "x-csrf-token": api.csrf })
          },
          ...(body !== undefined && { body: JSON.stringify(body) })
        })
        if (!response.ok) {
          const after = Number(response.headers.get("retry-after") ?? Number.NaN)
          const error = await failureOf(response)
          return { ok: false, status: response.status, error, retryAfter: Number.isFinite(after) ? after : null }
        }
        const reply: unknown = response.status === 204 ? undefined : await response.json()
        // The server encodes with the schema that this type comes from.
        return { ok: true, body: reply as never }
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        return { ok: false, status: 0, error: { message }, retryAfter: null }
      }
    }
  }
  return api
}

/** Where a photo is: its own bytes, or a JPEG of at most so many pixels. */
export const imageOf = (digest: string, size?: 96 | 192 | 384 | 1024): string =>
  size === undefined ? `/v1/images/${digest}` : `/v1/images/${digest}/thumbnail?size=${size}`
