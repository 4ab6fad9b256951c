/** What was thrown, for people: an error's message, or the value itself. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
