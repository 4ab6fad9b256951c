/** Answers on their way: each is sent in its turn, kept until the server has it, and taken back when asked for. */
import type { Answer } from "../../../../../run/serve/Item.ts"
import type { Task } from "../../../../../run/serve/Task.ts"
import { changedSince, digestsOf, nextToSend, outcomeOf, requestOf } from "../outbox.ts"
import type { Change, Waiting } from "../outbox.ts"
import { ratePerHour } from "../rate.ts"
import * as Tagging from "../tagging.ts"
import { texts, timeOfDay } from "../texts.ts"
import type { Parts } from "./parts.ts"
import { operatorIn } from "./state.ts"

export interface Sending {
  /** Takes what the browser has kept. */
  readonly open: () => void
  /** Sends a change. `retake`: the photo is leased first. */
  readonly submit: (change: Change, retake: boolean) => void
  /** Sends what waits, one after the other, then takes back what is asked for. */
  readonly pump: () => Promise<void>
  /** Tries all that waits at once: somebody asked for it, or the connection is back. */
  readonly resend: () => void
  /** An answer is settled otherwise: it is not sent. */
  readonly release: (id: string) => void
  readonly discard: (id: string) => void
  /** Takes back the last change, once all before it are sent. */
  readonly undo: () => void
  /** Whether an answer for this photo waits. */
  readonly has: (digest: string) => boolean
  readonly countRate: () => void
}

/** The most times of answers that are kept, from which the rate is computed. */
const mostTimes = 5000

export const sendingOf = (parts: Parts): Sending => {
  const { state, world } = parts
  const { api } = world

  /** When answers were given here. */
  const times: Array<number> = []
  let sending = false
  let undos = 0

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

  /** A refused answer is settled on the card that comes next; a skip gives way to the answer that there is. */
  const conflict = (
    waiting: Waiting,
    task: Task | null,
    { theirs, version }: { readonly version: number; readonly theirs: Answer | null }
  ) => {
    const { change, id } = waiting
    if (change.kind !== "answer") return release(id)
    // Never leased, so there is nothing to show yet: in its next turn it is.
    if (task === null) return keep({ ...waiting, retake: true })
    keep({ ...waiting, because: "asked", retake: true })
    parts.notices.say(texts.notices.conflict(change.photo.name), "info")
    parts.queue.comeAgain({
      ...Tagging.cardOf({ ...task, version }),
      conflict: { id, theirs, mine: change.values }
    })
  }

  /** Sends one change; an answer whose lease was lost takes the item first. */
  const send = async (waiting: Waiting) => {
    const { change } = waiting
    let task = change.kind === "answer" ? change.task : null
    if (waiting.retake && change.kind !== "confirm") {
      const taken = await api.ask("POST /v1/queue/take", { body: { digest: change.photo.digest } })
      if (!taken.ok) return { is: "reply", reply: taken, task } as const
      task = taken.body
      const holds = changedSince(change, task)
      if (holds !== null) return { is: "changed", holds, task } as const
    }
    const { body, key } = requestOf(change)
    return { is: "reply", reply: await api.ask(key, { body }), task } as const
  }

  const handle = async (waiting: Waiting, sent: Awaited<ReturnType<typeof send>>) => {
    const now = world.now()
    const outcome =
      sent.is === "changed" ? ({ is: "conflict", ...sent.holds } as const) : outcomeOf(waiting, sent.reply, now)
    const again = { ...waiting, tries: waiting.tries + 1 }
    const { change } = waiting
    const name = change.kind === "confirm" ? change.label : change.photo.name
    switch (outcome.is) {
      case "done":
        release(waiting.id)
        world.channel.send({ is: "answered", digests: digestsOf(change) })
        if (outcome.failed.length > 0) parts.notices.say(texts.grid.failed(outcome.failed.length), "problem")
        if (change.kind === "confirm") void parts.grid.fill()
        return parts.counts.readProgressSoon()
      case "later":
        keep({ ...again, because: "connection", after: now + outcome.seconds * 1000 })
        return world.after(outcome.seconds * 1000, () => void pump())
      case "signIn":
        keep({ ...waiting, because: "signIn", after: 0 })
        return parts.signIn.again()
      case "csrf":
        keep(again)
        await parts.signIn.readFacts()
        return
      case "conflict":
        return conflict(waiting, sent.task, outcome)
      case "held":
        keep({ ...again, because: "lease", retake: true, after: outcome.until })
        parts.notices.say(texts.notices.held(name, timeOfDay(outcome.until)), "problem", waiting.id)
        return world.after(outcome.until - now, () => void pump())
      case "refused":
        keep({ ...again, because: "refused", detail: outcome.detail })
        return parts.notices.say(texts.notices.refused(name, outcome.detail), "problem", waiting.id)
    }
  }

  const pump = async (): Promise<void> => {
    if (sending || state.phase === "starting") return
    sending = true
    try {
      for (;;) {
        const next = state.phase === "ready" ? nextToSend(state.waiting, operatorIn(state), world.now()) : undefined
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

  const takeBack = async () => {
    undos -= 1
    const reply = await api.ask("POST /v1/queue/undo")
    if (!reply.ok) {
      undos = 0
      if (reply.error._tag === "NothingToUndo") return parts.notices.say(texts.tag.nothingToUndo)
      if (reply.status === 0) return parts.notices.say(texts.tag.undoUnknown, "problem")
      return parts.notices.failed(reply)
    }
    const tasks = reply.body
    for (const { digest } of tasks) {
      parts.queue.forgetAnswer(digest)
      parts.grid.forget(digest)
    }
    times.splice(Math.max(0, times.length - tasks.length))
    parts.notices.say(texts.tag.undone(tasks.length))
    if (state.view === "grid" && state.grid !== null) return parts.grid.showAgain(tasks)
    if (state.view === "tag") return parts.queue.comeFirst(tasks)
    if (state.view === "audit") parts.audit.open()
    world.changed()
  }

  const resend = () => {
    const me = operatorIn(state)
    for (const waiting of state.waiting)
      if (waiting.because !== "asked" && waiting.operator === me) {
        const because = waiting.because === "lease" ? "lease" : "sending"
        keep({ ...waiting, after: 0, because, detail: null })
      }
    void pump()
  }

  const countRate = () => {
    state.rate = ratePerHour(times, world.now())
  }

  return {
    open: () => {
      state.waiting = world.keeper
        .all()
        .map((one) =>
          one.because === "asked" || one.because === "connection" || one.because === "signIn"
            ? { ...one, because: "sending" as const, after: 0 }
            : one
        )
      const others = state.waiting.filter(({ operator }) => operator !== operatorIn(state))
      for (const operator of new Set(others.map((one) => one.operator)))
        parts.notices.say(
          texts.notices.otherOperator(others.filter((one) => one.operator === operator).length, operator),
          "problem"
        )
    },
    submit: (change, retake) => {
      const photos = change.kind === "confirm" ? change.photos : [change.photo]
      for (const { digest, version } of photos) parts.queue.noteAnswer(digest, version)
      keep({
        id: world.newId(),
        operator: operatorIn(state),
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
        times.splice(0, times.length - mostTimes)
        countRate()
      }
      void pump()
    },
    pump,
    resend,
    release,
    discard: (id) => {
      release(id)
      world.changed()
    },
    undo: () => {
      undos += 1
      if (state.waiting.some(({ because }) => because === "connection")) parts.notices.say(texts.tag.undoWaits)
      void pump()
    },
    has: (digest) => state.waiting.some(({ change }) => digestsOf(change).includes(digest)),
    countRate
  }
}
