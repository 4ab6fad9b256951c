import { Schema } from "effect"
import { Part } from "../../pipeline/Part.ts"
import { ColumnValue, lineOf, Ranked } from "./ColumnValue.ts"
import { Column } from "./ColumnValue.ts"

/** SHA-256 of an image's bytes, in hex. An item is known by it: the same photo twice is one item. */
export const Digest = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a SHA-256 in hex, 64 digits" })
)
export type Digest = typeof Digest.Type

/** Milliseconds since 1970 (UTC). */
export const Instant = Schema.Int

/** An image's file name, a row's id: shown, and never used as a path. */
export const Name = lineOf(500)

/**
 * What a model says of one label column of an image: its first classes, the most probable one first. Of a column with
 * several values all that reach their thresholds are among them.
 */
export const Suggestion = Schema.Struct({
  column: Column,
  /** The model's name in the registry, and the folder's name of its run. */
  model: Name,
  run: Name,
  top: Schema.NonEmptyArray(Ranked)
})
export type Suggestion = typeof Suggestion.Type

/** A row of the catalogue that shows the image: its id, and what its file has in the label columns. */
export const CatalogueRow = Schema.Struct({ id: Name, values: Schema.Array(ColumnValue) })
export type CatalogueRow = typeof CatalogueRow.Type

/**
 * `open`: at least one column waits for an answer. `answered`: each has one, or was skipped, and not all were. `skipped`:
 * all were. `labelled`: the catalogue has all labels, and nobody has changed them; it waits for nobody, and may be audited
 * and corrected.
 */
export const ItemState = Schema.Literals(["open", "answered", "skipped", "labelled"])
export type ItemState = typeof ItemState.Type

/**
 * The second opinion of an item: `none` asked for; `wanted`: it waits for another operator; `agreed`, or `disputed`: it
 * differs, and somebody has to settle it; `settled`.
 */
export const OpinionState = Schema.Literals(["none", "wanted", "agreed", "disputed", "settled"])
export type OpinionState = typeof OpinionState.Type

/** What somebody answered. `operator` is null for the labels that the catalogue has. */
export const Answer = Schema.Struct({
  operator: Schema.NullOr(Name),
  at: Instant,
  values: Schema.Array(ColumnValue)
})
export type Answer = typeof Answer.Type

/** An image that is to be tagged, or was. */
export const Item = Schema.Struct({
  digest: Digest,
  name: Name,
  /** `inbox`: it was uploaded. `catalogue`: it was listed when the desk began. */
  origin: Schema.Literals(["inbox", "catalogue"]),
  came: Instant,
  /** Rows of the catalogue with this image; of an upload those ids that were given with it. */
  rows: Schema.Array(CatalogueRow),
  /** The part of the run's split that it belongs to; an upload belongs to none until a run has it. */
  part: Schema.NullOr(Part),
  state: ItemState,
  opinion: OpinionState,
  /** Shown without suggestions: drawn by seed and digest, see `isBlind`. */
  blind: Schema.Boolean,
  /** Grows by one with each change of its answer; 0: never changed. */
  version: Schema.Natural,
  /** The answer that holds now; null while no column has one. */
  answer: Schema.NullOr(Answer),
  /** The second opinion, where there is one. */
  second: Schema.NullOr(Answer),
  /** By the live model, a column each; none before it was asked. */
  suggestions: Schema.Array(Suggestion)
})
export type Item = typeof Item.Type

/** An image that comes to the desk. Sending it again changes nothing, but adds rows that were not known. */
export const Arrival = Schema.Struct({
  digest: Digest,
  name: Name,
  origin: Item.fields.origin,
  rows: Item.fields.rows,
  part: Item.fields.part,
  suggestions: Item.fields.suggestions
})
export type Arrival = typeof Arrival.Type
