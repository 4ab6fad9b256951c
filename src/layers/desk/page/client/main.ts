/** Starts the page: the state on one side, the browser on the other. */
import { render } from "preact"
import { imageOf, openApi } from "./api.ts"
import { openDesk } from "./desk.ts"
import { ahead } from "./desk/queue.ts"
import type { Channel, TabMessage } from "./desk/world.ts"
import { gridSize } from "./grid.ts"
import { keeperIn } from "./outbox.ts"
import { app } from "./view/app.ts"

const storage = (): Storage | null => {
  try {
    return localStorage
  } catch {
    return null
  }
}

/** Other tabs of this desk. */
const openChannel = (): Channel => {
  if (typeof BroadcastChannel === "undefined") return { send: () => {}, receive: () => {} }
  const tabs = new BroadcastChannel("weft-desk")
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel of one origin has no target
  const channel: Channel = { send: (message) => tabs.postMessage(message), receive: () => {} }
  // Only this page sends on it.
  tabs.addEventListener("message", ({ data }: MessageEvent<TabMessage>) => channel.receive(data))
  return channel
}

/** Monotonic, so that a clock that is set does not change how long an answer took. */
const now = () => performance.timeOrigin + performance.now()
const tabName = Array.from(crypto.getRandomValues(new Uint32Array(2)), (word) => word.toString(36)).join("")
const narrow = matchMedia("(max-width: 860px)")
/**
 * Where there is a keyboard, the field for names has the focus; elsewhere it would bring up one that covers the photo.
 */
const hasKeyboard = matchMedia("(hover: hover) and (pointer: fine)")

/** Photos that are on their way, or there. */
const images = new Map<string, HTMLImageElement>()
const prefetch = (digests: ReadonlyArray<string>) => {
  const wanted = new Set(digests)
  for (const digest of images.keys()) if (!wanted.has(digest)) images.delete(digest)
  for (const digest of wanted)
    if (!images.has(digest)) {
      const image = new Image()
      image.src = imageOf(digest, 1024)
      images.set(digest, image)
    }
}

const begin = (root: Element) => {
  let made = 0
  const show = () => {
    render(app(desk), root)
    prefetch(desk.state.tagging.cards.slice(0, ahead + 1).map(({ task }) => task.digest))
    const token = document.getElementById("token")
    const field = token ?? document.getElementById("name")
    const { activeElement } = document
    if (
      field !== null &&
      (hasKeyboard.matches || field === token) &&
      (activeElement === null || activeElement === document.body)
    )
      field.focus({ preventScroll: true })
    // A list shows what is highlighted in it.
    for (const here of document.querySelectorAll(".entries .here, .classes .here"))
      here.scrollIntoView({ block: "nearest" })
  }
  const desk = openDesk({
    api: openApi(),
    keeper: keeperIn(storage()),
    channel: openChannel(),
    now,
    after: (milliseconds, run) => void setTimeout(run, milliseconds),
    newId: () => {
      made += 1
      return `${now().toFixed(0)}-${String(made).padStart(6, "0")}-${tabName}`
    },
    visible: () => document.visibilityState === "visible",
    gridSize: () => (narrow.matches ? 12 : gridSize),
    changed: () => show()
  })

  addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return
    const { target } = event
    // Whoever goes from button to button with Tab presses them as anywhere.
    const onControl =
      target instanceof HTMLButtonElement || target instanceof HTMLSelectElement || target instanceof HTMLAnchorElement
    if (onControl && [" ", "Enter", "Tab", "ArrowUp", "ArrowDown"].includes(event.key)) return
    const { altKey: alt, ctrlKey, key, metaKey, shiftKey: shift } = event
    // Tab goes to another column where there are several, and else through the page.
    if (key === "Tab" && (desk.state.facts?.columns.length ?? 1) < 2) return
    if (desk.press({ key, ctrl: ctrlKey || metaKey, alt, shift })) event.preventDefault()
    else if (key.length === 1 && !ctrlKey && !metaKey && !alt) {
      const field = document.getElementById("name")
      // The letter goes where the focus is when it arrives.
      if (field !== null && target !== field && !(target instanceof HTMLInputElement))
        field.focus({ preventScroll: true })
    }
  })
  // A click leaves the focus where it is, so that keys go on working.
  addEventListener("mousedown", (event) => {
    if (event.target instanceof Element && event.target.closest("button, li, .stage") !== null) event.preventDefault()
  })
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") desk.wake()
  })
  addEventListener("online", () => desk.wake())
  addEventListener("beforeunload", (event) => {
    const { facts, kept, waiting } = desk.state
    if (!kept && waiting.some(({ operator }) => operator === facts?.operator.name)) event.preventDefault()
  })
  show()
  desk.start()
}

const root = document.getElementById("desk")
if (root !== null) begin(root)
