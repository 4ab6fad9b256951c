/**
 * The desk in the browser: its parts, and what keys mean in each view. A part is a file in `desk/`; what can be decided
 * without state is beside this file.
 */
import { auditOf } from "./desk/audit.ts"
import { countsOf } from "./desk/counts.ts"
import { gridOf } from "./desk/grid.ts"
import { modelsOf } from "./desk/models.ts"
import { noticesOf } from "./desk/notices.ts"
import type { Parts } from "./desk/parts.ts"
import { orders, queueOf } from "./desk/queue.ts"
import { sendingOf } from "./desk/sending.ts"
import { signInOf } from "./desk/signIn.ts"
import { columnsIn, initialState, nearKey } from "./desk/state.ts"
import type { State } from "./desk/state.ts"
import type { World } from "./desk/world.ts"
import { mark, moved } from "./grid.ts"
import { actionOf } from "./keys.ts"
import type { Action, Key, Place, View } from "./keys.ts"
import type { Frequent } from "./ranking.ts"
import * as Tagging from "./tagging.ts"

/** How far a key moves a photo that is zoomed, as a share of it. */
const stride = 0.12

const within = (value: number) => Math.min(1, Math.max(0, value))

/** The part of the page that keys go to. */
const placeIn = ({ above, grid, view }: State): Place =>
  above ?? (view === "grid" ? (grid === null ? "gridClasses" : "gridPhotos") : view)

/** The text in the field that has the keyboard. */
const typedIn = ({ grid, gridTyped, tagging, view }: State): string =>
  view === "tag" ? tagging.typed : view === "grid" && grid === null ? gridTyped : ""

