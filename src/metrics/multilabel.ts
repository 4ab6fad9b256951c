/** A network's logits of some samples in a label column with several values, and which classes apply. */
export interface MultilabelPredictions {
  readonly classes: number
  /** (samples, classes), row by row; each one's sigmoid is the probability that the class applies. */
  readonly logits: Float32Array
  /** (samples, classes), row by row: 1 where the class applies, 0 elsewhere. */
  readonly labels: Uint8Array
}
