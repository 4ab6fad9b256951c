/** The queue and tagging: photos in hand, those that come next, their leases, and what other tabs have in theirs. */
import type { Order, Task } from "../../../../../run/serve/Task.ts"
import { withGone } from "../grid.ts"
import type { View } from "../keys.ts"
import { photoOf } from "../outbox.ts"
import * as Tagging from "../tagging.ts"
import { texts } from "../texts.ts"
import type { Parts } from "./parts.ts"
import { nearKey } from "./state.ts"
import type { TabMessage } from "./world.ts"

export const orders: ReadonlyArray<Order> = ["newest", "leastMargin", "surest", "disagreement", "audit"]

/** How many photos are fetched before they are shown. */
export const ahead = 10
/** Most photos that the server leases at once. */
const most = 200
/** How often an empty queue is asked again, in milliseconds. */
const pollEmpty = 4000
/** When leases are renewed for the first time, in milliseconds. */
const firstRenewal = 200_000

export interface Queue {
  /** Asks other tabs what they show, then for photos. */
  readonly open: () => void
  /** Shows what is in hand as it is now, and asks for more where few are left. */
  readonly changed: () => void
  /** What a key did to the card that is shown. */
  readonly step: (step: Tagging.Step, typed: string) => void
  /** Photos in another order: those in hand come after the new ones. */
  readonly setOrder: (order: Order) => Promise<void>
  /** Shows a photo that was leased from a list, at a column; then that view comes back. */
  readonly takeInHand: (task: Task, column: string, from: View) => void
  /** Puts photos in front of all others. */
  readonly comeFirst: (tasks: ReadonlyArray<Task>) => void
  /** Puts a photo whose answer was refused behind the one that is shown. */
  readonly comeAgain: (card: Tagging.Card) => void
  /** Takes note that this version was answered here: what the server hands out from before that is old. */
  readonly noteAnswer: (digest: string, version: number) => void
  /** Its answer was taken back, or it went back to the queue. */
  readonly forgetAnswer: (digest: string) => void
  /** Of another operator's photos. */
  readonly forgetAll: () => void
  /** Whether this page neither has this photo nor has answered it. */
  readonly isFree: (task: Task) => boolean
  /** Photos in hand and put aside. */
  readonly inHand: () => number
  /** The next photo that goes does not bring another view back. */
  readonly stay: () => void
  readonly receive: (message: TabMessage) => void
  /** Prolongs the leases of all that is in hand, again and again. */
  readonly follow: () => void
  readonly renew: () => Promise<void>
}

