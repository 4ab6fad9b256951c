/** What was thrown, in words: a library may throw anything. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
