import type { Reporter, TestCase } from "vitest/node"

/** Prints each test as a JSON line when it is done: a time limit loses none of those before it. */
// oxlint-disable-next-line import/no-default-export -- vitest takes the default export of a reporter that is named to it
export default class EachTest implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { errors, state } = test.result()
    const ms = Math.round(test.diagnostic()?.duration ?? 0)
    const why = errors?.map(({ message }) => message.slice(0, 500))
    process.stdout.write(`\n${JSON.stringify({ test: test.fullName, state, ms, ...(why !== undefined && { why }) })}\n`)
  }
}
