import { setTimeout as sleep } from 'node:timers/promises'
import { MigrateError } from '../../core/errors.js'
import type { SearchOperation } from '../../schema/redis/search.js'
import { isCluster, type Client, type Redis } from './driver.js'
import type { RedisMetadata } from './metadata.js'
import { digestOf, forget, keep, keptOf, type Kept } from './search-kept.js'
import { infoOfIndex, type IndexInfo } from './search-info.js'

export interface SearchContext {
  readonly client: Client
  readonly metadata: RedisMetadata
  /** True when an earlier run of the same step did not come to its end: an index that is there may be its own. */
  readonly again: boolean
  readonly signal: AbortSignal
  readonly onNotice: ((message: string) => void) | undefined
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000
const TELL_EVERY_MS = 10_000

/**
 * Builds a search index beside the old one and moves the alias, or takes that back. Each part is looked at before it is
 * done, so that a run which ended anywhere in between is gone on with.
 */
export async function runSearch(operation: SearchOperation, context: SearchContext): Promise<void> {
  const client = single(context.client)
  switch (operation.action) {
    case 'BUILD':
      await build(client, operation, context)
      await client.call('FT.ALIASUPDATE', operation.alias, operation.index)
      return
    case 'CREATE':
      await build(client, operation, context)
      return
    case 'UNBUILD':
      await takeBack(client, operation, context.metadata)
      return
    case 'DROP':
      await drop(client, operation)
      await forget(context.metadata, operation)
  }
}

async function build(client: Redis, operation: SearchOperation, context: SearchContext): Promise<void> {
  const { alias, index, definition } = operation
  const { metadata, again } = context
  const [present, behind, kept] = await Promise.all([
    infoOfIndex(client, index),
    infoOfIndex(client, alias),
    keptOf(metadata, operation),
  ])
  const problem = problemOf(operation, present, behind, again ? kept : null)
  if (problem !== null) throw problem
  if (present === null) {
    await keep(metadata, operation, { before: behind?.name ?? null, of: digestOf(operation) })
    await client.call('FT.CREATE', index, ...definition)
  }
  await wait(client, operation, context)
}

/** What stands in the way of a new index; null when nothing does. */
function problemOf(
  operation: SearchOperation,
  present: IndexInfo | null,
  behind: IndexInfo | null,
  kept: Kept | null,
): MigrateError | null {
  const { action, alias, index } = operation
  if (behind?.name === alias && action === 'BUILD')
    return new MigrateError(
      'MIG-STATEMENT-FAILED',
      `${alias} is an index, and no alias can have the name of one.`,
      {
        hint: 'Give the alias another name, and have the application ask for that one before the old index is dropped.',
        state: 'No index was made.',
      },
    )
  if (present === null || kept?.of === digestOf(operation)) return null
  return new MigrateError('MIG-STATEMENT-FAILED', `There is an index ${index} already.`, {
    hint: `Give the new one another name; or, if nobody needs it, drop it: FT.DROPINDEX ${index}`,
    state: 'No index was made.',
  })
}

/** Until the server has looked at every key. It does so by itself, whether somebody waits or not. */
async function wait(client: Redis, { index }: SearchOperation, context: SearchContext): Promise<void> {
  const { signal, onNotice } = context
  let told = performance.now()
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const info = await infoOfIndex(client, index)
    if (info === null)
      throw failed(`The index ${index} was dropped while it was built.`, 'Give the command again.')
    if (info.givenUp !== null)
      throw failed(
        `The server has given up building ${index}: ${info.givenUp}.`,
        `Give the server more memory, drop the index (FT.DROPINDEX ${index}), and give the command again.`,
      )
    if (!info.building) {
      if (info.failures > 0)
        onNotice?.(`${index} lacks ${info.failures} keys whose values do not fit its schema`)
      return
    }
    if (performance.now() - told >= TELL_EVERY_MS) {
      told = performance.now()
      onNotice?.(`${index}: ${Math.floor(100 * info.share)} % of the keys are indexed${info.paused}`)
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined)
    if (signal.aborted)
      throw new MigrateError('MIG-INTERRUPTED', `Interrupted while ${index} was built.`, {
        state: 'The server goes on building it; the next run waits for it and moves the alias.',
      })
  }
}

