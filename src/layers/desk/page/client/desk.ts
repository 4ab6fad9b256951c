/** The page's state, and what its keys and the server's replies do to it. What can be decided without either is beside it. */
import type {
  AuditEntry,
  AuditList,
  DeskClass,
  Honesty,
  LogEntry,
  Order,
  Progress,
  Task
} from "../../../../run/serve/Desk.ts"
import type { ModelRecord } from "../../../../run/serve/Promotions.ts"
import type { Retraining } from "../../../../run/serve/Retraining.ts"
import type { Api, Facts, Neighbours, Refusal } from "./api.ts"
import { confirmed, gridSize, mark, moved, opened, withAhead, withGone } from "./grid.ts"
import type { Grid } from "./grid.ts"
import { actionOf } from "./keys.ts"
import type { Action, Key, Place, View } from "./keys.ts"
import { changedSince, nextToSend, outcomeOf, requestOf, waitAfter } from "./outbox.ts"
import type { Change, Keeper, Waiting } from "./outbox.ts"
import { byFrequency, rank } from "./ranking.ts"
import type { Frequent } from "./ranking.ts"
import { ratePerHour } from "./rate.ts"
import * as Tagging from "./tagging.ts"
import { texts, timeOfDay } from "./texts.ts"

export const orders: ReadonlyArray<Order> = ["newest", "leastMargin", "surest", "disagreement", "audit"]
export const lists: ReadonlyArray<AuditList> = ["labelErrors", "conflicts", "disagreements", "skipped", "history"]

/** So many photos are there before they are looked at. */
export const ahead = 10
/** Lines of an audit list that are asked for at once. */
const pageOfList = 50
/** How often an empty queue is asked again, and how often counts are; milliseconds. */
const pollEmpty = 4000
const pollCounts = 30_000
/** Counts are read again after an answer, but not more often. */
const recount = 3000
const pollTraining = 2500

export interface Notice {
  readonly id: number
  readonly text: string
  /** `info` goes by itself. */
  readonly kind: "info" | "problem"
  /** The answer that it is about. */
  readonly waiting: string | null
}

export interface State {
  phase: "starting" | "unreachable" | "signIn" | "ready"
  facts: Facts | null
  signIn: { message: string | null; busy: boolean }
  view: View
  above: "commands" | "help" | "sure" | null
  sure: { readonly question: string; readonly yes: () => void } | null

  tagging: Tagging.Tagging
  order: Order
  /** Whether the queue has been asked for photos, and had none. */
  empty: boolean
  /** The photo is shown with its own pixels; where it is looked at, from 0 to 1. */
  zoom: { readonly x: number; readonly y: number } | null
  neighbours: ReadonlyMap<string, ReadonlyArray<Neighbours>>
  broken: ReadonlySet<string>

  classes: ReadonlyArray<DeskClass>
  /** By column, in the order of type-ahead. */
  frequent: ReadonlyMap<string, ReadonlyArray<Frequent>>

  gridColumn: number
  gridTyped: string
  gridLine: number
  grid: Grid | null
  gridAsking: boolean

  list: AuditList
  entries: ReadonlyArray<AuditEntry>
  entry: number
  listAsking: boolean
  log: { readonly digest: string; readonly lines: ReadonlyArray<LogEntry> } | null

  models: ReadonlyArray<ModelRecord>
  model: number
  retraining: Retraining | null

  progress: Progress | null
  honesty: ReadonlyArray<Honesty>

  waiting: ReadonlyArray<Waiting>
  /** Whether the browser keeps what is waiting. */
  kept: boolean
  notices: ReadonlyArray<Notice>
  rate: number | null
}

/** What tabs of one browser tell each other. */
export interface Channel {
  readonly send: (message: TabMessage) => void
  receive: (message: TabMessage) => void
}
export type TabMessage =
  | { readonly is: "who" }
  | { readonly is: "shows"; readonly tab: string; readonly digest: string | null }
  | { readonly is: "answered"; readonly digests: ReadonlyArray<string> }

export interface World {
  readonly api: Api
  readonly keeper: Keeper
  readonly channel: Channel
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly after: (milliseconds: number, run: () => void) => void
  /** An id that no other tab makes; a later one sorts behind an earlier one. */
  readonly newId: () => string
  /** Whether somebody looks at the page. */
  readonly visible: () => boolean
  /** How many photos a grid has. */
  readonly gridSize: () => number
  /** The state has changed. */
  readonly changed: () => void
}

