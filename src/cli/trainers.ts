import { fileURLToPath } from "node:url"
import * as ChildTrainers from "../layers/search/ChildTrainers.ts"

/** Trainers in processes of their own, so many side by side: each runs `src/trainer.ts`. */
export const trainers = (places: number) =>
  ChildTrainers.layer({ places, program: fileURLToPath(new URL("../trainer.ts", import.meta.url)) })
