import type { Redis } from './driver.js'

/** What FT.INFO says of an index, in the words of RediSearch or of valkey-search. */
export interface IndexInfo {
  /** Its own, also where it was asked for by an alias. */
  readonly name: string
  readonly building: boolean
  /** Of the keys, from 0 to 1. */
  readonly share: number
  /** Keys that do not fit its schema. */
  readonly failures: number
  /** Why it is not built to its end; null when it is. */
  readonly givenUp: string | null
  /** Words to say behind the share; empty when it goes on. */
  readonly paused: string
}

/** How servers say that there is none: the wording has changed with every other version. */
const ABSENT = /unknown index name|no such index|index not found|\bnot found\b|SEARCH_INDEX_NOT_FOUND/i

/** By its name or an alias of it; null when there is none. */
export async function infoOfIndex(client: Redis, name: string): Promise<IndexInfo | null> {
  let answer: unknown
  try {
    answer = await client.call('FT.INFO', name)
  } catch (error) {
    if (error instanceof Error && ABSENT.test(error.message)) return null
    throw error
  }
  const fields = fieldsOf(answer)
  const text = (field: string): string => {
    const value = fields.get(field)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const state = text('state')
  const status = fieldsOf(fields.get('Index Errors')).get('background indexing status')
  return {
    name: text('index_name'),
    building:
      text('indexing') === '1' ||
      text('backfill_in_progress') === '1' ||
      state.startsWith('backfill') ||
      Number(text('percent_indexed') || 1) < 1,
    share: Number(text('percent_indexed') || text('backfill_complete_percent') || 1),
    failures: Number(text('hash_indexing_failures') || 0),
    givenUp: typeof status === 'string' && status !== 'OK' ? status : null,
    paused: state === 'backfill_paused_by_oom' ? '; the server has paused it, for want of memory' : '',
  }
}

/** Names and values in turn. */
function fieldsOf(answer: unknown): Map<string, unknown> {
  const fields = new Map<string, unknown>()
  if (!Array.isArray(answer)) return fields
  for (let at = 0; at + 1 < answer.length; at += 2) fields.set(String(answer[at]), answer[at + 1])
  return fields
}
