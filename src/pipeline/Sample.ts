import type { UrlsConfig } from "./DataConfig.ts"
import type { KnownClasses, SecondClass } from "./LabelColumn.ts"
import type { LeftOut } from "./maskLabels.ts"

/** A row that was kept: one image with the class that it belongs to. */
export interface Sample {
  /** Unique in its catalogue. */
  readonly id: string
  /** Index into the classes of the first label column; -1 where it is not known, which only a run of several columns allows. */
  readonly label: number
  /** What is known in each label column, in the columns' order; absent where there is one column with one value. */
  readonly labels?: ReadonlyArray<KnownClasses>
  /** A second class in each label column, in the columns' order; absent where no label is softened. Only to train on. */
  readonly softened?: ReadonlyArray<SecondClass | undefined>
  /** What was left out of its cells in each label column; absent where nothing was. */
  readonly leftOut?: ReadonlyArray<LeftOut | undefined>
  /** The image file. */
  readonly path: string
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string
  /** The folders that it has to lie in; anywhere where left out. */
  readonly within?: ReadonlyArray<string>
  /** Which URLs may be fetched, and how; none where left out. */
  readonly urls?: UrlsConfig
  /** Its row's place in the list; see `Refusal`. */
  readonly line: number
}
