import { Effect, Result, Stdio, Stream } from "effect"
import { ConfigError } from "../RunConfig.ts"
import type { ImagePath } from "../pipeline/ImageFiles.ts"
import { ImageFiles, PathRefused } from "../pipeline/ImageFiles.ts"

/** The names on standard input, one a line or one before each NUL; they stand for themselves. Empty ones are none. */
const listed = (separator: "\n" | "\0") =>
  Stream.unwrap(Effect.map(Stdio.Stdio, ({ stdin }) => stdin)).pipe(
    Stream.decodeText(),
    Stream.mapAccum(
      () => "",
      (begun, text) => {
        const names = (begun + text).split(separator)
        return [names.pop() ?? "", names] as const
      },
      { onHalt: (begun) => [begun] }
    ),
    Stream.map((name) => (separator === "\n" ? name.replace(/\r$/, "") : name)),
    Stream.filter((name) => name !== ""),
    Stream.map((name): ImagePath => Result.succeed(name)),
    Stream.catch((error) =>
      Stream.make<[ImagePath]>(
        Result.fail(
          new PathRefused({
            path: "-",
            reason: "listUnreadable",
            detail: `standard input cannot be read (${error.message}); expected a list of files`
          })
        )
      )
    )
  )

/** The image files that the command line names, taken as they are needed; `-` stands for a list on standard input. */
export const namedPaths = Effect.fnUntraced(function* (paths: ReadonlyArray<string>, isNull: boolean) {
  const lists = paths.filter((path) => path === "-").length
  if (lists > 1) return yield* new ConfigError({ where: "-", problems: ["standard input can be read once only"] })
  if (isNull && lists === 0)
    return yield* new ConfigError({ where: "--null", problems: ["goes with -, the list on standard input"] })
  const stdio = yield* Stdio.Stdio
  const { find } = yield* ImageFiles
  return Stream.fromArray(paths).pipe(
    Stream.flatMap((path) =>
      path === "-" ? Stream.provideService(listed(isNull ? "\0" : "\n"), Stdio.Stdio, stdio) : find(path)
    )
  )
})
