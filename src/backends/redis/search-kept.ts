import { createHash } from 'node:crypto'
import type { SearchOperation } from '../../schema/redis/search.js'
import type { RedisMetadata } from './metadata.js'

/** What is written down before an index is made. */
export interface Kept {
  /** The index that the alias had; null when there was no such alias. */
  readonly before: string | null
  /** SHA-256 of the definition that it is made by: an index of another one is not this step's. */
  readonly of: string
}

/** An index that has had the alias, and one that never had it: the same may be both, one after the other. */
const nameOf = ({ alias, index }: SearchOperation, way: 'build' | 'create'): string =>
  `search ${way} ${JSON.stringify([alias, index])}`

const wayOf = ({ action }: SearchOperation): 'build' | 'create' =>
  action === 'BUILD' || action === 'UNBUILD' ? 'build' : 'create'

/** What tells one definition from another. */
export const digestOf = ({ definition }: SearchOperation): string =>
  createHash('sha256').update(JSON.stringify(definition)).digest('hex')

export async function keptOf(metadata: RedisMetadata, operation: SearchOperation): Promise<Kept | null> {
  const value = await metadata.field('kept', nameOf(operation, wayOf(operation)))
  return value === null ? null : (JSON.parse(value) as Kept)
}

export async function keep(metadata: RedisMetadata, operation: SearchOperation, kept: Kept): Promise<void> {
  const field = nameOf(operation, wayOf(operation))
  await metadata.change([{ kind: 'set', hash: 'kept', field, value: JSON.stringify(kept) }])
}

/** What is known of an index that is not there any more. Of one that had the alias `DROP` leaves it, for the way back. */
export async function forget(metadata: RedisMetadata, operation: SearchOperation): Promise<void> {
  const ways = operation.action === 'UNBUILD' ? (['build', 'create'] as const) : (['create'] as const)
  await metadata.change(
    ways.map((way) => ({ kind: 'unset', hash: 'kept', field: nameOf(operation, way) }) as const),
  )
}
