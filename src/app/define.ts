import {
  defineRevision as define,
  type Operations as Common,
  type RevisionDefinition as Definition,
  type ScriptBody as Body,
} from '../core/definition.js'
import type { BackendOperations } from '../schema/operations.js'

/** What a script is collected with. Nothing runs while it is: what must run is a step given to `op.run`. */
export type Operations = Common & BackendOperations

/** SQL, or a synchronous function that collects it. */
export type ScriptBody = Body<Operations>

/** A revision in code. `id`, `parents`, `message`, `labels` and `dependsOn` are literals: they are read without running it. */
export type RevisionDefinition = Definition<Operations>

/**
 * Defines a revision in TypeScript or JavaScript; the file exports it as its default.
 * @throws MigrateError MIG-FILE-SHAPE when something in it cannot be used
 */
export const defineRevision: (definition: RevisionDefinition) => RevisionDefinition = define
