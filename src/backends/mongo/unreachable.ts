import type { MongoClient, TopologyDescriptionChangedEvent } from 'mongodb'

/** A server that cannot be reached, and why. */
export interface Unreached {
  readonly address: string
  readonly message: string
}

/** None of the servers that the driver knows of can be reached. */
export class Unreachable extends Error {
  readonly servers: readonly Unreached[]
  /** Whether they are named so by the replica set itself, and not by the URL. */
  readonly named: boolean

  constructor(servers: readonly Unreached[], named: boolean) {
    super(servers.map(({ message }) => message).join('; '))
    this.servers = servers
    this.named = named
  }
}

interface Watch {
  /** Rejects with {@link Unreachable}; never resolves. */
  readonly failed: Promise<never>
  end(): void
}

/**
 * The driver asks servers that cannot be reached again and again until its time is over, though who mistyped a host, or
 * whose server is down, could be told at once. One that answers, or has not been asked yet, may still be the one.
 */
export function watchServers(client: MongoClient): Watch {
  let end = (): void => undefined
  const failed = new Promise<never>((_, reject) => {
    const look = ({ newDescription }: TopologyDescriptionChangedEvent): void => {
      const unreached = unreachedIn(newDescription.servers)
      if (unreached === null) return
      const seeds = new Set(client.options.hosts.map(String))
      reject(
        new Unreachable(
          unreached,
          unreached.some(({ address }) => !seeds.has(address)),
        ),
      )
    }
    client.on('topologyDescriptionChanged', look)
    end = () => client.off('topologyDescriptionChanged', look)
  })
  // Whoever waits for it is told; nobody may.
  failed.catch(() => undefined)
  return { failed, end: () => end() }
}

/** What is known of one server: the driver's description, of whichever of its versions. */
interface Described {
  readonly type?: unknown
  readonly error?: unknown
}

/**
 * Null where one may yet answer, or has.
 * @param silent what is said of one that has said nothing, once nobody waits any more
 */
function unreachedIn(servers: ReadonlyMap<string, Described>, silent?: string): Unreached[] | null {
  const unreached: Unreached[] = []
  for (const [address, { type, error }] of servers) {
    const isHeard = error instanceof Error && error.name.startsWith('MongoNetwork')
    if (type !== 'Unknown' || (!isHeard && silent === undefined)) return null
    unreached.push({ address, message: isHeard ? error.message : (silent ?? '') })
  }
  return unreached.length === 0 ? null : unreached
}

export const NO_ANSWER = 'no answer'

/** What the driver's own error says of them, when its time was over; null where one has answered. */
export function unreachedOf(error: unknown): readonly Unreached[] | null {
  if (error instanceof Unreachable) return error.servers
  const { reason, message } = (error ?? {}) as { readonly reason?: unknown; readonly message?: unknown }
  const { servers } = (reason ?? {}) as { readonly servers?: unknown }
  if (!(servers instanceof Map)) return null
  const time = /timed out after (\d+ ms)/.exec(String(message))?.[1]
  const silent = time === undefined ? NO_ANSWER : `${NO_ANSWER} within ${time}`
  return unreachedIn(servers as Map<string, Described>, silent)
}
