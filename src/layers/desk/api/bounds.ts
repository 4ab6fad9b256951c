/** How much one request may ask for. */
import { Schema } from "effect"

export const count = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most }))

/** Most images of one request. */
export const mostImages = 64
/** Most items that are leased at once, and that one key confirms. */
export const mostTasks = 200
