import { layer } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { engineContract } from "../../../model/engineContract.ts"

engineContract("wasm", layer)
