/** One file of an export, in its folder. */
export interface ExportFile {
  readonly name: string
  readonly content: Uint8Array | string
}
