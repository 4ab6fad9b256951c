import { Effect, Schema } from "effect"
import type { Ledger } from "../../pipeline/Ledger.ts"
import { RefusalLines } from "../../pipeline/Ledger.ts"

/** A ledger as `ledger.jsonl` keeps it. */
export const ledgerText = ({ refusals }: Pick<Ledger, "refusals">): Effect.Effect<string> =>
  // Refusals of ours can be encoded.
  Effect.orDie(Schema.encodeEffect(RefusalLines)(refusals))
