import { Schema } from "effect"
import { Name } from "./Item.ts"

/** Who works at the desk. An admin may also retrain, promote, roll back, export and see all of the log. */
export const Role = Schema.Literals(["operator", "admin"])
export type Role = typeof Role.Type
export const Operator = Schema.Struct({ name: Name, role: Role })
export type Operator = typeof Operator.Type
