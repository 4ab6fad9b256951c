/**
 * Makes `docs/report.png`, the picture in README: parts of the report of a run on the drawn catalogue, which is trained here,
 * or of the run whose folder is given. Every photo in it is drawn.
 */
import { Console, Effect } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import sharp from "sharp"
import { onPage, openPage } from "../chromium.ts"
import { at } from "./pages.ts"

const width = 1080

/** What is in the picture of the page: its head, the first curves, and the pairs that are confused most. */
const shown = `
  section:not(#training, #pairs), nav, footer { display: none }
  #training figure:nth-of-type(n + 3), #training figure ~ details, #training > details, #pairs > :nth-child(n + 5) { display: none }
`

const trained = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "weft-picture-"))
  const args = ["train", "--set", "engine.name=wasm", "--run", "runs/quick"]
  execFileSync(process.execPath, [at("src/bin.ts"), ...args], { cwd: folder, stdio: "inherit" })
  return join(folder, "runs/quick")
}

const program = Effect.gen(function* () {
  const run = resolve(process.argv[2] ?? trained())
  const page = yield* openPage
  const png = yield* onPage(page, async (page) => {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" })
    await page.goto(pathToFileURL(join(run, "report.html")).href)
    await page.addStyleTag({ content: shown })
    return page.screenshot({ fullPage: true })
  })
  const file = at("docs/report.png")
  const { size: bytes } = yield* Effect.promise(() =>
    sharp(png).png({ palette: true, colours: 128, effort: 10, compressionLevel: 9 }).toFile(file)
  )
  yield* Console.log(`${file}: ${Math.round(bytes / 1000)} kB`)
})

await Effect.runPromise(Effect.scoped(program))
