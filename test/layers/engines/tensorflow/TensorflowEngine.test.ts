import { describe } from "@effect/vitest"
import { backendFolder, readInstalled } from "../../../../src/layers/backend/BackendFolder.ts"
import { layer } from "../../../../src/layers/engines/tensorflow/TensorflowEngine.ts"
import { engineContract } from "../../../model/engineContract.ts"

describe.skipIf(readInstalled(backendFolder()) === undefined)("with the backend installed (pnpm backend:install)", () =>
  engineContract("tensorflow", layer)
)
