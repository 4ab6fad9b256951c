/** What is measured, from counts or from stored predictions, and a run's report. */
export * as Confusion from "../metrics/Confusion.ts"
export * as Evaluation from "../metrics/Evaluation.ts"
export { metrics, metricText, metricValues, valueIn } from "../metrics/metrics.ts"
export type { MetricPath, MetricValues } from "../metrics/metrics.ts"
export { EpochRecord, Receipt, Report, TestReport } from "../metrics/Report.ts"
export { scores } from "../metrics/scores.ts"