export const openDesk = (world: World) => {
  const state = initialState()

  const enter = (view: View) => {
    state.view = view
    state.above = null
    queue.stay()
    if (view === "grid" && state.grid === null) void counts.readClasses()
    if (view === "audit") audit.open()
    if (view === "progress") void Promise.all([counts.readProgress(), counts.readHonesty()])
    if (view === "models") models.open()
    if (view === "tag") queue.changed()
    world.changed()
  }

  // Parts refer to each other, but only after all of them have been made.
  const parts: Parts = {
    world,
    state,
    enter,
    get notices() {
      return notices
    },
    get signIn() {
      return signIn
    },
    get counts() {
      return counts
    },
    get queue() {
      return queue
    },
    get sending() {
      return sending
    },
    get grid() {
      return grid
    },
    get audit() {
      return audit
    },
    get models() {
      return models
    }
  }
  const notices = noticesOf(parts)
  const signIn = signInOf(parts)
  const counts = countsOf(parts)
  const queue = queueOf(parts)
  const sending = sendingOf(parts)
  const grid = gridOf(parts)
  const audit = auditOf(parts)
  const models = modelsOf(parts)

  const frequent = (column: string): ReadonlyArray<Frequent> => state.frequent.get(column) ?? []
  const options = () => Tagging.optionsOf(state.tagging, frequent)

  const move = (by: number) => {
    switch (state.view) {
      case "audit":
        return audit.select(state.entry + by)
      case "models":
        return models.select(by)
      case "grid":
        if (state.grid === null) return grid.moveLine(by)
        state.grid = moved(state.grid, by)
        return world.changed()
      case "tag":
      case "progress":
        state.tagging = Tagging.move(state.tagging, options(), by)
        return world.changed()
    }
  }

  const zoomAt = (x: number, y: number) => {
    state.zoom = state.zoom === null ? { x, y } : null
    world.changed()
  }
  const panTo = (x: number, y: number) => {
    if (state.zoom !== null) state.zoom = { x: within(x), y: within(y) }
    world.changed()
  }

  const act = (action: Action): void => {
    if (state.above === "commands" || (state.above === "help" && action.do !== "close")) state.above = null
    const { tagging, view } = state
    switch (action.do) {
      case "take":
        if (view === "grid") return grid.openLine(action.line ?? state.gridLine)
        return queue.step(Tagging.take(tagging, options(), action.line), tagging.typed)
      case "takeAll":
        return queue.step(Tagging.takeAll(tagging, options(), frequent), tagging.typed)
      case "leaveEmpty":
        return queue.step(Tagging.leaveEmpty(tagging), "")
      case "skip":
        return view === "tag" ? queue.step(Tagging.skip(tagging), "") : world.changed()
      case "back": {
        const before = Tagging.back(tagging)
        if (before === null) return sending.undo()
        state.tagging = before
        return world.changed()
      }
      case "undo":
        return sending.undo()
      case "move":
        return move(action.by)
      case "column": {
        if (view !== "grid") {
          state.tagging = Tagging.toColumn(tagging, action.by)
          return world.changed()
        }
        const count = Math.max(1, columnsIn(state).length)
        return grid.toColumn((state.gridColumn + action.by + count) % count)
      }
      case "zoom":
        return zoomAt(0.5, 0.5)
      case "pan":
        return state.zoom === null
          ? world.changed()
          : panTo(state.zoom.x + action.x * stride, state.zoom.y + action.y * stride)
      case "asText":
        state.tagging = { ...tagging, asText: true }
        return world.changed()
      case "clear":
        state.tagging = Tagging.cleared(tagging)
        return grid.type("")
      case "commands":
      case "help":
        state.above = action.do
        return world.changed()
      case "close":
        state.above = null
        state.sure = null
        return world.changed()
      case "yes": {
        const yes = state.sure?.yes
        state.above = null
        state.sure = null
        yes?.()
        return world.changed()
      }
      case "view":
        return enter(action.view)
      case "order":
        return void queue.setOrder(orders[(orders.indexOf(state.order) + 1) % orders.length] ?? "newest")
      case "signOut":
        return void signIn.signOut()
      case "resend":
        return sending.resend()
      case "dismiss":
        return notices.dismissAll()
      case "mark":
        if (state.grid !== null) state.grid = mark(state.grid, action.cell)
        return world.changed()
      case "confirmAll":
        return grid.confirmAll()
      case "otherClass":
        return grid.close()
      case "list":
        return audit.toList(action.list, action.by)
      case "open":
        return void audit.openEntry()
      case "takeOther":
        return audit.takeOther()
      case "keep":
        return audit.keep()
      case "putBack":
        return void audit.putBack()
      case "askSecond":
        return void audit.askSecond()
      case "retrain":
        return models.retrain()
      case "stop":
        return models.stop()
      case "rollBack":
        return models.rollBack()
      case "promote":
        return models.promote(false)
      case "force":
        return models.promote(true)
    }
  }

  world.channel.receive = queue.receive

  return {
    state,
    start: () => {
      void signIn.start()
      counts.follow()
      queue.follow()
    },
    /** Does what a key means; false where the browser should do with it what it does. */
    press: (key: Key): boolean => {
      if (state.phase !== "ready") return false
      const action = actionOf(placeIn(state), key, {
        typed: typedIn(state),
        asText: state.tagging.asText,
        zoomed: state.zoom !== null
      })
      if (action === null) return false
      act(action)
      return true
    },
    act,
    type: (text: string) => {
      if (state.view === "grid") return grid.type(text)
      state.tagging = Tagging.typing(state.tagging, text)
      world.changed()
    },
    signIn: signIn.signIn,
    setOrder: queue.setOrder,
    dismiss: notices.dismiss,
    discard: sending.discard,
    resend: sending.resend,
    select: audit.select,
    options,
    gridChoice: grid.choice,
    neighboursOf: (digest: string, column: string) => state.neighbours.get(nearKey(digest, column)) ?? [],
    /** Zooms at a place of the photo, or leaves. */
    zoomAt,
    panTo,
    toColumn: (at: number) => {
      if (state.view === "grid") return grid.toColumn(at)
      state.tagging = Tagging.toColumn(state.tagging, at - state.tagging.column)
      world.changed()
    },
    breaks: (digest: string) => {
      state.broken = new Set([...state.broken, digest])
      world.changed()
    },
    /** The page is looked at again, or the connection is back. */
    wake: () => {
      void queue.renew()
      if (state.waiting.some(({ because }) => because === "connection")) sending.resend()
      if (state.phase === "unreachable") void signIn.start()
    }
  }
}

export type Desk = ReturnType<typeof openDesk>
