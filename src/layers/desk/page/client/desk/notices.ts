/** Messages of the page: some go by themselves, others stay until somebody has read them. */
import type { Refusal } from "../api.ts"
import { texts } from "../texts.ts"
import type { Parts } from "./parts.ts"
import type { Notice } from "./state.ts"

export interface Notices {
  readonly say: (text: string, kind?: Notice["kind"], waiting?: string | null) => void
  readonly dismiss: (id: number) => void
  /** All but those about an answer that waits. */
  readonly dismissAll: () => void
  /** Says why a request failed, or asks to sign in where that is why. */
  readonly failed: (refusal: Refusal) => void
}

/** How long an `info` stays, in milliseconds. */
const patience = 5000

export const noticesOf = (parts: Parts): Notices => {
  const { state, world } = parts
  let count = 0

  const dismiss = (id: number) => {
    state.notices = state.notices.filter((one) => one.id !== id)
    world.changed()
  }
  const say: Notices["say"] = (text, kind = "info", waiting = null) => {
    count += 1
    const id = count
    state.notices = [...state.notices.filter((one) => one.text !== text).slice(-4), { id, text, kind, waiting }]
    if (kind === "info") world.after(patience, () => dismiss(id))
    world.changed()
  }
  return {
    say,
    dismiss,
    dismissAll: () => {
      state.notices = state.notices.filter(({ waiting }) => waiting !== null)
      world.changed()
    },
    failed: ({ error, status }) => {
      if (status === 401) return parts.signIn.again()
      say(
        texts.notices.failed(error.message ?? error.detail ?? (status === 0 ? texts.unreachable : `HTTP ${status}`)),
        "problem"
      )
    }
  }
}
