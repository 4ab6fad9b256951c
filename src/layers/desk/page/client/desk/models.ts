/** Retraining and models, for admins: what is asked for here is asked again before it is done. */
import { texts } from "../texts.ts"
import type { Parts } from "./parts.ts"
import { isAdmin } from "./state.ts"

export interface Models {
  /** Reads models and retraining, and again as long as the view is shown. */
  readonly open: () => void
  readonly select: (by: number) => void
  readonly retrain: () => void
  readonly stop: () => void
  readonly rollBack: () => void
  /** `force`: although the gate holds it back. */
  readonly promote: (force: boolean) => void
}

/** How often a training is looked at, in milliseconds. */
const every = 2500

export const modelsOf = (parts: Parts): Models => {
  const { state, world } = parts
  const { api } = world

  const read = async () => {
    if (!isAdmin(state)) return
    const [models, retraining] = await Promise.all([api.ask("GET /v1/models"), api.ask("GET /v1/retrain")])
    if (models.ok) state.models = models.body
    if (retraining.ok) state.retraining = retraining.body
    world.changed()
  }
  const poll = () => {
    if (state.view !== "models") return
    world.after(every, poll)
    if (world.visible() && state.phase === "ready") void read()
  }
  const ask = (question: string, yes: () => void) => {
    state.sure = { question, yes }
    state.above = "sure"
    world.changed()
  }
  const readAll = async () => {
    await read()
    await parts.signIn.readFacts()
    await parts.counts.readClasses()
  }
  const asking =
    (question: string, key: "POST /v1/retrain" | "POST /v1/retrain/stop" | "POST /v1/models/roll-back") => () => {
      if (!isAdmin(state)) return
      ask(question, async () => {
        const reply = await api.ask(key)
        if (!reply.ok) parts.notices.failed(reply)
        await readAll()
      })
    }

  return {
    open: () => {
      void read()
      world.after(every, poll)
    },
    select: (by) => {
      state.model = Math.min(Math.max(state.model + by, 0), Math.max(0, state.models.length - 1))
      world.changed()
    },
    retrain: asking(texts.models.sureRetrain, "POST /v1/retrain"),
    stop: asking(texts.models.sureStop, "POST /v1/retrain/stop"),
    rollBack: asking(texts.models.sureRollBack, "POST /v1/models/roll-back"),
    promote: (force) => {
      const record = state.models[state.model]
      if (record === undefined) return
      ask(force ? texts.models.sureForce(record.model) : texts.models.surePromote(record.model), async () => {
        const path = `/v1/models/${encodeURIComponent(record.model)}/promote`
        const reply = await api.ask("POST /v1/models/promote", { path, body: force ? { force } : {} })
        if (!reply.ok) parts.notices.failed(reply)
        await readAll()
      })
    }
  }
}
