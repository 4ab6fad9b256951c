/** The last part of a folder's path. */
export const lastOf = (path: string): string => path.split(/[/\\]/).findLast((part) => part !== "") ?? path
