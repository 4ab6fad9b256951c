import { Context, Effect } from "effect"
import { createRequire } from "node:module"
import { basename, dirname, join, relative } from "node:path"
import { names } from "./BackendFolder.ts"
import { amxName, amxSources } from "../features/amx/amxName.ts"
import { kernelsName, nativeSources } from "../engines/tensorflow/kernelsName.ts"
import { BackendError } from "./BackendError.ts"
import { runCommand } from "./command.ts"
import type { Libraries } from "./libraries.ts"

const require = createRequire(import.meta.url)

/** Compilers, the first that there is; the environment's CXX goes before. */
const compilers = ["g++", "clang++", "c++"]

/** The compiler's name. Fails with what to install where there is none. */
export const findCompiler = Effect.gen(function* () {
  const wanted = process.env["CXX"]
  for (const compiler of wanted === undefined ? compilers : [wanted])
    if ((yield* runCommand(compiler, ["--version"])).code === 0) return compiler
  return yield* new BackendError({
    reason: "noCompiler",
    detail: `the addon must be compiled, and there is no C++ compiler here (tried ${wanted ?? compilers.join(", ")})`,
    cure: "Install one (Debian, Ubuntu: apt-get install g++; Fedora: dnf install gcc-c++; Alpine: apk add g++) and run the command again; what was fetched is kept."
  })
})

const folderOf = (packageName: string): string => dirname(require.resolve(`${packageName}/package.json`))

/** The folder with the addon's two sources: the package's own. */
export const AddonSources = Context.Reference<string>("weft/layers/tensorflow/install/AddonSources", {
  defaultValue: () => join(folderOf("@tensorflow/tfjs-node-gpu"), "binding")
})

const folderOfNodeApi = () => join(folderOf("node-api-headers"), "include")

/** How every addon is compiled. */
const addonFlags = ["-O2", "-std=c++17", "-fPIC", "-shared", "-w", "-DNAPI_VERSION=8"]

/** How those with inner loops are: for this very processor; the addons check where they run. */
const quickFlags = [
  "-O3",
  "-march=native",
  // Products and sums in one, and what a compiler must know to compute several numbers at once; NaN stays NaN.
  "-ffp-contract=fast",
  "-fno-math-errno",
  "-fno-trapping-math",
  "-pthread"
]

/** The arguments that make the matrix unit's addon of its sources; `more` go before those. */
export const amxArguments = (path: string, more: ReadonlyArray<string> = []): ReadonlyArray<string> => [
  ...addonFlags,
  `-I${folderOfNodeApi()}`,
  ...quickFlags,
  ...more,
  join(amxSources, "amx.cc"),
  "-o",
  path
]

const compile = Effect.fnUntraced(function* (compiler: string, args: ReadonlyArray<string>) {
  const { code, errors } = yield* runCommand(compiler, args)
  if (code !== 0)
    return yield* new BackendError({
      reason: "failed",
      detail: `${compiler} does not compile the addon:\n${errors.split("\n").slice(0, 12).join("\n")}`,
      cure: "Try a newer compiler (the environment's CXX names it), or another version of TensorFlow."
    })
})

/**
 * Compiles the package's addon, the small one that is loaded before it, the one with Weft's own operations and the one
 * for the processor's matrix unit into `folder`, two at a time, beside the libraries: they find them by a relative path, so
 * that the folder can be moved. N-API's headers are those of `node-api-headers`.
 */
export const compileAddon = Effect.fn("compileAddon")(function* (libraries: Libraries, folder: string) {
  const compiler = yield* findCompiler
  const binding = yield* AddonSources
  const headers = [folderOfNodeApi(), ...libraries.include].map((path) => `-I${path}`)
  const shared = [...addonFlags, ...headers]
  const finds = (paths: ReadonlyArray<string>) =>
    [...new Set(paths.map((path) => relative(folder, dirname(path))))].map(
      (path) => `-Wl,-rpath,$ORIGIN${path === "" ? "" : `/${path}`}`
    )
  const addons: ReadonlyArray<ReadonlyArray<string>> = [
    // The one that takes longest comes first.
    [
      ...shared,
      ...quickFlags,
      `-I${join(nativeSources, "headers")}`,
      join(nativeSources, "kernels.cc"),
      libraries.framework,
      ...finds([libraries.framework]),
      "-o",
      join(folder, kernelsName())
    ],
    [
      ...shared,
      "-include",
      join(nativeSources, "context.h"),
      join(binding, "tfjs_backend.cc"),
      join(binding, "tfjs_binding.cc"),
      ...libraries.link,
      ...finds(libraries.link),
      "-o",
      join(folder, names.addon)
    ],
    [
      ...shared,
      join(nativeSources, "quiet.cc"),
      `-DWEFT_FRAMEWORK="${basename(libraries.framework)}"`,
      ...finds([libraries.framework]),
      "-o",
      join(folder, names.quiet)
    ],
    amxArguments(join(folder, amxName()))
  ]
  yield* Effect.forEach(addons, (args) => compile(compiler, args), { concurrency: 2, discard: true })
})
