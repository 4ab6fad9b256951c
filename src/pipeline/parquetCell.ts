/** Bytes in a cell of a Parquet file. */
export interface ParquetCell {
  readonly file: string
  /** From 0. */
  readonly row: number
  readonly column: string
}

/** The path that names a cell's bytes as an image: `train.parquet#12/image.bytes`. */
export const cellPath = ({ column, file, row }: ParquetCell): string => `${file}#${row}/${column}`

/** The cell that a path names; undefined of the path of a file. */
export const parquetCell = (path: string): ParquetCell | undefined => {
  const [, file, row, column] = /^(.*\.parquet)#(\d{1,15})\/(.+)$/is.exec(path) ?? []
  return file === undefined || row === undefined || column === undefined
    ? undefined
    : { file, row: Number(row), column }
}
