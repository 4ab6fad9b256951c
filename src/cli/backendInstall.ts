import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { backendFolder } from "../layers/backend/BackendFolder.ts"
import { installBackend, officialArchives } from "../layers/backend/install.ts"
import { uninstallBackend } from "../layers/backend/uninstall.ts"
import { ConfigError } from "../config/RunConfig.ts"
import * as options from "./options.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  gpu: Flag.Boolean("gpu").pipe(
    Flag.withDescription("TensorFlow with CUDA and NVIDIA's libraries (about 4 GB)"),
    Flag.withDefault(false)
  ),
  cpu: Flag.Boolean("cpu").pipe(
    Flag.withDescription("TensorFlow for CPUs (about 260 MB); the default"),
    Flag.withDefault(false)
  ),
  from: Flag.String("from").pipe(
    Flag.withMetavar("SOURCE"),
    Flag.withDescription(
      "pip, archive, an address, a file (.whl, .tar.gz), or a folder with libtensorflow or an installed TensorFlow package; where left out, pip, and the archive if pip fails"
    ),
    Flag.optional
  ),
  version: Flag.String("tensorflow").pipe(
    Flag.withMetavar("VERSION"),
    Flag.withDescription("TensorFlow's version, for pip and the archive"),
    Flag.optional
  ),
  sha256: Flag.String("sha256").pipe(
    Flag.withMetavar("HEX"),
    Flag.withDescription("What the file from an address must have as its SHA-256"),
    Flag.optional
  ),
  archives: Flag.String("archives").pipe(
    Flag.withMetavar("ADDRESS"),
    Flag.withDescription("Where TensorFlow's archives lie, for a mirror"),
    Flag.withDefault(officialArchives)
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Installs again, even if the same version is there"),
    Flag.withDefault(false)
  ),
  json: options.json,
  uninstall: Flag.Boolean("uninstall").pipe(
    Flag.withDescription("Removes the backend and all files that were fetched for it"),
    Flag.withDefault(false)
  )
}

/** Provides what the engine `tensorflow` needs beside npm packages: TensorFlow's libraries, and the addon over them. */
export const backendInstall = Command.make(
  "backend-install",
  flags,
  Effect.fnUntraced(function* ({ archives, cpu, force, from, gpu, json, sha256, uninstall, version }) {
    const root = backendFolder()
    const say = (text: string, facts: object) => Console.log(json ? JSON.stringify({ root, ...facts }, null, 2) : text)
    if (cpu && gpu) return yield* new ConfigError({ where: "--cpu --gpu", problems: ["expected one of the two"] })
    if (uninstall) {
      const removed = yield* uninstallBackend(root)
      const text = removed ? `The TensorFlow backend is removed (${root}).` : "There is no TensorFlow backend."
      return yield* say(text, { removed })
    }
    const { backend, changed } = yield* installBackend({
      root,
      archives,
      force,
      variant: gpu ? "gpu" : cpu ? "cpu" : undefined,
      from: Option.getOrUndefined(from),
      sha256: Option.getOrUndefined(sha256),
      version: Option.getOrUndefined(version)
    })
    const what = `TensorFlow ${backend.version} (${backend.variant}, from ${backend.source}) in ${root}`
    yield* say(changed ? `Installed: ${what}.` : `Installed already: ${what}.`, { changed, backend })
  })
).pipe(
  Command.withDescription("Provides TensorFlow's libraries for the engine `tensorflow`, and compiles its addon"),
  Command.withExamples([
    { command: weftCommand("backend-install"), description: "TensorFlow for the processor" },
    { command: weftCommand("backend-install --gpu"), description: "TensorFlow with CUDA" },
    {
      command: weftCommand("backend-install --from /opt/libtensorflow"),
      description: "A library that is there already"
    },
    { command: weftCommand("backend-install --uninstall"), description: "Remove it" }
  ])
)
