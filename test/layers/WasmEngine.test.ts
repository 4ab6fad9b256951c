import { layer } from "../../src/layers/WasmEngine.ts"
import { engineContract } from "../model/engineContract.ts"

engineContract("wasm", layer)
