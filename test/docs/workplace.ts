import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { SampleCatalogue } from "../../src/pipeline/SampleCatalogue.ts"
import * as SharpSampleCatalogue from "../../src/layers/sources/SharpSampleCatalogue.ts"
import { at } from "./pages.ts"

/** The kinds of the drawn catalogue that a page's photos show, and so many of each. */
const kinds = ["Handbags", "Jeans", "Watches"]
const each = 14

/** `npx weft-ml train` and `npx pnpm pipeline:train` are this repository's own program, with the page's settings. */
const npx = `#!/usr/bin/env bash
set -euo pipefail
case "$1" in
  weft-ml) shift ;;
  pnpm) shift; [[ $1 != -s ]] || shift
    case "$1" in
      pipeline:*) set -- "\${1#pipeline:}" "\${@:2}" ;;
      *) echo "npx pnpm $1 is no command of Weft's: mark the block as not tested" >&2; exit 64 ;;
    esac ;;
  *) echo "npx $1 is no command of Weft's: mark the block as not tested" >&2; exit 64 ;;
esac
# A page's settings are for what a command leaves open.
settings=()
case "$1" in
  train | inspect | lr-find | init | search)
    for one in $WEFT_DOCS_SETTINGS; do
      case " $* " in
        *" --resume "* | *" --help "*) ;;
        *" --epochs "*) [[ $one == train.epochs=* ]] || settings+=(--set "$one") ;;
        *" --size "*) [[ $one == image.* ]] || settings+=(--set "$one") ;;
        *) settings+=(--set "$one") ;;
      esac
    done ;;
esac
exec node "${at("src/bin.ts")}" "$@" "\${settings[@]}"
`

/**
 * The photos of a reader, drawn: \`photos/CLASS/*.jpg\`, \`shop/products.csv\` with \`shop/photos/*.jpg\`, and \`photo.jpg\`.
 */
export const drawPhotos = async (folder: string): Promise<void> => {
  const drawn = await SampleCatalogue.use(({ draw }) => draw({ images: 1000, seed: 7 })).pipe(
    Effect.provide(SharpSampleCatalogue.layerIn(join(folder, "drawn")).pipe(Layer.provideMerge(NodeServices.layer))),
    Effect.runPromise
  )
  const [header = "", ...rows] = (await readFile(join(drawn, "styles.csv"), "utf8")).split("\n")
  const [idAt, labelAt] = ["id", "articleType"].map((name) => header.split(",").indexOf(name))
  const lines = ["sku;category;colour;file"]
  await mkdir(join(folder, "shop/photos"), { recursive: true })
  for (const kind of kinds) {
    await mkdir(join(folder, "photos", kind), { recursive: true })
    const files = rows
      .map((row) => row.split(","))
      .filter((cells) => cells[labelAt ?? 0] === kind)
      .map((cells) => `${cells[idAt ?? 0]}.jpg`)
      .filter((file) => existsSync(join(drawn, "images", file)))
      .slice(0, each)
    if (files.length < each) throw new Error(`there are ${files.length} photos of ${kind}, and ${each} are needed`)
    for (const [i, file] of files.entries()) {
      await copyFile(join(drawn, "images", file), join(folder, "photos", kind, file))
      await copyFile(join(drawn, "images", file), join(folder, "shop/photos", file))
      lines.push(`${file.replace(".jpg", "")};${kind};${i % 2 === 0 ? "dark" : "light"};${file}`)
    }
    await copyFile(join(drawn, "images", files[0] ?? ""), join(folder, "photo.jpg"))
  }
  await writeFile(join(folder, "shop/products.csv"), `${lines.join("\n")}\n`)
}

/** `import … from "weft-ml"`: the public modules as they are here, and the packages of this repository. */
const linkPackages = async (folder: string) => {
  const modules = join(folder, "node_modules")
  await mkdir(join(modules, "weft-ml"), { recursive: true })
  for (const name of await readdir(at("node_modules")))
    if (!name.startsWith(".")) await symlink(at(`node_modules/${name}`), join(modules, name))
  await symlink(at("src"), join(modules, "weft-ml/src"))
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([name, path]) => [
      name,
      path.replace("./dist/", "./src/").replace(/\.js$/, ".ts")
    ])
  )
  await writeFile(
    join(modules, "weft-ml/package.json"),
    JSON.stringify({ name: "weft-ml", version: manifest.version, type: "module", exports })
  )
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
}

/** A reader's folder, with nothing in it but photos and installed packages. */
export const workplace = async (photos: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "weft-docs-"))
  for (const name of ["photos", "shop", "photo.jpg"])
    await cp(join(photos, name), join(folder, name), { recursive: true })
  await linkPackages(folder)
  await mkdir(join(folder, ".bin"))
  await writeFile(join(folder, ".bin/npx"), npx)
  await chmod(join(folder, ".bin/npx"), 0o755)
  return folder
}

/** What a program wrote, or a rejection with it where it failed. */
export const run = (
  folder: string,
  program: string,
  args: ReadonlyArray<string>,
  settings: ReadonlyArray<string> = []
): Promise<string> =>
  new Promise((resolve, reject) => {
    const path = [join(folder, ".bin"), join(process.execPath, ".."), process.env["PATH"]].join(delimiter)
    const env = {
      ...process.env,
      PATH: path,
      WEFT_DOCS_SETTINGS: settings.join(" "),
      WEFT_CACHE: join(folder, ".cache"),
      HF_HUB_OFFLINE: "1"
    }
    execFile(program, [...args], { cwd: folder, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      error === null ? resolve(stdout + stderr) : reject(new Error(`${stdout}\n${stderr}`, { cause: error }))
    )
  })
