import { renamedPattern } from '../../schema/redis/glob.js'
import type { Operation } from '../../schema/redis/operations.js'
import type { Client } from './driver.js'
import { answerOf, primariesOf } from './nodes.js'

const BATCH = 5_000

/**
 * Some keys that have a renaming's new names before it begins: what undoes it would rename them as well. None for what
 * may have them.
 * @param goesOn asked between two batches
 */
export async function takenNames(
  { pattern, action }: Extract<Operation, { kind: 'keys' }>,
  client: Client,
  own: string,
  { most, goesOn }: { readonly most: number; readonly goesOn: () => boolean },
): Promise<string[]> {
  if (action.name !== 'RENAME' || action.taken !== 'REFUSE') return []
  const taken = renamedPattern(pattern, action.to)
  const names: string[] = []
  for (const node of await primariesOf(client)) {
    let cursor = '0'
    do {
      const from = cursor
      const [next, keys] = await answerOf(client, node, () => node.scan(from, 'MATCH', taken, 'COUNT', BATCH))
      names.push(...keys.filter((key) => !key.startsWith(own)))
      if (names.length >= most || !goesOn()) return names.slice(0, most)
      cursor = next
    } while (cursor !== '0')
  }
  return names
}
