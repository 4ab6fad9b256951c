import { Layer } from "effect"
import { Rows } from "../../pipeline/Rows.ts"
import { csv } from "./csv.ts"
import { folders } from "./folders.ts"
import { jsonl } from "./jsonl.ts"
import type { Source } from "./Source.ts"

/** Every source of rows, tried in this order. CSV is the last, as it takes every file. */
export const sources: readonly [...others: ReadonlyArray<Source>, last: Source] = [folders, jsonl, csv]

/** Rows from the first of these sources that takes the configured catalogue; from the last where none does. */
export const layerOf = (all: typeof sources) =>
  Layer.succeed(Rows, {
    read: (root, config) => (all.find(({ takes }) => takes(config)) ?? all[all.length - 1] ?? csv).read(root, config)
  })

/** Rows of a catalogue on this machine. */
export const layer = layerOf(sources)
