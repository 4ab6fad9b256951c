/** The desk's page: its files by their paths. */
export const deskPage: {
  readonly files: ReadonlyMap<string, { readonly type: string; readonly bytes: Uint8Array }>
} = {
  files: new Map([
    [
      "/",
      {
        type: "text/html; charset=utf-8",
        bytes: new TextEncoder().encode('<!doctype html><html lang="en"><title>Weft desk</title><h1>Weft desk</h1>')
      }
    ]
  ])
}
