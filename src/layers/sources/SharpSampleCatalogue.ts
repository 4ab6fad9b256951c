import { Effect, FileSystem, Layer, Path } from "effect"
import sharp from "sharp"
import type { SampleConfig } from "../../pipeline/DataConfig.ts"
import { keyOf } from "../../pipeline/draw.ts"
import type { Catalogue, SampleFile } from "../../sample/catalogue.ts"
import { drawCatalogue } from "../../sample/catalogue.ts"
import { SampleCatalogue, SampleCatalogueError } from "../../pipeline/SampleCatalogue.ts"
import { report } from "../../pipeline/Progress.ts"
import { systemFault } from "../storage/systemFault.ts"

/** Images that are rendered at the same time. */
const concurrency = 8

/** A web server's page for a missing image, which crawlers save as the image. */
const errorPage = "<!doctype html>\n<html><head><title>404 Not Found</title></head><body>Not Found</body></html>\n"

/**
 * The folder's name: it changes with everything that may change a byte of the CSV or of a drawing, the renderer
 * included.
 */
const nameOf = ({ images, seed }: SampleConfig, { files, styles }: Catalogue): string => {
  const start = keyOf(styles, sharp.versions.sharp ?? "")
  const digest = files.reduce((key, { encoding, name, svg }) => keyOf(key, name, encoding, svg), start)
  return `sample-${images}-${seed}-${digest.toString(16).padStart(8, "0")}`
}

const encode = async ({ encoding, svg }: SampleFile): Promise<Uint8Array> => {
  if (encoding === "text") return new TextEncoder().encode(errorPage)
  const image = sharp(new TextEncoder().encode(svg)).flatten({ background: "white" })
  const bytes = await (encoding === "greyscale" ? image.greyscale().toColourspace("b-w") : image)
    .jpeg({ quality: 88 })
    .toBuffer()
  return encoding === "truncated" ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes
}

/**
 * The sample catalogue, rendered by sharp into a folder under `parent` (relative to the working directory).
 *
 * It is drawn into a temporary folder that is then renamed, so that a folder of that name is complete. Where two
 * processes draw at the same time, the later one deletes its own folder and uses the first one's.
 */
export const layerIn = (parent: string) =>
  Layer.effect(
    SampleCatalogue,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path

      const write = Effect.fn("SampleCatalogue.write")(function* (catalogue: Catalogue, folder: string) {
        yield* fs.makeDirectory(parent, { recursive: true })
        const drawn = yield* fs.makeTempDirectoryScoped({ directory: parent, prefix: "drawing-" })
        yield* fs.makeDirectory(paths.join(drawn, "images"))
        yield* fs.writeFileString(paths.join(drawn, "styles.csv"), catalogue.styles)
        yield* Effect.forEach(
          catalogue.files,
          (file) =>
            Effect.flatMap(
              Effect.tryPromise({
                try: () => encode(file),
                catch: (cause) =>
                  new SampleCatalogueError({ folder, detail: `${file.name} cannot be rendered: ${cause}`, cause })
              }),
              (bytes) => fs.writeFile(paths.join(drawn, "images", file.name), bytes)
            ),
          { concurrency, discard: true }
        )
        yield* fs.chmod(drawn, 0o755)
        yield* Effect.catchTag(fs.rename(drawn, folder), "PlatformError", (error) =>
          Effect.flatMap(fs.exists(folder), (there) => (there ? Effect.void : Effect.fail(error)))
        )
      }, Effect.scoped)

      const draw = Effect.fn("SampleCatalogue.draw")(function* (config: SampleConfig) {
        const catalogue = drawCatalogue(config)
        const folder = paths.join(parent, nameOf(config, catalogue))
        yield* Effect.gen(function* () {
          if (yield* fs.exists(folder)) return
          yield* report({ _tag: "Note", line: `drawing the sample catalogue, ${config.images} photos, in ${folder}` })
          yield* write(catalogue, folder)
        }).pipe(
          Effect.catchTag("PlatformError", (cause) =>
            Effect.fail(new SampleCatalogueError({ folder, detail: systemFault(cause).detail, cause }))
          )
        )
        return folder
      })
      return SampleCatalogue.of({ draw })
    })
  )

/** The sample catalogue in `.weft/sample-…` of the working directory. */
export const layer = layerIn(".weft")
