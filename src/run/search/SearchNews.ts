import { Schema } from "effect"
import type { Effect } from "effect"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { GroupEnd } from "./Group.ts"
import type { SearchResult } from "./SearchResult.ts"

/** A ProgressEvent from a process of the same version of Weft: plain data that JSON keeps as it is. */
export const ReportedEvent = Schema.Unknown.pipe(
  Schema.refine((value): value is ProgressEvent => typeof value === "object" && value !== null)
)

/** News of a search from its workers to its watchers: progress of some trials, or the end of a group. */
export const SearchNews = Schema.Union([
  Schema.TaggedStruct("Going", { trials: Schema.Array(Schema.String), event: ReportedEvent }),
  Schema.TaggedStruct("Ended", { rung: Schema.Natural, end: GroupEnd })
])
export type SearchNews = typeof SearchNews.Type

/** Publishes news. */
export type TellNews = (news: SearchNews) => Effect.Effect<void>

declare module "../../pipeline/Progress.ts" {
  interface ProgressEvents {
    /** A search's state: at its beginning, and whenever one of its trials has made progress. */
    readonly Trials: { readonly search: SearchResult }
  }
}
