import { Effect, Result, Stdio, Stream } from "effect"
import { isUtf8 } from "node:buffer"
import { systemFault } from "../layers/storage/systemFault.ts"
import { ConfigError } from "../config/RunConfig.ts"
import type { ImagePath } from "../pipeline/ImageFiles.ts"
import { ImageFiles, PathRefused } from "../pipeline/ImageFiles.ts"

/** The longest name in a list, in bytes: no path is longer. */
const longestName = 65_536

/** A name's bytes as text, or why they name no file. */
const named = (bytes: Uint8Array): ImagePath => {
  const path = Buffer.from(bytes).toString()
  const refuse = (reason: PathRefused["reason"], detail: string) =>
    Result.fail(new PathRefused({ path: path.slice(0, 200), reason, detail }))
  if (bytes.length > longestName)
    return refuse(
      "listUnreadable",
      "this is not a list of files, one on each line (or, with --null, one before each NUL)"
    )
  if (!isUtf8(bytes)) return refuse("nameNotUtf8", "the name's bytes are not UTF-8; give the file another name")
  return Result.succeed(path)
}

/** The names on standard input, one a line or one before each NUL, with no patterns. Empty ones are left out. */
const listed = (separator: "\n" | "\0") =>
  Stream.unwrap(Effect.map(Stdio.Stdio, ({ stdin }) => stdin)).pipe(
    Stream.mapAccum(
      () => Buffer.alloc(0),
      (begun, bytes) => {
        const names: Array<Buffer> = []
        const all = Buffer.concat([begun, bytes])
        let from = 0
        for (let end = all.indexOf(separator); end >= 0; end = all.indexOf(separator, from)) {
          names.push(all.subarray(from, end))
          from = end + 1
        }
        // The rest of a name that is too long is not kept.
        return [all.subarray(from).subarray(0, longestName + 1), names] as const
      },
      { onHalt: (begun) => [begun] }
    ),
    Stream.map((name) => (separator === "\n" && name.at(-1) === 13 ? name.subarray(0, -1) : name)),
    Stream.filter((name) => name.length > 0),
    Stream.map(named),
    Stream.catch((error) =>
      Stream.make<[ImagePath]>(
        Result.fail(
          new PathRefused({
            path: "-",
            reason: "listUnreadable",
            detail: `standard input cannot be read (${systemFault(error).detail}); expected a list of files`
          })
        )
      )
    )
  )

/** The image files that the command line names, taken as they are needed; `-` stands for a list on standard input. */
export const namedPaths = Effect.fnUntraced(function* (paths: ReadonlyArray<string>, isNull: boolean) {
  const lists = paths.filter((path) => path === "-").length
  if (lists > 1) return yield* new ConfigError({ where: "-", problems: ["standard input can be read only once"] })
  if (isNull && lists === 0)
    return yield* new ConfigError({ where: "--null", problems: ["is for -, the list on standard input"] })
  const stdio = yield* Stdio.Stdio
  const { find } = yield* ImageFiles
  return Stream.fromArray(paths).pipe(
    Stream.flatMap((path) =>
      path === "-" ? Stream.provideService(listed(isNull ? "\0" : "\n"), Stdio.Stdio, stdio) : find(path)
    )
  )
})
