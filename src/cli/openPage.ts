import { Console, Effect } from "effect"
import { openInBrowser } from "../layers/pages/openInBrowser.ts"

/** Opens a page, by its absolute path; says where it is where no browser can be started. */
export const openPage = Effect.fnUntraced(function* (page: string) {
  if (!(yield* openInBrowser(page))) yield* Console.error(`No browser could be started here; the page is ${page}`)
})
