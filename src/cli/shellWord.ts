/** A word as a POSIX shell takes it whole: as it is where nothing in it means anything to a shell, else in quotes. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