async function takeBack(client: Redis, operation: SearchOperation, metadata: RedisMetadata): Promise<void> {
  const { alias, index } = operation
  const kept = await keptOf(metadata, operation)
  if (kept === null)
    throw failed(
      `Nothing is known of what ${alias} was before ${index}.`,
      'Move the alias with FT.ALIASUPDATE or FT.ALIASDEL, and drop the index with FT.DROPINDEX.',
    )
  const behind = await infoOfIndex(client, alias)
  const { before } = kept
  if (behind !== null && behind.name !== index && behind.name !== before)
    throw failed(
      `${alias} is neither ${index} nor what was before it, but ${behind.name}: somebody has moved it since.`,
      `Look at it with: FT.INFO ${alias}`,
    )
  if (before !== null && (await infoOfIndex(client, before)) === null)
    throw failed(
      `The index ${before}, which ${alias} was before, is not there any more.`,
      `Create it, or take the alias away yourself: FT.ALIASDEL ${alias}`,
    )
  if (before !== null) await client.call('FT.ALIASUPDATE', alias, before)
  else if (behind !== null) await client.call('FT.ALIASDEL', alias)
  if ((await infoOfIndex(client, index)) !== null) await client.call('FT.DROPINDEX', index)
  await forget(metadata, operation)
}

async function drop(client: Redis, { alias, index }: SearchOperation): Promise<void> {
  if ((await infoOfIndex(client, alias))?.name === index)
    throw failed(
      `${alias} is ${index}, and searches by this name would fail.`,
      `Build another index for ${alias} before.`,
    )
  // What an earlier run has dropped before it could say so.
  if ((await infoOfIndex(client, index)) !== null) await client.call('FT.DROPINDEX', index)
}

/** For recovery: whether nothing is left to be done. What is left may be done again. */
export async function observeSearch(
  operation: SearchOperation,
  client: Client,
  metadata: RedisMetadata,
): Promise<'applied' | 'not-applied'> {
  const server = single(client)
  const { action, alias, index } = operation
  const present = await infoOfIndex(server, index)
  const kept = await keptOf(metadata, operation)
  const is = (done: boolean) => (done ? 'applied' : 'not-applied')
  switch (action) {
    case 'DROP':
    case 'UNBUILD':
      return is(present === null && kept === null)
    case 'CREATE':
      return is(isDone(operation, present, kept))
    case 'BUILD':
      return is(isDone(operation, present, kept) && (await infoOfIndex(server, alias))?.name === index)
  }
}

const isDone = (operation: SearchOperation, present: IndexInfo | null, kept: Kept | null): boolean =>
  present !== null && !present.building && present.givenUp === null && kept?.of === digestOf(operation)

/** What a step would do to what is there. */
export async function foreseeSearch(operation: SearchOperation, client: Client): Promise<string | null> {
  const server = single(client)
  const { action, alias, index } = operation
  if (action === 'UNBUILD') return null
  const [present, behind] = await Promise.all([infoOfIndex(server, index), infoOfIndex(server, alias)])
  if (action === 'DROP') return behind?.name === index ? `it is refused, for ${alias} is ${index}` : null
  const problem = problemOf(operation, present, behind, null)
  if (problem !== null) return `it is refused. ${problem.message}`
  if (action === 'CREATE') return null
  return behind === null ? `there is no ${alias} yet` : `${alias} is ${behind.name} now`
}

function failed(message: string, hint: string): MigrateError {
  return new MigrateError('MIG-STATEMENT-FAILED', message, { hint })
}

/** `fit` has refused them before. */
function single(client: Client): Redis {
  if (!isCluster(client)) return client
  throw new MigrateError('MIG-UNSUPPORTED', 'Search indexes are not built in a cluster.', {
    state: 'Nothing was run.',
  })
}
