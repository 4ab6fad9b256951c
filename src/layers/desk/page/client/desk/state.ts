/** What the page shows, as one object that the parts of the desk change. */
import type { AuditEntry, AuditList } from "../../../../../run/serve/Audit.ts"
import type { DeskClass } from "../../../../../run/serve/DeskClass.ts"
import type { Honesty, Progress } from "../../../../../run/serve/DeskMetrics.ts"
import type { LogEntry } from "../../../../../run/serve/LogEntry.ts"
import type { Order } from "../../../../../run/serve/Task.ts"
import type { ModelRecord } from "../../../../../run/serve/Promotions.ts"
import type { Retraining } from "../../../../../run/serve/Retraining.ts"
import type { Facts, Neighbours } from "../api.ts"
import type { Grid } from "../grid.ts"
import type { View } from "../keys.ts"
import type { Waiting } from "../outbox.ts"
import type { Frequent } from "../ranking.ts"
import * as Tagging from "../tagging.ts"

export interface Notice {
  readonly id: number
  readonly text: string
  /** `info` goes by itself. */
  readonly kind: "info" | "problem"
  /** The answer that it is about. */
  readonly waiting: string | null
}

export interface State {
  phase: "starting" | "unreachable" | "signIn" | "ready"
  facts: Facts | null
  signIn: { message: string | null; busy: boolean }
  view: View
  above: "commands" | "help" | "sure" | null
  sure: { readonly question: string; readonly yes: () => void } | null

  tagging: Tagging.Tagging
  order: Order
  /** Whether the queue has been asked for photos, and had none. */
  empty: boolean
  /** The photo is shown with its own pixels; where it is looked at, from 0 to 1. */
  zoom: { readonly x: number; readonly y: number } | null
  /** By `nearKey`. */
  neighbours: ReadonlyMap<string, ReadonlyArray<Neighbours>>
  broken: ReadonlySet<string>

  classes: ReadonlyArray<DeskClass>
  /** By column, in the order of type-ahead. */
  frequent: ReadonlyMap<string, ReadonlyArray<Frequent>>

  gridColumn: number
  gridTyped: string
  gridLine: number
  grid: Grid | null
  gridAsking: boolean

  list: AuditList
  entries: ReadonlyArray<AuditEntry>
  entry: number
  listAsking: boolean
  log: { readonly digest: string; readonly lines: ReadonlyArray<LogEntry> } | null

  models: ReadonlyArray<ModelRecord>
  model: number
  retraining: Retraining | null

  progress: Progress | null
  honesty: ReadonlyArray<Honesty>

  waiting: ReadonlyArray<Waiting>
  /** Whether the browser keeps what is waiting. */
  kept: boolean
  notices: ReadonlyArray<Notice>
  rate: number | null
}

export const initialState = (): State => ({
  phase: "starting",
  facts: null,
  signIn: { message: null, busy: false },
  view: "tag",
  above: null,
  sure: null,
  tagging: Tagging.nothingInHand,
  order: "newest",
  empty: false,
  zoom: null,
  neighbours: new Map(),
  broken: new Set(),
  classes: [],
  frequent: new Map(),
  gridColumn: 0,
  gridTyped: "",
  gridLine: 0,
  grid: null,
  gridAsking: false,
  list: "labelErrors",
  entries: [],
  entry: 0,
  listAsking: false,
  log: null,
  models: [],
  model: 0,
  retraining: null,
  progress: null,
  honesty: [],
  waiting: [],
  kept: true,
  notices: [],
  rate: null
})

/** Who works here; the empty name before that is known. */
export const operatorIn = ({ facts }: State): string => facts?.operator.name ?? ""

export const isAdmin = ({ facts }: State): boolean => facts?.operator.role === "admin"

export const columnsIn = ({ facts }: State): ReadonlyArray<string> => facts?.columns ?? []

/** The key of what is known of one column of one photo. */
export const nearKey = (digest: string, column: string): string => `${digest}/${column}`
