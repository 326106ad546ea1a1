import { createHash } from 'node:crypto'
import { MigrateError } from '../../core/errors.js'
import type { Operation } from '../../schema/redis/operations.js'
import type { Client, Redis } from './driver.js'
import type { RedisMetadata } from './metadata.js'
import { answerOf, primariesOf } from './nodes.js'

type FunctionOperation = Extract<Operation, { kind: 'function-load' | 'function-unload' }>

export const isFunction = (operation: Operation): operation is FunctionOperation =>
  operation.kind === 'function-load' || operation.kind === 'function-unload'

/** What a load has replaced is kept under the code that it has loaded. */
const fieldOf = ({ library, code }: FunctionOperation): string =>
  `function ${library} ${createHash('sha256').update(code).digest('hex')}`

/** What stood there before, the newest last: a library's code, or none. The same code may be loaded more than once. */
type Kept = readonly (string | null)[]

/** Loads a library and keeps the one that it replaces, or puts that one back. In a cluster on every primary. */
export async function runFunction(
  client: Client,
  metadata: RedisMetadata,
  operation: FunctionOperation,
): Promise<void> {
  const { library, code } = operation
  const field = fieldOf(operation)
  if (operation.kind === 'function-load') {
    const { nodes, codes } = await presentOn(client, library)
    const [before = null] = codes
    const kept = await keptOf(metadata, field)
    // A run that ended before it could say so has kept it already, and perhaps loaded the new one.
    if (kept.length === 0 || (before !== code && before !== kept.at(-1))) {
      await keep(metadata, field, [...kept, before])
    }
    await load(client, nodes, code)
    return
  }
  const kept = await keptOf(metadata, field)
  const before = kept.at(-1)
  const { nodes, codes } = await presentOn(client, library)
  if (codes.some((one) => one !== code && one !== before)) throw changedSince(library)
  if (before === undefined) throw nothingKept(library)
  if (before !== null) await load(client, nodes, before)
  else {
    for (const [at, node] of nodes.entries()) {
      if (codes[at] !== null) await answerOf(client, node, () => node.call('FUNCTION', 'DELETE', library))
    }
  }
  await keep(metadata, field, kept.slice(0, -1))
}

/** Whether a step of an earlier run was done; the server has the code. */
export async function observeFunction(
  client: Client,
  metadata: RedisMetadata,
  operation: FunctionOperation,
): Promise<'applied' | 'not-applied' | 'unknown'> {
  const { code, kind } = operation
  const { codes: present } = await presentOn(client, operation.library)
  if (kind === 'function-load') return present.every((one) => one === code) ? 'applied' : 'not-applied'
  const before = (await keptOf(metadata, fieldOf(operation))).at(-1)
  if (present.every((one) => one === before)) return 'applied'
  return present.every((one) => one === code || one === before) ? 'not-applied' : 'unknown'
}

/** What a step would do to what is there. */
export async function foreseeFunction(client: Client, operation: FunctionOperation): Promise<string | null> {
  if (operation.kind === 'function-unload') return null
  const [present = null] = (await presentOn(client, operation.library)).codes
  if (present === null) return `there is no library ${operation.library} yet`
  return present === operation.code
    ? 'the same library is there already'
    : `replaces the library ${operation.library} that is there`
}

async function load(client: Client, nodes: readonly Redis[], code: string): Promise<void> {
  for (const node of nodes) await answerOf(client, node, () => node.call('FUNCTION', 'LOAD', 'REPLACE', code))
}

/** What each primary has: a run that was killed may have come to some of them. */
async function presentOn(
  client: Client,
  library: string,
): Promise<{ nodes: readonly Redis[]; codes: readonly (string | null)[] }> {
  const nodes = await primariesOf(client)
  const codes = await Promise.all(
    nodes.map(async (node) => {
      const answer = await answerOf(client, node, () =>
        node.call('FUNCTION', 'LIST', 'LIBRARYNAME', library, 'WITHCODE'),
      )
      const [found] = answer as unknown[][]
      if (found === undefined) return null
      const at = found.indexOf('library_code')
      const code = found[at + 1]
      return at === -1 || typeof code !== 'string' ? null : code
    }),
  )
  return { nodes, codes }
}

async function keptOf(metadata: RedisMetadata, field: string): Promise<Kept> {
  const value = await metadata.field('kept', field)
  return value === null ? [] : (JSON.parse(value) as Kept)
}

async function keep(metadata: RedisMetadata, field: string, kept: Kept): Promise<void> {
  await metadata.change([
    kept.length === 0
      ? { kind: 'unset', hash: 'kept', field }
      : { kind: 'set', hash: 'kept', field, value: JSON.stringify(kept) },
  ])
}

function changedSince(library: string): MigrateError {
  return new MigrateError(
    'MIG-STATEMENT-FAILED',
    `The library ${library} is not the one that this revision has loaded: somebody has changed it since.`,
    { hint: `Look at it with: FUNCTION LIST LIBRARYNAME ${library} WITHCODE` },
  )
}

function nothingKept(library: string): MigrateError {
  return new MigrateError(
    'MIG-STATEMENT-FAILED',
    `Nothing is known of what the library ${library} was before.`,
    { hint: 'Load what should be there with FUNCTION LOAD REPLACE, or delete it with FUNCTION DELETE.' },
  )
}
