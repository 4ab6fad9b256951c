import { describe } from "@effect/vitest"
import { Rows } from "../../src/pipeline/Rows.ts"
import { rowsContract } from "./rowsContract.ts"

describe("Rows in memory", () => {
  rowsContract(
    (table) => Rows.layerMemory(new Map(table === undefined ? [] : [["/catalogue/list.csv", table]])),
    () => "/catalogue"
  )
})
