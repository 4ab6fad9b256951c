/** Who works here: the first facts of the server, signing in, and signing in again when a session is over. */
import * as Tagging from "../tagging.ts"
import { waitAfter } from "../outbox.ts"
import { texts } from "../texts.ts"
import type { Parts } from "./parts.ts"

export interface SignIn {
  /** Reads who works here, and begins; tries again where the server does not answer. */
  readonly start: () => Promise<void>
  readonly signIn: (token: string) => Promise<void>
  readonly signOut: () => Promise<void>
  /** The session is over: asks for a token, and keeps everything else. */
  readonly again: () => void
  /** Reads what the page needs before all else; false where it could not. */
  readonly readFacts: () => Promise<boolean>
}

export const signInOf = (parts: Parts): SignIn => {
  const { state, world } = parts
  const { api } = world

  const again = () => {
    if (state.phase === "signIn") return
    state.phase = "signIn"
    state.signIn = { message: state.facts === null ? null : texts.signIn.again, busy: false }
    world.changed()
  }

  const readFacts = async (): Promise<boolean> => {
    const reply = await api.ask("GET /v1/desk")
    if (!reply.ok) {
      if (reply.status === 401) {
        again()
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

  const start = async () => {
    if (!(await readFacts())) return
    state.phase = "ready"
    parts.sending.open()
    parts.queue.open()
    void parts.counts.readClasses()
    void parts.counts.readProgress()
    void parts.sending.pump()
    world.changed()
    parts.enter(state.view)
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
      parts.queue.forgetAll()
    }
    await start()
  }

  return {
    start,
    signIn,
    again,
    readFacts,
    signOut: async () => {
      if (api.csrf === null) return
      await api.ask("DELETE /v1/session")
      state.phase = "signIn"
      state.signIn = { message: null, busy: false }
      world.changed()
    }
  }
}
