import { Schema } from "effect"
import type { Effect } from "effect"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { GroupEnd } from "./Group.ts"
import type { SearchResult } from "./SearchResult.ts"

/** Told by a process of the same version of Weft, in which a ProgressEvent is data that JSON holds as it is. */
export const Told = Schema.Unknown.pipe(
  Schema.refine((value): value is ProgressEvent => typeof value === "object" && value !== null)
)

/** What those who train a search's groups tell those who watch it: how it goes with some trials, and how it went. */
export const SearchNews = Schema.Union([
  Schema.TaggedStruct("Going", { trials: Schema.Array(Schema.String), event: Told }),
  Schema.TaggedStruct("Ended", { rung: Schema.Natural, end: GroupEnd })
])
export type SearchNews = typeof SearchNews.Type

/** Where news go. */
export type TellNews = (news: SearchNews) => Effect.Effect<void>

declare module "../../pipeline/Progress.ts" {
  interface ProgressEvents {
    /** How a search stands: at its beginning, and whenever one of its trials has come further. */
    readonly Trials: { readonly search: SearchResult }
  }
}
