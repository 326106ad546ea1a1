import { createHash } from 'node:crypto'
import { MigrateError } from '../../core/errors.js'
import type { Operation } from '../../schema/redis/operations.js'
import type { Client } from './driver.js'
import { nodesOf } from './keys.js'
import type { RedisMetadata } from './metadata.js'

type FunctionOperation = Extract<Operation, { kind: 'function-load' | 'function-unload' }>

/** What a load has replaced is kept under the code that it has loaded. */
const fieldOf = ({ library, code }: FunctionOperation): string =>
  `function ${library} ${createHash('sha256').update(code).digest('hex')}`

/** What stood there before: a library's code, or none. */
interface Kept {
  readonly code: string | null
}

/** Loads a library and keeps the one that it replaces, or puts that one back. In a cluster on every primary. */
export async function runFunction(
  client: Client,
  metadata: RedisMetadata,
  operation: FunctionOperation,
): Promise<void> {
  const { library, code } = operation
  const field = fieldOf(operation)
  if (operation.kind === 'function-load') {
    const before = await codeOf(client, library)
    // Loaded already by a run that ended before it could say so: what it replaced was kept then.
    if (before !== code || (await keptOf(metadata, field)) === null) {
      await metadata.change([{ kind: 'set', hash: 'kept', field, value: JSON.stringify({ code: before }) }])
    }
    await load(client, code)
    return
  }
  const kept = await keptOf(metadata, field)
  const present = await codeOf(client, library)
  if (present !== code && present !== kept?.code) throw changedSince(library)
  if (kept === null) throw nothingKept(library)
  if (kept.code !== null) await load(client, kept.code)
  else if (present !== null) {
    for (const node of nodesOf(client)) await node.call('FUNCTION', 'DELETE', library)
  }
  await metadata.change([{ kind: 'unset', hash: 'kept', field }])
}

/** Whether a step of an earlier run was done; the server has the code. */
export async function observeFunction(
  client: Client,
  metadata: RedisMetadata,
  operation: FunctionOperation,
): Promise<'applied' | 'not-applied' | 'unknown'> {
  const present = await codeOf(client, operation.library)
  if (operation.kind === 'function-load') return present === operation.code ? 'applied' : 'not-applied'
  if (present === operation.code) return 'not-applied'
  const kept = await keptOf(metadata, fieldOf(operation))
  return kept !== null && kept.code === present ? 'applied' : 'unknown'
}

/** What a step would do to what is there. */
export async function foreseeFunction(client: Client, operation: FunctionOperation): Promise<string | null> {
  if (operation.kind === 'function-unload') return null
  const present = await codeOf(client, operation.library)
  if (present === null) return `there is no library ${operation.library} yet`
  return present === operation.code
    ? 'the same library is there already'
    : `replaces the library ${operation.library} that is there`
}

async function load(client: Client, code: string): Promise<void> {
  for (const node of nodesOf(client)) await node.call('FUNCTION', 'LOAD', 'REPLACE', code)
}

async function codeOf(client: Client, library: string): Promise<string | null> {
  const [node] = nodesOf(client)
  if (node === undefined) return null
  const answer = await node.call('FUNCTION', 'LIST', 'LIBRARYNAME', library, 'WITHCODE')
  const [found] = answer as unknown[][]
  if (found === undefined) return null
  const at = found.indexOf('library_code')
  const code = found[at + 1]
  return at === -1 || typeof code !== 'string' ? null : code
}

async function keptOf(metadata: RedisMetadata, field: string): Promise<Kept | null> {
  const value = await metadata.field('kept', field)
  if (value === null) return null
  const { code } = JSON.parse(value) as Partial<Kept>
  return { code: code ?? null }
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
