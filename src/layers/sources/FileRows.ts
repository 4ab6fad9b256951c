import { Effect, Layer, Result, Stream } from "effect"
import type { DataConfig } from "../../pipeline/DataConfig.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import { hasOneLabel, labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { report } from "../../pipeline/Progress.ts"
import { correctedValues } from "../../pipeline/Row.ts"
import type { Listed } from "../../pipeline/Rows.ts"
import { Rows } from "../../pipeline/Rows.ts"
import { readCorrections } from "./corrections.ts"
import { csv } from "./csv.ts"
import { folders } from "./folders.ts"
import { jsonl } from "./jsonl.ts"
import { parquet } from "./parquet.ts"
import type { Source } from "./Source.ts"

/** Every source of rows, tried in this order. CSV is the last, as it takes every file. */
export const sources: readonly [...others: ReadonlyArray<Source>, last: Source] = [folders, jsonl, parquet, csv]

/**
 * The rows with the cells that people corrected, and then the uploads that they answered, as rows of the training part. A
 * note says how many there are, and which corrections are of no row.
 */
const corrected = Effect.fnUntraced(function* (source: Source, root: string, config: DataConfig, file: string) {
  const { cells, uploads } = yield* readCorrections(file)
  const columns = labelColumnsOf(config)
  const found = new Set<string>()
  const counts = { listed: 0, changed: 0, fresh: 0 }
  const look = (listed: Listed) => {
    counts.listed += 1
    if (Result.isFailure(listed)) return
    const { id, was } = listed.success
    if (cells.has(id)) found.add(id)
    if (was === null) counts.fresh += 1
    else if (was !== undefined) counts.changed += 1
  }
  const more = Stream.suspend(() => {
    const answered = uploads.flatMap(({ id, image, values }) => {
      const labels = columns.map((column) => correctedValues(column, values.get(column.column) ?? ""))
      const [first] = columns
      const label = first.separator === undefined ? (labels[0]?.[0] ?? "") : ""
      if (labels.every((known) => known === undefined)) return []
      return [{ id, image, label, ...(!hasOneLabel(columns) && { labels }) }]
    })
    const rows = answered.map((upload, index): Listed =>
      Result.succeed({ line: counts.listed + 1 + index, ...upload, was: null })
    )
    const lost = cells.size - found.size
    const texts = [
      `labels corrected: ${count(counts.changed)}`,
      `rows that had none: ${count(counts.fresh)}`,
      `uploads added: ${count(rows.length)}`,
      ...(lost === 0 ? [] : [`corrections of ids that no row has: ${count(lost)}`])
    ]
    return Stream.unwrap(
      Effect.as(report({ _tag: "Note", line: `${file}: ${texts.join(", ")}` }), Stream.fromArray(rows))
    )
  })
  return source.read(root, { ...config, corrected: cells }).pipe(
    Stream.mapArray((all) => {
      for (const one of all) look(one)
      return all
    }),
    Stream.concat(more)
  )
})

/** Rows from the first of these sources that takes the configured catalogue; from the last where none does. */
export const layerOf = (all: typeof sources) =>
  Layer.succeed(Rows, {
    read: (root, config) => {
      const source = all.find(({ takes }) => takes(config)) ?? all[all.length - 1] ?? csv
      return config.corrections === undefined
        ? source.read(root, config)
        : Stream.unwrap(corrected(source, root, config, config.corrections))
    }
  })

/** Rows of a catalogue on this machine. */
export const layer = layerOf(sources)
