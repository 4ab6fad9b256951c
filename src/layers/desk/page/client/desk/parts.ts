/** The parts of the desk as they know each other: each is a file beside this one, and none holds what another changes. */
import type { View } from "../keys.ts"
import type { Audit } from "./audit.ts"
import type { Counts } from "./counts.ts"
import type { GridView } from "./grid.ts"
import type { Models } from "./models.ts"
import type { Notices } from "./notices.ts"
import type { Sending } from "./sending.ts"
import type { Queue } from "./queue.ts"
import type { SignIn } from "./signIn.ts"
import type { State } from "./state.ts"
import type { World } from "./world.ts"

export interface Parts {
  readonly world: World
  readonly state: State
  readonly notices: Notices
  readonly signIn: SignIn
  readonly counts: Counts
  readonly queue: Queue
  readonly sending: Sending
  readonly grid: GridView
  readonly audit: Audit
  readonly models: Models
  /** Shows a view from its beginning. */
  readonly enter: (view: View) => void
}
