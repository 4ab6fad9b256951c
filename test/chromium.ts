import { Data, Effect } from "effect"
import { existsSync } from "node:fs"
import type { Page } from "playwright-core"

/** Where Linux, macOS and Windows have a Chromium; WEFT_CHROMIUM comes first. */
const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"
]

/** The Chromium of this machine; undefined where there is none, and then a test skips: `it.skipIf(!chromium)`. */
export const chromium = process.env["WEFT_CHROMIUM"] ?? places.find((place) => existsSync(place))

/** A page said that something is wrong, or could not be shown. */
export class PageFault extends Data.TaggedError("PageFault")<{ readonly cause: unknown }> {}

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync"
]

/** An empty page of a Chromium without a window, with a profile of its own; gone with its Scope. */
export const openPage = Effect.gen(function* () {
  const playwright = yield* Effect.promise(() => import("playwright-core"))
  const browser = yield* Effect.acquireRelease(
    Effect.promise(() =>
      playwright.chromium.launch({ args, ...(chromium !== undefined && { executablePath: chromium }) })
    ),
    (browser) => Effect.promise(() => browser.close())
  )
  return yield* Effect.promise(() => browser.newPage())
})

/** Does something with a page; what fails there is the page's fault. */
export const onPage = <A>(page: Page, action: (page: Page) => Promise<A>) =>
  Effect.tryPromise({ try: () => action(page), catch: (cause) => new PageFault({ cause }) })