export const queueOf = (parts: Parts): Queue => {
  const { state, world } = parts
  const { api } = world
  const tab = world.newId()

  /** Versions that were answered here. */
  const answered = new Map<string, number>()
  /** Not to be handed out here again by itself: opened from a list and put aside. */
  const aside = new Set<string>()
  /** What is looked at in other tabs. */
  const elsewhere = new Map<string, string | null>()
  let shown: string | null = null
  let shownAt = 0
  let comesFrom: View | null = null
  let asking = false

  const isOld = ({ digest, version }: Task) => {
    const at = answered.get(digest)
    return at !== undefined && version <= at
  }
  const isFree = (task: Task) => !isOld(task) && !parts.sending.has(task.digest) && !aside.has(task.digest)
  const inHand = () => state.tagging.cards.length + aside.size

  /** A photo that another tab shows comes after the others. */
  const avoidOtherTabs = () => {
    const { cards } = state.tagging
    const [first] = cards
    const taken = new Set(elsewhere.values())
    if (first === undefined || shown === first.task.digest || !taken.has(first.task.digest)) return
    const free = cards.findIndex(({ task }) => !taken.has(task.digest))
    if (free <= 0) return
    const front = cards[free]
    if (front === undefined) return
    state.tagging = Tagging.without(state.tagging, (card) => card === front)
    state.tagging = Tagging.withTasks(state.tagging, [front.task], "front")
  }

  const changed = () => {
    avoidOtherTabs()
    const first = state.tagging.cards[0]?.task.digest ?? null
    if (first !== shown) {
      shown = first
      shownAt = world.now()
      state.zoom = null
      world.channel.send({ is: "shows", tab, digest: first })
      readNearest()
    }
    if (state.tagging.cards.length <= ahead) void askForMore()
    world.changed()
  }

  const askForMore = async () => {
    if (asking || state.phase !== "ready") return
    asking = true
    const held = inHand() + parts.grid.held().length
    const count = Math.min(most, held + state.waiting.length + ahead + 1)
    const reply = await api.ask("POST /v1/queue/next", { body: { order: state.order, count } })
    asking = false
    if (!reply.ok) {
      if (reply.status === 401) return parts.signIn.again()
      world.after(pollEmpty, () => void askForMore())
      return
    }
    const tasks = reply.body.filter((task) => isFree(task) && !parts.grid.has(task.digest))
    const before = state.tagging.cards.length
    state.tagging = Tagging.withTasks(state.tagging, tasks, "end")
    state.empty = state.tagging.cards.length === 0
    if (state.tagging.cards.length > before) changed()
    else world.changed()
    if (state.tagging.cards.length <= ahead / 2) world.after(pollEmpty, poll)
  }
  const poll = () => {
    if (state.tagging.cards.length > ahead / 2) return
    if (world.visible() && state.view === "tag") void askForMore()
    else world.after(pollEmpty, poll)
  }

  /** Not for a photo that is shown without suggestions: the nearest photos are those of the model's classes. */
  const readNearest = () => {
    for (const { task } of state.tagging.cards.slice(0, 3)) {
      if (task.blind) continue
      for (const { column, suggestions } of task.columns) {
        const key = nearKey(task.digest, column)
        if (suggestions.length === 0 || state.neighbours.has(key)) continue
        state.neighbours = new Map([...state.neighbours, [key, []] as const].slice(-60))
        void readNeighbours(task.digest, column)
      }
    }
  }
  const readNeighbours = async (digest: string, column: string) => {
    const path = `/v1/images/${digest}/neighbours`
    const reply = await api.ask("GET /v1/images/neighbours", { path, query: { column, count: 6 } })
    const key = nearKey(digest, column)
    const found = reply.ok ? reply.body : []
    if (found.length > 0) state.neighbours = new Map(state.neighbours).set(key, found)
    // The server may not have its features yet: it is asked again when the next photo comes up.
    else state.neighbours = new Map([...state.neighbours].filter(([one]) => one !== key))
    if (found.length > 0) world.changed()
  }

  const finish = ({ card, ...done }: Tagging.Done) => {
    const { conflict, task } = card
    const seconds = Math.min(86_400, Math.max(0, (world.now() - shownAt) / 1000))
    if (done.send === "answer")
      parts.sending.submit(
        { kind: "answer", photo: photoOf(task), values: done.values, seconds, task },
        conflict !== null
      )
    // Skipping a correction or a dispute changes nothing: the photo is put aside.
    else if (done.send === "skip" && (task.lease.task === "correct" || task.lease.task === "settle"))
      aside.add(task.digest)
    else if (done.send === "skip") parts.sending.submit({ kind: "skip", photo: photoOf(task), seconds }, false)
    // Somebody else's answer is kept.
    else answered.set(task.digest, task.version)
    if (conflict !== null) parts.sending.release(conflict.id)
    if (comesFrom !== null && task.lease.task !== "first") {
      state.view = comesFrom
      comesFrom = null
      parts.audit.without(task.digest)
    }
  }

  const renew = async () => {
    if (state.phase !== "ready") return
    const digests = [
      ...new Set([
        ...state.tagging.cards.filter(({ conflict }) => conflict === null).map(({ task }) => task.digest),
        ...parts.grid.held().map(({ digest }) => digest)
      ])
    ].slice(0, most)
    if (digests.length === 0) return
    const reply = await api.ask("POST /v1/queue/renew", { body: { digests } })
    if (!reply.ok) return reply.status === 401 ? parts.signIn.again() : undefined
    const still = new Set(reply.body.map(({ digest }) => digest))
    const lost = new Set(digests.filter((digest) => !still.has(digest)))
    // A photo for which something is chosen stays: its answer is sent, and the server says whose the photo is.
    state.tagging = Tagging.without(state.tagging, (card) => lost.has(card.task.digest) && !Tagging.isBegun(card))
    if (state.grid !== null) state.grid = withGone(state.grid, ({ digest }) => lost.has(digest))
    changed()
  }
  const renewAgain = () => {
    world.after(((state.facts?.leaseSeconds ?? 600) * 1000) / 3, renewAgain)
    void renew()
  }

  return {
    open: () => {
      world.channel.send({ is: "who" })
      // Time for other tabs to say what they show.
      world.after(elsewhere.size > 0 ? 0 : 30, () => void askForMore())
    },
    changed,
    step: ({ done, say, tagging }, typed) => {
      state.tagging = tagging
      if (say === "nothing") parts.notices.say(typed === "" ? texts.tag.nothing : texts.tag.none)
      if (done !== null) finish(done)
      changed()
    },
    setOrder: async (order) => {
      state.order = order
      parts.notices.say(texts.orders[order])
      const held = inHand() + state.waiting.length
      const reply = await api.ask("POST /v1/queue/next", {
        body: { order, count: Math.min(most, held + ahead + 1) }
      })
      if (!reply.ok || state.order !== order) return
      const [first, ...others] = state.tagging.cards
      const here = new Set(state.tagging.cards.map(({ task }) => task.digest))
      const fresh = reply.body.filter((task) => isFree(task) && !parts.grid.has(task.digest) && !here.has(task.digest))
      // Conflicts stay where they are; what was handed out before comes last.
      const settled = others.filter(({ conflict }) => conflict !== null)
      const before = others.filter(({ conflict }) => conflict === null)
      const cards = [...(first === undefined ? [] : [first]), ...settled, ...fresh.map(Tagging.cardOf), ...before]
      state.tagging = { ...state.tagging, cards }
      changed()
    },
    takeInHand: (task, column, from) => {
      aside.delete(task.digest)
      state.tagging = Tagging.withTasks(state.tagging, [task], "front")
      const at = task.columns.findIndex((one) => one.column === column)
      if (at > 0) state.tagging = Tagging.toColumn(state.tagging, at - state.tagging.column)
      comesFrom = from
      state.view = "tag"
      changed()
    },
    comeFirst: (tasks) => {
      for (const { digest } of tasks) aside.delete(digest)
      state.tagging = Tagging.withTasks(state.tagging, tasks, "front")
      changed()
    },
    comeAgain: (card) => {
      state.tagging = Tagging.withConflict(state.tagging, card)
      changed()
    },
    noteAnswer: (digest, version) => void answered.set(digest, version),
    forgetAnswer: (digest) => {
      answered.delete(digest)
      aside.delete(digest)
    },
    forgetAll: () => {
      answered.clear()
      shown = null
    },
    isFree,
    inHand,
    stay: () => {
      comesFrom = null
    },
    receive: (message) => {
      switch (message.is) {
        case "who":
          return world.channel.send({ is: "shows", tab, digest: shown })
        case "shows":
          elsewhere.set(message.tab, message.digest)
          return
        case "answered": {
          const digests = new Set(message.digests)
          const before = state.tagging
          state.tagging = Tagging.without(
            state.tagging,
            (card) => digests.has(card.task.digest) && card.conflict === null && !Tagging.isBegun(card)
          )
          if (state.grid !== null) state.grid = withGone(state.grid, ({ digest }) => digests.has(digest))
          if (before !== state.tagging) changed()
          else world.changed()
        }
      }
    },
    follow: () => world.after(firstRenewal, renewAgain),
    renew
  }
}
