import { Effect } from "effect"
import { EngineUnavailable } from "../../../model/Engine.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"

interface Options<Key, Backend> {
  readonly engine: string
  /** What stands before the reason where it does not open, and what helps. */
  readonly technology: string
  readonly cure: string
  readonly open: (key: Key) => Promise<Backend>
  readonly close: (backend: Backend) => void
  /** Why a backend that is open does not serve who asks for another; it serves without a reason. */
  readonly refusal?: (open: Key, wanted: Key) => string | undefined
}

/** TensorFlow.js has one backend of a name in a process: engines that are open at the same time share it. */
export class SharedBackend<Key, Backend> {
  readonly #options: Options<Key, Backend>
  #open: { readonly key: Key; readonly backend: Promise<Backend> } | undefined
  #users = 0

  constructor(options: Options<Key, Backend>) {
    this.#options = options
  }

  /** The backend, until the Scope closes; the last Scope closes the backend. */
  use(key: Key) {
    const { cure, engine, technology } = this.#options
    return Effect.acquireRelease(
      Effect.tryPromise({
        try: () => this.#take(key),
        catch: (cause) => new EngineUnavailable({ engine, reason: `${technology}: ${messageOf(cause)}`, cure })
      }).pipe(Effect.onError(() => this.#release)),
      () => this.#release
    )
  }

  /** Keeps the open backend until the Scope closes, which may be later than that of the engine: a session's tensors are in it. */
  readonly keep = Effect.acquireRelease(
    Effect.sync(() => {
      this.#users++
    }),
    () => this.#release
  )

  #take(key: Key): Promise<Backend> {
    this.#users++
    this.#open ??= { key, backend: this.#options.open(key) }
    const refusal = this.#options.refusal?.(this.#open.key, key)
    if (refusal !== undefined) throw new Error(refusal)
    return this.#open.backend
  }

  readonly #release = Effect.promise(async () => {
    if (--this.#users > 0) return
    const open = this.#open
    this.#open = undefined
    // Where it never opened, there is nothing to close.
    await open?.backend.then(
      (backend) => this.#options.close(backend),
      () => {}
    )
  })
}
