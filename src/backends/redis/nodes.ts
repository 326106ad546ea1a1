import { createHash } from 'node:crypto'
import { isCluster, type Client, type Redis } from './driver.js'

/** The primaries of a cluster, or the one server. */
export function nodesOf(client: Client): Redis[] {
  return isCluster(client) ? client.nodes('master') : [client]
}

/** With replicas, to which a command may be led when they take over. */
export const everyNode = (client: Client): Redis[] => (isCluster(client) ? client.nodes('all') : [client])

export const nameOf = (node: Redis): string => `${node.options.host ?? ''}:${node.options.port ?? ''}`

/**
 * Which slots each primary has, as it says of itself, and since which epoch; nothing outside a cluster. The epoch of the
 * cluster alone does not do: it stays when a slot moves to the primary that has the highest one already.
 */
export async function epochOf(client: Client): Promise<string> {
  if (!isCluster(client)) return ''
  const nodes = await Promise.all(
    client.nodes('master').map(async (node) => ownLine(String(await node.call('CLUSTER', 'NODES')))),
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
