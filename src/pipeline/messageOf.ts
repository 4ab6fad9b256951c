/** The message of an exception: a library may throw anything. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
