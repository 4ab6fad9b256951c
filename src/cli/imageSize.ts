import { Effect, Option } from "effect"
import type { Table } from "../config/configTable.ts"
import { isTable, setKey } from "../config/configTable.ts"
import { Pretrained } from "../model/Pretrained.ts"
import { report } from "../pipeline/Progress.ts"

/**
 * A run's table with the size of the images that its ONNX file takes, where the table says none: that of the file, or of
 * the `preprocessor_config.json` beside it. A file that cannot be read is reported when the run begins.
 */
export const withImageSize = Effect.fn("withImageSize")(function* (table: Table) {
  const { image, network } = table
  if (!isTable(network) || network["name"] !== "onnx" || typeof network["weights"] !== "string") return table
  if (isTable(image) && (image["height"] !== undefined || image["width"] !== undefined)) return table
  const source = network["weights"]
  // Where nothing can read weights, a configuration can still be read.
  const pretrained = Option.getOrUndefined(yield* Effect.serviceOption(Pretrained))
  if (pretrained === undefined) return table
  const own = Option.getOrUndefined(yield* Effect.option(pretrained.contents(source)))?.metadata ?? {}
  const metadata = own["height"] === undefined ? ((yield* pretrained.beside(source))?.metadata ?? {}) : own
  const [height, width] = [Number(metadata["height"]), Number(metadata["width"])]
  if (!(height > 0 && width > 0)) return table
  yield* report({ _tag: "Note", line: `images of ${height} x ${width} pixels, as ${source} takes them` })
  return setKey(setKey(table, "image.height", height), "image.width", width)
})
