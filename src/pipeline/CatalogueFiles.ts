import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { RowsError } from "./RowsError.ts"

/** What a list of images is written in. */
export type ListKind = "csv" | "jsonl" | "parquet"

/** The first rows of a list, as cells under the columns' names. */
export interface ListSample {
  /** Its path under the root. */
  readonly file: string
  readonly kind: ListKind
  /** Of a CSV, as it was detected. */
  readonly delimiter?: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  /** Columns that hold the images' own bytes. */
  readonly bytes?: ReadonlyArray<string>
}

/** A folder of a place. */
export interface FolderFound {
  /** Under the root; `""` for the root itself. */
  readonly path: string
  /** Images right in it, counted up to a bound. */
  readonly images: number
  /** The endings of their names, as they are written: `.jpg`. */
  readonly endings: ReadonlyArray<string>
}

/** What lies where somebody says that a catalogue is. */
export interface Place {
  /** As it was named. */
  readonly named: string
  /** The absolute path of the folder; of a file, the one that it is in. */
  readonly root: string
  /** Lists under the root: the file that was named, or all that lie in the folder. */
  readonly lists: ReadonlyArray<{ readonly file: string; readonly kind: ListKind }>
  /** The root and the folders below it, three levels deep; up to a bound. */
  readonly folders: ReadonlyArray<FolderFound>
  /** Names of other files that lie right in the folder; up to a bound. */
  readonly others: ReadonlyArray<string>
}

/**
 * Nothing can be made of a path.
 *
 * `missing` (nothing is there), `otherKind` (a file that is no list), `several` (lists: one has to be named), `label`
 * (none looks like the label, or several do), `images` (nothing says where the images are): exit code 2, a flag decides.
 * `empty`, `classes` (no class folders, or one), `few` (too few images): exit code 3.
 */
export class CatalogueUnclear extends Schema.TaggedError<CatalogueUnclear>()("CatalogueUnclear", {
  /** As it was named. */
  path: Schema.String,
  reason: Schema.Literals(["missing", "otherKind", "several", "label", "images", "empty", "classes", "few"]),
  /** What was seen. */
  detail: Schema.String,
  /** What to do. */
  cure: Schema.String
}) {
  override get [Runtime.errorExitCode]() {
    return ["empty", "classes", "few"].includes(this.reason) ? 3 : 2
  }
  override get message() {
    return `${this.path}: ${this.detail}. ${this.cure}`
  }
}

/** Looks at what lies at a path, without reading all of it. */
export class CatalogueFiles extends Context.Service<
  CatalogueFiles,
  {
    readonly look: (path: string) => Effect.Effect<Place, CatalogueUnclear>
    readonly sample: (
      place: Place,
      list: { readonly file: string; readonly kind: ListKind }
    ) => Effect.Effect<ListSample, RowsError>
    /** Those of the paths, absolute or under the root, at which there is a file. */
    readonly present: (root: string, paths: ReadonlyArray<string>) => Effect.Effect<ReadonlySet<string>>
  }
>()("weft/pipeline/CatalogueFiles") {
  /** One place in memory, whose images are the paths of `files`. */
  static readonly layerMemory = (place: Place, samples: ReadonlyArray<ListSample>, files: ReadonlySet<string>) =>
    Layer.succeed(CatalogueFiles, {
      look: (path) =>
        path === place.named
          ? Effect.succeed(place)
          : Effect.fail(
              new CatalogueUnclear({
                path,
                reason: "missing",
                detail: "there is nothing here",
                cure: "Check the path."
              })
            ),
      sample: (_, list) => {
        const found = samples.find(({ file }) => file === list.file)
        return found === undefined ? Effect.die(new Error(`no sample of ${list.file}`)) : Effect.succeed(found)
      },
      present: (_, paths) => Effect.succeed(new Set(paths.filter((path) => files.has(path))))
    })
}
