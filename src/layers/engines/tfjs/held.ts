import * as tf from "@tensorflow/tfjs-core"

/** Runs something, and gives what it made and did not free beside its result: it stays until the `tf.tidy` around ends. */
export const held = <A>(run: () => A): { readonly result: A; readonly made: ReadonlyArray<tf.Tensor> } => {
  const engine = tf.engine()
  let made: ReadonlyArray<tf.Tensor> = []
  engine.startScope("held")
  try {
    const result = run()
    made = engine.state.activeScope.track.filter(({ isDisposed }) => !isDisposed)
    return { result, made }
  } finally {
    engine.endScope([...made])
  }
}
