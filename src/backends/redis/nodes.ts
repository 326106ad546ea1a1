import { createHash } from 'node:crypto'
import { MigrateError } from '../../core/errors.js'
import { isCluster, type Client, type Redis } from './driver.js'
import { slotOf } from '../../schema/redis/slots.js'
import { LostNode, codeOf } from './errors.js'

/** The primaries of a cluster that the driver knows of at the moment, or the one server. */
export function nodesOf(client: Client): Redis[] {
  return isCluster(client) ? client.nodes('master') : [client]
}

/**
 * All primaries of a cluster that have slots, those among them that do not answer, or the one server. The driver forgets a
 * node whose connection has ended, and hears of one that has taken over when a command is led there: what goes by those that
 * it knows would leave their keys out, and say nothing.
 */
export async function primariesOf(client: Client): Promise<Redis[]> {
  if (!isCluster(client)) return [client]
  await new Promise<void>((resolve, reject) =>
    client.refreshSlotsCache((error) => (error instanceof Error ? reject(error) : resolve())),
  )
  return client.nodes('master')
}

/** With replicas, to which a command may be led when they take over. */
export const everyNode = (client: Client): Redis[] => (isCluster(client) ? client.nodes('all') : [client])

export const nameOf = (node: Redis): string => `${node.options.host ?? ''}:${node.options.port ?? ''}`

/**
 * Of a cluster it is told which node has not answered.
 * @throws LostNode
 */
export async function answerOf<T>(client: Client, node: Redis, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isCluster(client) && codeOf(error) === null ? new LostNode(nameOf(node), error) : error
  }
}

/** Of a cluster it is told which primary has the key, when that one has not answered. */
export function lostWith(client: Client, key: string, error: unknown): unknown {
  if (!isCluster(client) || error instanceof MigrateError || codeOf(error) !== null) return error
  // As the driver heard it last; of one that is gone nobody says anything new.
  const { slots } = client as unknown as { readonly slots?: readonly (readonly string[] | undefined)[] }
  return new LostNode(slots?.[slotOf(Buffer.from(key))]?.[0] ?? null, error, 'metadata')
}

/**
 * Which slots each primary has, as it says of itself, and since which epoch; nothing outside a cluster. The epoch of the
 * cluster alone does not do: it stays when a slot moves to the primary that has the highest one already.
 */
export async function epochOf(client: Client): Promise<string> {
  if (!isCluster(client)) return ''
  const nodes = await Promise.all(
    (await primariesOf(client)).map((node) =>
      answerOf(client, node, async () => ownLine(String(await node.call('CLUSTER', 'NODES')))),
    ),
  )
  return createHash('sha256').update(nodes.sort().join('\n')).digest('hex')
}

/** Of the line that a primary writes of itself: its name, its epoch and its slots, those on their way with where to. */
function ownLine(text: string): string {
  const words = text
    .split('\n')
    .map((line) => line.trim().split(' '))
    .find(([, , flags = '']) => flags.split(',').includes('myself'))
  return [words?.[0], ...(words?.slice(6, 7) ?? []), ...(words?.slice(8) ?? [])].join(' ')
}
