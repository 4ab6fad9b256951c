import { Layer } from "effect"
import * as WasmEngine from "../../src/layers/engines/wasm/WasmEngine.ts"
import * as EngineFeatures from "../../src/model/EngineFeatures.ts"
import { featuresContract } from "./featuresContract.ts"

featuresContract("the engine wasm", EngineFeatures.layer.pipe(Layer.provide(WasmEngine.layer)))
