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

/** Null where one may yet answer, or has. */
function unreachedIn(servers: ReadonlyMap<string, Described>): Unreached[] | null {
  const unreached: Unreached[] = []
  for (const [address, { type, error }] of servers) {
    if (type !== 'Unknown' || !(error instanceof Error) || !error.name.startsWith('MongoNetwork')) return null
    unreached.push({ address, message: error.message })
  }
  return unreached.length === 0 ? null : unreached
}

/** What the driver's own error says of them, when its time was over; null where one has answered. */
export function unreachedOf(error: unknown): readonly Unreached[] | null {
  if (error instanceof Unreachable) return error.servers
  const { reason } = (error ?? {}) as { readonly reason?: unknown }
  const { servers } = (reason ?? {}) as { readonly servers?: unknown }
  return servers instanceof Map ? unreachedIn(servers as Map<string, Described>) : null
}
