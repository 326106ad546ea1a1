import type { Linter } from '../../backend/index.js'
import type { Document } from '../../schema/mongo/ejson.js'
import { HazardFinder } from '../../schema/mongo/hazards.js'
import type { JsonNode } from '../../schema/mongo/json.js'
import { commandOf, placeOf } from './statements.js'

export function mongoLinter(): Linter {
  const finder = new HazardFinder()
  return {
    look(statement, revision) {
      // In batches an empty filter is what is meant.
      if (statement.backfill !== undefined) return []
      const { node, plain } = commandOf(statement.text)
      return finder
        .of(JSON.parse(plain) as Document, revision)
        .map(({ path, ...hazard }) => ({ ...hazard, position: placeOf(statement, offsetOf(node, path)) }))
    },
  }
}

/** Of what is at the end of the path, or as far on it as there is something. */
function offsetOf(node: JsonNode, [step, ...rest]: readonly (string | number)[]): number {
  const next =
    node.kind === 'array' && typeof step === 'number'
      ? node.items[step]
      : node.kind === 'object'
        ? node.fields.find(({ name }) => name === step)?.value
        : undefined
  return next === undefined ? node.offset : offsetOf(next, rest)
}
