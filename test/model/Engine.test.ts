import * as WasmEngine from "../../src/layers/WasmEngine.ts"
import { engineContract } from "./engineContract.ts"

engineContract("wasm", WasmEngine.layer)