export const openDesk = (world: World) => {
  const tab = world.newId()
  const state: State = {
    phase: "starting",
    facts: null,
    signIn: { message: null, busy: false },
    view: "tag",
    above: null,
    sure: null,
    tagging: Tagging.nothingInHand,
    order: "newest",
    empty: false,
    zoom: null,
    neighbours: new Map(),
    broken: new Set(),
    classes: [],
    frequent: new Map(),
    gridColumn: 0,
    gridTyped: "",
    gridLine: 0,
    grid: null,
    gridAsking: false,
    list: "labelErrors",
    entries: [],
    entry: 0,
    listAsking: false,
    log: null,
    models: [],
    model: 0,
    retraining: null,
    progress: null,
    honesty: [],
    waiting: [],
    kept: true,
    notices: [],
    rate: null
  }

  const api = world.api
  const me = () => state.facts?.operator.name ?? ""
  const isAdmin = () => state.facts?.operator.role === "admin"
  const columns = () => state.facts?.columns ?? []
  const frequent = (column: string): ReadonlyArray<Frequent> => state.frequent.get(column) ?? []

  /** When answers were given here. */
  const times: Array<number> = []
  /** Versions that were answered here: what the server hands out from before that is old. */
  const answered = new Map<string, number>()
  /** What is looked at in other tabs. */
  const elsewhere = new Map<string, string | null>()
  /** Not to be handed out here again by itself: opened from a list and put aside. */
  const aside = new Set<string>()
  /** Marked as wrong in a grid: the next page does not show them again. */
  const keyedAway = new Set<string>()
  let shown: string | null = null
  let shownAt = 0
  let gridShownAt = 0
  let comesFrom: View | null = null
  let asking = false
  let sending = false
  let undos = 0
  let notices = 0
  let countedAt = 0

  // Messages

  const say = (text: string, kind: Notice["kind"] = "info", waiting: string | null = null) => {
    notices += 1
    const id = notices
    state.notices = [...state.notices.filter((one) => one.text !== text).slice(-4), { id, text, kind, waiting }]
    if (kind === "info")
      world.after(5000, () => {
        state.notices = state.notices.filter((one) => one.id !== id)
        world.changed()
      })
    world.changed()
  }
  const dismiss = (id: number) => {
    state.notices = state.notices.filter((one) => one.id !== id)
    world.changed()
  }
  const failed = ({ error, status }: Refusal) => {
    if (status === 401) return signInAgain()
    say(
      texts.notices.failed(error.message ?? error.detail ?? (status === 0 ? texts.unreachable : `HTTP ${status}`)),
      "problem"
    )
  }
  const signInAgain = () => {
    if (state.phase === "signIn") return
    state.phase = "signIn"
    state.signIn = { message: state.facts === null ? null : texts.signIn.again, busy: false }
    world.changed()
  }

  // Photos in hand

  const isOld = ({ digest, version }: Task) => {
    const at = answered.get(digest)
    return at !== undefined && version <= at
  }
  const inOutbox = (digest: string) =>
    state.waiting.some(({ change }) =>
      change.kind === "confirm" ? change.photos.some((one) => one.digest === digest) : change.photo.digest === digest
    )
  const inGrid = (digest: string) =>
    state.grid !== null && [...state.grid.shown, ...state.grid.ahead].some((one) => one.digest === digest)

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

  /** After each change of what is in hand. */
  const handChanged = () => {
    avoidOtherTabs()
    const first = state.tagging.cards[0]?.task.digest ?? null
    if (first !== shown) {
      shown = first
      shownAt = world.now()
      state.zoom = null
      world.channel.send({ is: "shows", tab, digest: first })
      nearest()
    }
    if (state.tagging.cards.length <= ahead) void askForMore()
    world.changed()
  }

  const askForMore = async () => {
    if (asking || state.phase !== "ready") return
    asking = true
    const held =
      state.tagging.cards.length +
      aside.size +
      (state.grid === null ? 0 : state.grid.shown.length + state.grid.ahead.length)
    const count = Math.min(200, held + state.waiting.length + ahead + 1)
    const reply = await api.ask("POST /v1/queue/next", { body: { order: state.order, count } })
    asking = false
    if (!reply.ok) {
      if (reply.status === 401) return signInAgain()
      world.after(pollEmpty, () => void askForMore())
      return
    }
    const tasks = reply.body.filter(
      (task) => !isOld(task) && !inOutbox(task.digest) && !aside.has(task.digest) && !inGrid(task.digest)
    )
    const before = state.tagging.cards.length
    state.tagging = Tagging.withTasks(state.tagging, tasks, "end")
    state.empty = state.tagging.cards.length === 0
    if (state.tagging.cards.length > before) handChanged()
    else world.changed()
    if (state.tagging.cards.length <= ahead / 2) world.after(pollEmpty, pollQueue)
  }
  const pollQueue = () => {
    if (state.tagging.cards.length > ahead / 2) return
    if (world.visible() && state.view === "tag") void askForMore()
    else world.after(pollEmpty, pollQueue)
  }

  const nearKey = (digest: string, column: string) => `${digest}/${column}`
  /** Of a photo that is shown without suggestions it is not asked: the classes would be the model's. */
  const nearest = () => {
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

  // Answers on their way

  const keep = (waiting: Waiting) => {
    state.waiting = [...state.waiting.filter(({ id }) => id !== waiting.id), waiting].sort((a, b) =>
      a.id < b.id ? -1 : 1
    )
    state.kept = world.keeper.put(waiting)
  }
  const release = (id: string) => {
    state.waiting = state.waiting.filter((one) => one.id !== id)
    state.notices = state.notices.filter((one) => one.waiting !== id)
    world.keeper.remove(id)
  }

  const submit = (change: Change, retake: boolean) => {
    const photos = change.kind === "confirm" ? change.photos : [change.photo]
    for (const { digest, version } of photos) answered.set(digest, version)
    keep({
      id: world.newId(),
      operator: me(),
      change,
      tries: 0,
      after: 0,
      retake,
      because: "sending",
      detail: null
    })
    if (change.kind !== "skip") {
      const now = world.now()
      for (const _ of photos) times.push(now)
      times.splice(0, times.length - 5000)
      state.rate = ratePerHour(times, now)
    }
    void pump()
  }

  const cardAgain = (waiting: Waiting, version: number, theirs: Tagging.Card["conflict"] & object) => {
    const { change } = waiting
    if (change.kind === "confirm") return
    const task = { ...change.task, version }
    state.tagging = Tagging.withConflict(state.tagging, { ...Tagging.cardOf(task), conflict: theirs })
    say(texts.notices.conflict(change.photo.name), "info")
    handChanged()
  }

  /** A refused answer is settled on the card that comes next; a skip gives way to the answer that there is. */
  const conflict = (waiting: Waiting, version: number, theirs: Task["opinions"][number] | null) => {
    if (waiting.change.kind !== "answer") return release(waiting.id)
    keep({ ...waiting, because: "asked", retake: true })
    cardAgain(waiting, version, { id: waiting.id, theirs, mine: waiting.change.values })
  }

  const handle = async (waiting: Waiting, sent: Awaited<ReturnType<typeof send>>) => {
    if (sent === null) return
    const now = world.now()
    const outcome =
      sent.is === "changed" ? ({ is: "conflict", ...sent.holds } as const) : outcomeOf(waiting, sent.reply, now)
    const again = { ...waiting, tries: waiting.tries + 1 }
    switch (outcome.is) {
      case "done": {
        release(waiting.id)
        const { change } = waiting
        world.channel.send({
          is: "answered",
          digests: change.kind === "confirm" ? change.photos.map(({ digest }) => digest) : [change.photo.digest]
        })
        if (outcome.failed.length > 0) say(texts.grid.failed(outcome.failed.length), "problem")
        if (change.kind === "confirm") void fillGrid()
        if (now - countedAt > recount) void readProgress()
        return
      }
      case "later":
        keep({ ...again, because: "connection", after: now + outcome.seconds * 1000 })
        world.after(outcome.seconds * 1000, () => void pump())
        return
      case "signIn":
        keep({ ...waiting, because: "signIn", after: 0 })
        signInAgain()
        return
      case "csrf":
        keep(again)
        await readFacts()
        return
      case "conflict":
        conflict(waiting, outcome.version, outcome.theirs)
        return
      case "held": {
        keep({ ...again, because: "lease", retake: true, after: outcome.until })
        const name = waiting.change.kind === "confirm" ? waiting.change.label : waiting.change.photo.name
        say(texts.notices.held(name, timeOfDay(outcome.until)), "problem", waiting.id)
        world.after(outcome.until - now, () => void pump())
        return
      }
      case "refused": {
        keep({ ...again, because: "refused", detail: outcome.detail })
        const name = waiting.change.kind === "confirm" ? waiting.change.label : waiting.change.photo.name
        say(texts.notices.refused(name, outcome.detail), "problem", waiting.id)
      }
    }
  }

  /** Sends one change; an answer whose lease was lost takes the item first. */
  const send = async (waiting: Waiting) => {
    const { change } = waiting
    if (waiting.retake && change.kind !== "confirm") {
      const taken = await api.ask("POST /v1/queue/take", { body: { digest: change.photo.digest } })
      if (!taken.ok) return { is: "reply", reply: taken } as const
      const holds = changedSince(change, taken.body)
      if (holds !== null) return { is: "changed", holds } as const
    }
    const { body, key } = requestOf(change)
    return { is: "reply", reply: await api.ask(key, { body }) } as const
  }

  /** Sends what waits, one after the other, then takes back what is asked for. */
  const pump = async (): Promise<void> => {
    if (sending || state.phase === "starting") return
    sending = true
    try {
      for (;;) {
        const next = state.phase === "ready" ? nextToSend(state.waiting, me(), world.now()) : undefined
        if (next !== undefined) await handle(next, await send(next))
        else if (
          undos > 0 &&
          !state.waiting.some(
            ({ because }) => because === "sending" || because === "connection" || because === "signIn"
          )
        )
          await takeBack()
        else break
        world.changed()
      }
    } finally {
      sending = false
    }
    world.changed()
  }

  /** Tries all that waits at once: somebody asked for it, or the connection is back. */
  const resend = () => {
    for (const waiting of state.waiting)
      if (waiting.because !== "asked" && waiting.operator === me()) {
        const because = waiting.because === "lease" ? "lease" : "sending"
        keep({ ...waiting, after: 0, because, detail: null })
      }
    void pump()
  }
  const discard = (id: string) => {
    release(id)
    world.changed()
  }

  const takeBack = async () => {
    undos -= 1
    const reply = await api.ask("POST /v1/queue/undo")
    if (!reply.ok) {
      undos = 0
      if (reply.error._tag === "NothingToUndo") return say(texts.tag.nothingToUndo)
      if (reply.status === 0) return say(texts.tag.undoUnknown, "problem")
      return failed(reply)
    }
    const tasks = reply.body
    for (const { digest } of tasks) {
      answered.delete(digest)
      aside.delete(digest)
      keyedAway.delete(digest)
    }
    times.splice(Math.max(0, times.length - tasks.length))
    say(texts.tag.undone(tasks.length))
    const { grid } = state
    if (state.view === "grid" && grid !== null) {
      state.grid = {
        ...grid,
        shown: tasks.slice(0, gridSize),
        ahead: [...tasks.slice(gridSize), ...grid.shown, ...grid.ahead],
        wrong: new Set(),
        gone: new Set(),
        cursor: 0
      }
      gridShownAt = world.now()
      return world.changed()
    }
    if (state.view !== "tag") {
      if (state.view === "audit") void readList(0)
      return world.changed()
    }
    state.tagging = Tagging.withTasks(state.tagging, tasks, "front")
    handChanged()
  }
  const undo = () => {
    undos += 1
    if (state.waiting.some(({ because }) => because === "connection")) say(texts.tag.undoWaits)
    void pump()
  }

  const photoOf = ({ digest, name, version }: Task) => ({ digest, name, version })

  const finish = (done: Tagging.Done) => {
    const { card } = done
    const { conflict, task } = card
    const seconds = Math.min(86_400, Math.max(0, (world.now() - shownAt) / 1000))
    if (done.send === "answer")
      submit({ kind: "answer", photo: photoOf(task), values: done.values, seconds, task }, conflict !== null)
    // A correction that is not made leaves what there is.
    else if (done.send === "skip" && (task.lease.task === "correct" || task.lease.task === "settle"))
      aside.add(task.digest)
    else if (done.send === "skip") submit({ kind: "skip", photo: photoOf(task), seconds, task }, false)
    // What somebody else answered stands.
    else answered.set(task.digest, task.version)
    if (conflict !== null) release(conflict.id)
    if (comesFrom !== null && card.task.lease.task !== "first") {
      state.view = comesFrom
      state.entries = state.entries.filter(({ item }) => item.digest !== task.digest)
      state.entry = Math.min(state.entry, Math.max(0, state.entries.length - 1))
      comesFrom = null
      void readLog()
    }
  }

  const step = ({ done, say: what, tagging }: Tagging.Step, typed: string) => {
    state.tagging = tagging
    if (what === "nothing") say(typed === "" ? texts.tag.nothing : texts.tag.none)
    if (done !== null) finish(done)
    handChanged()
  }

  // The server's facts

  const readFacts = async (): Promise<boolean> => {
    const reply = await api.ask("GET /v1/desk")
    if (!reply.ok) {
      if (reply.status === 401) {
        signInAgain()
        return false
      }
      if (state.facts === null) {
        state.phase = "unreachable"
        world.after(waitAfter(1) * 1000, () => void start())
        world.changed()
      }
      return false
    }
    api.csrf = reply.body.csrf
    state.facts = reply.body
    return true
  }
  const readClasses = async () => {
    const reply = await api.ask("GET /v1/classes")
    if (!reply.ok) return
    state.classes = reply.body
    state.frequent = new Map(
      columns().map((column) => [
        column,
        byFrequency(
          reply.body
            .filter((one) => one.column === column)
            .map(({ answers, label, trained }) => ({ label, frequency: trained + answers }))
        )
      ])
    )
    world.changed()
  }
  const readProgress = async () => {
    countedAt = world.now()
    const reply = await api.ask("GET /v1/progress")
    if (reply.ok) state.progress = reply.body
    world.changed()
  }
  const readHonesty = async () => {
    const reply = await api.ask("GET /v1/honesty")
    if (reply.ok) state.honesty = reply.body
    world.changed()
  }
  const poll = () => {
    world.after(pollCounts, poll)
    if (!world.visible() || state.phase !== "ready") return
    void readProgress()
    if (state.view === "progress") void readHonesty()
    state.rate = ratePerHour(times, world.now())
  }
  const renew = () => {
    world.after(((state.facts?.leaseSeconds ?? 600) * 1000) / 3, renew)
    void renewNow()
  }
  const renewNow = async () => {
    if (state.phase !== "ready") return
    const { grid } = state
    const digests = [
      ...new Set([
        ...state.tagging.cards.filter(({ conflict }) => conflict === null).map(({ task }) => task.digest),
        ...(grid === null ? [] : [...grid.shown, ...grid.ahead].map(({ digest }) => digest))
      ])
    ].slice(0, 200)
    if (digests.length === 0) return
    const reply = await api.ask("POST /v1/queue/renew", { body: { digests } })
    if (!reply.ok) return reply.status === 401 ? signInAgain() : undefined
    const still = new Set(reply.body.map(({ digest }) => digest))
    const lost = new Set(digests.filter((digest) => !still.has(digest)))
    // A photo for which something is chosen stays: its answer is sent, and the server says whose the photo is.
    state.tagging = Tagging.without(
      state.tagging,
      (card) => lost.has(card.task.digest) && card.chosen.every((one) => one === undefined)
    )
    if (state.grid !== null) state.grid = withGone(state.grid, ({ digest }) => lost.has(digest))
    handChanged()
  }

  const start = async () => {
    if (!(await readFacts())) return
    state.phase = "ready"
    state.waiting = world.keeper
      .all()
      .map((one) =>
        one.because === "asked" || one.because === "connection" || one.because === "signIn"
          ? { ...one, because: "sending" as const, after: 0 }
          : one
      )
    const others = state.waiting.filter(({ operator }) => operator !== me())
    for (const operator of new Set(others.map((one) => one.operator)))
      say(texts.notices.otherOperator(others.filter((one) => one.operator === operator).length, operator), "problem")
    world.channel.send({ is: "who" })
    void readClasses()
    void readProgress()
    void pump()
    world.changed()
    // Time for other tabs to say what they show.
    world.after(elsewhere.size > 0 ? 0 : 30, () => void askForMore())
    enter(state.view)
  }
  const signIn = async (token: string) => {
    state.signIn = { message: null, busy: true }
    world.changed()
    const reply = await api.ask("POST /v1/session", { body: { token } })
    state.signIn.busy = false
    if (!reply.ok) {
      state.signIn.message =
        reply.status === 401
          ? texts.signIn.wrong
          : reply.status === 429
            ? texts.signIn.wait(reply.retryAfter ?? 60)
            : texts.notices.failed(reply.error.message ?? `HTTP ${reply.status}`)
      return world.changed()
    }
    const another = state.facts !== null && state.facts.operator.name !== reply.body.operator.name
    if (another) {
      // The photos in hand are the former operator's.
      state.tagging = Tagging.nothingInHand
      state.grid = null
      answered.clear()
      shown = null
    }
    await start()
  }
  const signOut = async () => {
    if (api.csrf === null) return
    await api.ask("DELETE /v1/session")
    state.phase = "signIn"
    state.signIn = { message: null, busy: false }
    world.changed()
  }

  // Grid

  const gridChoice = (): ReadonlyArray<DeskClass> => {
    const column = columns()[state.gridColumn] ?? ""
    const open = state.classes.filter((one) => one.column === column && one.predicted > 0)
    if (state.gridTyped === "") return [...open].sort((a, b) => b.predicted - a.predicted)
    const byLabel = new Map(open.map((one) => [one.label, one]))
    return rank(
      byFrequency(open.map(({ label, predicted }) => ({ label, frequency: predicted }))),
      state.gridTyped
    ).flatMap((label) => byLabel.get(label) ?? [])
  }
  const fillGrid = async () => {
    const { grid } = state
    if (grid === null || state.gridAsking) return
    const size = world.gridSize()
    if (grid.ahead.length >= size) return
    state.gridAsking = true
    world.changed()
    const count = Math.min(
      200,
      grid.shown.length + grid.ahead.length + state.tagging.cards.length + aside.size + keyedAway.size + size * 2
    )
    const reply = await api.ask("POST /v1/grid/next", { body: { column: grid.column, label: grid.label, count } })
    state.gridAsking = false
    if (!reply.ok) return failed(reply)
    if (state.grid === null || state.grid.label !== grid.label || state.grid.column !== grid.column) return
    const inHand = state.tagging.cards[0]?.task.digest
    const fresh = reply.body.filter(
      (task) =>
        !isOld(task) &&
        !inOutbox(task.digest) &&
        !aside.has(task.digest) &&
        !keyedAway.has(task.digest) &&
        task.digest !== inHand
    )
    const wasEmpty = state.grid.shown.length === 0
    state.grid = withAhead(state.grid, fresh, size)
    if (wasEmpty) gridShownAt = world.now()
    if (state.grid.shown.length === 0) {
      say(texts.grid.done(grid.label))
      state.grid = null
      void readClasses()
    } else {
      // What the grid shows is not in hand as well.
      state.tagging = Tagging.without(
        state.tagging,
        ({ chosen, task }) => inGrid(task.digest) && chosen.every((one) => one === undefined)
      )
    }
    world.changed()
  }
  const openGrid = (label: string) => {
    const column = columns()[state.gridColumn]
    if (column === undefined) return
    keyedAway.clear()
    state.grid = opened(column, label)
    state.gridTyped = ""
    state.gridLine = 0
    void fillGrid()
  }
  const confirmGrid = () => {
    const { grid } = state
    if (grid === null) return
    const { next, right, wrong } = confirmed(grid, world.gridSize())
    if (right.length === 0 && wrong.length > 0) return say(texts.grid.nothing)
    const seconds = Math.min(86_400, (world.now() - gridShownAt) / 1000)
    state.grid = next
    gridShownAt = world.now()
    if (wrong.length > 0) {
      say(texts.grid.wrong(wrong.length))
      state.tagging = Tagging.withTasks(state.tagging, wrong, "front")
      for (const { digest } of wrong) {
        aside.delete(digest)
        keyedAway.add(digest)
      }
      handChanged()
    }
    if (right.length > 0)
      submit({ kind: "confirm", column: grid.column, label: grid.label, photos: right.map(photoOf), seconds }, false)
    else void fillGrid()
    world.changed()
  }

  // Audit

  const selected = () => state.entries[state.entry]
  const readLog = async () => {
    const digest = selected()?.item.digest
    if (digest === undefined || state.log?.digest === digest) return
    state.log = { digest, lines: [] }
    const reply = await api.ask("GET /v1/log", { query: { digest, count: 50 } })
    if (reply.ok && state.log?.digest === digest) state.log = { digest, lines: reply.body }
    world.changed()
  }
  const readList = async (from: number) => {
    const { list } = state
    state.listAsking = true
    if (from === 0) {
      state.entry = 0
      state.entries = []
      state.log = null
    }
    world.changed()
    const reply = await api.ask("GET /v1/audit", { path: `/v1/audit/${list}`, query: { from, count: pageOfList } })
    if (state.list !== list) return
    state.listAsking = false
    if (!reply.ok) return failed(reply)
    const there = new Set(state.entries.map(({ column, item }) => nearKey(item.digest, column)))
    state.entries = [
      ...state.entries,
      ...reply.body.filter(({ column, item }) => !there.has(nearKey(item.digest, column)))
    ]
    void readLog()
    world.changed()
  }
  const select = (entry: number) => {
    state.entry = Math.min(Math.max(entry, 0), Math.max(0, state.entries.length - 1))
    if (
      state.entry >= state.entries.length - 10 &&
      state.entries.length >= pageOfList &&
      !state.listAsking &&
      state.entries.length % pageOfList === 0
    )
      void readList(state.entries.length)
    void readLog()
    world.changed()
  }
  const dropEntry = (entry: AuditEntry) => {
    state.entries = state.entries.filter((one) => one !== entry)
    select(state.entry)
  }
  /** What the column has now. */
  const holds = ({ column, item }: AuditEntry): string | null => {
    const of = (values: ReadonlyArray<{ readonly column: string; readonly value: string | null }> | undefined) =>
      values?.find((one) => one.column === column)?.value ?? null
    return item.answer === null ? of(item.rows[0]?.values) : of(item.answer.values)
  }
  const correct = async (entry: AuditEntry, value: string | null) => {
    if (value === null) return say(texts.audit.nothingHere)
    const { column, item } = entry
    dropEntry(entry)
    const taken = await api.ask("POST /v1/queue/take", { body: { digest: item.digest } })
    if (!taken.ok) {
      failed(taken)
      return readList(0)
    }
    const task = { ...taken.body, version: item.version }
    submit(
      { kind: "answer", photo: photoOf(task), values: [{ column, value }], seconds: null, task },
      taken.body.version !== item.version
    )
  }
  const openEntry = async (entry: AuditEntry) => {
    const reply = await api.ask("POST /v1/queue/take", { body: { digest: entry.item.digest } })
    if (!reply.ok) return failed(reply)
    aside.delete(entry.item.digest)
    state.tagging = Tagging.withTasks(state.tagging, [reply.body], "front")
    const column = reply.body.columns.findIndex((one) => one.column === entry.column)
    if (column > 0) state.tagging = Tagging.toColumn(state.tagging, column - state.tagging.column)
    comesFrom = "audit"
    state.view = "tag"
    handChanged()
  }
  const putBack = async (entry: AuditEntry) => {
    const { digest, version } = entry.item
    const reply = await api.ask("POST /v1/queue/return", { body: { digest, version } })
    if (!reply.ok) return failed(reply)
    answered.delete(digest)
    say(texts.audit.returned)
    dropEntry(entry)
  }
  const askSecond = async (entry: AuditEntry) => {
    const reply = await api.ask("POST /v1/queue/second-opinion", { body: { digests: [entry.item.digest] } })
    if (!reply.ok) return failed(reply)
    say(texts.audit.asked)
  }

  // Models

  const readModels = async () => {
    if (!isAdmin()) return
    const [models, retraining] = await Promise.all([api.ask("GET /v1/models"), api.ask("GET /v1/retrain")])
    if (models.ok) state.models = models.body
    if (retraining.ok) state.retraining = retraining.body
    world.changed()
  }
  const pollModels = () => {
    if (state.view !== "models") return
    world.after(pollTraining, pollModels)
    if (world.visible() && state.phase === "ready") void readModels()
  }
  const ask = (question: string, yes: () => void) => {
    state.sure = { question, yes }
    state.above = "sure"
    world.changed()
  }
  const afterModels = async () => {
    await readModels()
    await readFacts()
    await readClasses()
  }
  const atModels = (key: "POST /v1/retrain" | "POST /v1/retrain/stop" | "POST /v1/models/roll-back") => async () => {
    const reply = await api.ask(key)
    if (!reply.ok) failed(reply)
    await afterModels()
  }
  const promote = (force: boolean) => {
    const record = state.models[state.model]
    if (record === undefined) return
    ask(force ? texts.models.sureForce(record.model) : texts.models.surePromote(record.model), async () => {
      const path = `/v1/models/${encodeURIComponent(record.model)}/promote`
      const reply = await api.ask("POST /v1/models/promote", { path, body: force ? { force } : {} })
      if (!reply.ok) failed(reply)
      await afterModels()
    })
  }

  // Keys

  const enter = (view: View) => {
    state.view = view
    state.above = null
    comesFrom = null
    if (view === "grid" && state.grid === null) void readClasses()
    if (view === "audit") void readList(0)
    if (view === "progress") void Promise.all([readProgress(), readHonesty()])
    if (view === "models") {
      void readModels()
      world.after(pollTraining, pollModels)
    }
    if (view === "tag") handChanged()
    world.changed()
  }

  const place = (): Place =>
    state.above ?? (state.view === "grid" ? (state.grid === null ? "gridClasses" : "gridPhotos") : state.view)
  const typed = () =>
    state.view === "tag" ? state.tagging.typed : state.view === "grid" && state.grid === null ? state.gridTyped : ""
  const options = () => Tagging.optionsOf(state.tagging, frequent)

  const act = (action: Action): void => {
    if (state.above === "commands" || (state.above === "help" && action.do !== "close")) state.above = null
    const { grid, tagging } = state
    const entry = selected()
    switch (action.do) {
      case "take": {
        if (state.view === "grid") {
          const chosen = gridChoice()[action.line ?? state.gridLine]
          return chosen === undefined ? say(texts.tag.none) : openGrid(chosen.label)
        }
        return step(Tagging.take(tagging, options(), action.line), tagging.typed)
      }
      case "takeAll":
        return step(Tagging.takeAll(tagging, options(), frequent), tagging.typed)
      case "leaveEmpty":
        return step(Tagging.leaveEmpty(tagging), "")
      case "skip":
        return state.view === "tag" ? step(Tagging.skip(tagging), "") : world.changed()
      case "back": {
        const before = Tagging.back(tagging)
        if (before === null) return undo()
        state.tagging = before
        return world.changed()
      }
      case "undo":
        return undo()
      case "move":
        if (state.view === "audit") return select(state.entry + action.by)
        if (state.view === "models")
          state.model = Math.min(Math.max(state.model + action.by, 0), Math.max(0, state.models.length - 1))
        else if (state.view === "grid" && grid !== null) state.grid = moved(grid, action.by)
        else if (state.view === "grid") {
          const count = Math.max(1, gridChoice().length)
          state.gridLine = (state.gridLine + action.by + count) % count
        } else state.tagging = Tagging.move(tagging, options(), action.by)
        return world.changed()
      case "column":
        if (state.view === "grid") {
          const count = Math.max(1, columns().length)
          state.gridColumn = (state.gridColumn + action.by + count) % count
          state.gridLine = 0
        } else state.tagging = Tagging.toColumn(tagging, action.by)
        return world.changed()
      case "zoom":
        state.zoom = state.zoom === null ? { x: 0.5, y: 0.5 } : null
        return world.changed()
      case "pan": {
        const within = (value: number) => Math.min(1, Math.max(0, value))
        const { zoom } = state
        if (zoom !== null) state.zoom = { x: within(zoom.x + action.x * 0.12), y: within(zoom.y + action.y * 0.12) }
        return world.changed()
      }
      case "asText":
        state.tagging = { ...tagging, asText: true }
        return world.changed()
      case "clear":
        state.gridTyped = ""
        state.gridLine = 0
        state.tagging = { ...tagging, typed: "", asText: false, line: 0, adding: false }
        return world.changed()
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
      case "order": {
        const at = orders.indexOf(state.order)
        return void setOrder(orders[(at + 1) % orders.length] ?? "newest")
      }
      case "signOut":
        return void signOut()
      case "resend":
        return resend()
      case "dismiss":
        state.notices = state.notices.filter(({ waiting }) => waiting !== null)
        return world.changed()
      case "mark":
        if (grid !== null) state.grid = mark(grid, action.cell)
        return world.changed()
      case "confirmAll":
        return confirmGrid()
      case "otherClass":
        state.grid = null
        void readClasses()
        return world.changed()
      case "list": {
        const at = action.list ?? (lists.indexOf(state.list) + action.by + lists.length) % lists.length
        state.list = lists[at] ?? state.list
        return void readList(0)
      }
      case "open":
        return entry === undefined ? undefined : void openEntry(entry)
      case "takeOther":
        return entry === undefined ? undefined : void correct(entry, entry.other)
      case "keep":
        return entry === undefined ? undefined : void correct(entry, holds(entry))
      case "putBack":
        return entry === undefined ? undefined : void putBack(entry)
      case "askSecond":
        return entry === undefined ? undefined : void askSecond(entry)
      case "retrain":
        return isAdmin() ? ask(texts.models.sureRetrain, atModels("POST /v1/retrain")) : undefined
      case "stop":
        return isAdmin() ? ask(texts.models.sureStop, atModels("POST /v1/retrain/stop")) : undefined
      case "rollBack":
        return isAdmin() ? ask(texts.models.sureRollBack, atModels("POST /v1/models/roll-back")) : undefined
      case "promote":
        return promote(false)
      case "force":
        return promote(true)
    }
  }

  /** Photos in another order: those in hand come after the new ones. */
  const setOrder = async (order: Order) => {
    state.order = order
    say(texts.orders[order])
    const held = state.tagging.cards.length + aside.size + state.waiting.length
    const reply = await api.ask("POST /v1/queue/next", {
      body: { order, count: Math.min(200, held + ahead + 1) }
    })
    if (!reply.ok || state.order !== order) return
    const [first, ...others] = state.tagging.cards
    const inHand = new Set(state.tagging.cards.map(({ task }) => task.digest))
    const fresh = reply.body.filter(
      (task) =>
        !isOld(task) &&
        !inOutbox(task.digest) &&
        !aside.has(task.digest) &&
        !inGrid(task.digest) &&
        !inHand.has(task.digest)
    )
    // Conflicts stay where they are; what was handed out before comes last.
    const settled = others.filter(({ conflict }) => conflict !== null)
    const before = others.filter(({ conflict }) => conflict === null)
    const cards = [...(first === undefined ? [] : [first]), ...settled, ...fresh.map(Tagging.cardOf), ...before]
    state.tagging = { ...state.tagging, cards }
    handChanged()
  }

  /** Does what a key means; false where the browser should do with it what it does. */
  const press = (key: Key): boolean => {
    if (state.phase !== "ready") return false
    const action = actionOf(place(), key, { typed: typed(), asText: state.tagging.asText, zoomed: state.zoom !== null })
    if (action === null) return false
    act(action)
    return true
  }

  const type = (text: string) => {
    if (state.view === "grid") {
      state.gridTyped = text
      state.gridLine = 0
    } else state.tagging = Tagging.typing(state.tagging, text)
    world.changed()
  }

  world.channel.receive = (message) => {
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
          ({ chosen, conflict, task }) =>
            digests.has(task.digest) && conflict === null && chosen.every((one) => one === undefined)
        )
        if (state.grid !== null) state.grid = withGone(state.grid, ({ digest }) => digests.has(digest))
        if (before !== state.tagging) handChanged()
        else world.changed()
      }
    }
  }

  return {
    state,
    start: () => {
      void start()
      world.after(pollCounts, poll)
      world.after(200_000, renew)
    },
    press,
    act,
    type,
    signIn,
    signOut,
    setOrder,
    dismiss,
    discard,
    resend,
    select,
    options,
    gridChoice,
    holds,
    isAdmin,
    neighboursOf: (digest: string, column: string) => state.neighbours.get(nearKey(digest, column)) ?? [],
    /** Zooms at a place of the photo, or leaves. */
    zoomAt: (x: number, y: number) => {
      state.zoom = state.zoom === null ? { x, y } : null
      world.changed()
    },
    panTo: (x: number, y: number) => {
      if (state.zoom !== null) state.zoom = { x, y }
      world.changed()
    },
    toColumn: (at: number) => {
      if (state.view === "grid") {
        state.gridColumn = at
        state.gridLine = 0
      } else state.tagging = Tagging.toColumn(state.tagging, at - state.tagging.column)
      world.changed()
    },
    breaks: (digest: string) => {
      state.broken = new Set([...state.broken, digest])
      world.changed()
    },
    /** The page is looked at again, or the connection is back. */
    wake: () => {
      void renewNow()
      if (state.waiting.some(({ because }) => because === "connection")) resend()
      if (state.phase === "unreachable") void start()
    }
  }
}

export type Desk = ReturnType<typeof openDesk>
