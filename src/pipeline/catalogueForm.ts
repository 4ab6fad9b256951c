import type { DataConfig } from "./DataConfig.ts"

/** What a catalogue is read from. */
export type CatalogueForm = "csv" | "folders" | "jsonl" | "parquet"

/** The keys of `data` that say what is read. */
export type CatalogueKeys = Pick<DataConfig, "csv" | "folders" | "jsonl" | "parquet">

export const formOf = ({ folders, jsonl, parquet }: CatalogueKeys): CatalogueForm =>
  folders === true ? "folders" : jsonl !== undefined ? "jsonl" : parquet !== undefined ? "parquet" : "csv"

/** What would mend a catalogue that is not found where it is looked for. */
export const findIt: Readonly<Record<CatalogueForm, string>> = {
  csv: "Set `data.root` to your catalogue's folder, and `data.csv` to the name of the CSV file in it.",
  folders: "Set `data.root` to the folder that has a folder of images for each class.",
  jsonl: "Set `data.root` to your catalogue's folder, and `data.jsonl` to the name of the JSON lines file in it.",
  parquet: "Set `data.root` to your catalogue's folder, and `data.parquet` to the name of the Parquet file in it."
}
