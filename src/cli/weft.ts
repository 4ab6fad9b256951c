import { Command } from "effect/cli"
import { backendInstall } from "./backendInstall.ts"
import { doctor } from "./doctor.ts"
import { evaluate } from "./evaluate.ts"
import { exportRun } from "./exportRun.ts"
import { init } from "./init.ts"
import { inspect } from "./inspect.ts"
import { lrFind } from "./lrFind.ts"
import { predict } from "./predict.ts"
import { report } from "./report.ts"
import { schema } from "./schema.ts"
import { search } from "./search.ts"
import { train } from "./train.ts"
import { verify } from "./verify.ts"
import { worker } from "./worker.ts"

/**
 * Every command, in the order of the help: a new one is a file, a line here, a script `pipeline:NAME` in package.json, and
 * a place in the README.
 */
export const commands = [
  train,
  init,
  search,
  worker,
  evaluate,
  predict,
  report,
  verify,
  exportRun,
  lrFind,
  inspect,
  schema,
  doctor,
  backendInstall
] as const

/** The command line: `weft train`, `weft evaluate` and the others. */
export const weft = Command.make("weft").pipe(
  Command.withDescription("Typed training pipelines for image classifiers"),
  Command.withSubcommands(commands)
)
