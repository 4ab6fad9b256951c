import { layer } from "@effect/vitest"
import { Layer } from "effect"
import type { Engine } from "../../src/model/Engine.ts"
import { LeakPolicy } from "../../src/model/Engine.ts"
import { computesNewerBlocks } from "./engineContract/blocks.ts"
import { trainsSeveralColumns } from "./engineContract/columns.ts"
import { failuresAreTyped } from "./engineContract/failures.ts"
import { freezesWhatIsFrozen } from "./engineContract/freezing.ts"
import { gradientsAreSlopes } from "./engineContract/gradients.ts"
import { trainingsGoOn } from "./engineContract/interruption.ts"
import { agreesWithTorchvision } from "./engineContract/backbones.ts"
import { agreesWithOnnxruntime } from "./engineContract/onnxruntime.ts"
import { agreesWithPyTorch } from "./engineContract/pyTorch.ts"
import { sessionsKeepTheirState } from "./engineContract/sessions.ts"
import { learnsFromSecondClasses } from "./engineContract/softened.ts"
import { averagesEpochs } from "./engineContract/swa.ts"
import { learnsFromTeachers } from "./engineContract/teacher.ts"
import { engineKeepsWhatIsNoNumber } from "./engineContract/windows.ts"

/**
 * Declares the tests that every Layer of `Engine` must pass; a tensor that outlives its step fails them. `brief` skips
 * those that take minutes on a graphics card that is played by a processor; `withoutLarge` the largest networks, which take
 * minutes in plain TypeScript.
 */
export const engineContract = <E>(
  name: string,
  engine: Layer.Layer<Engine, E>,
  { brief = false, withoutLarge = false } = {}
) =>
  layer(Layer.provideMerge(engine, Layer.succeed(LeakPolicy, "fail")))(`the ${name} engine`, (it) => {
    agreesWithPyTorch(it, brief)
    computesNewerBlocks(it)
    agreesWithTorchvision(it, brief, withoutLarge)
    agreesWithOnnxruntime(it)
    trainsSeveralColumns(it)
    learnsFromTeachers(it)
    learnsFromSecondClasses(it)
    averagesEpochs(it)
    gradientsAreSlopes(it, brief)
    engineKeepsWhatIsNoNumber(it)
    freezesWhatIsFrozen(it)
    sessionsKeepTheirState(it, brief)
    trainingsGoOn(it)
    failuresAreTyped(it)
  })
