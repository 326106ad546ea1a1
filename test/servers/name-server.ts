import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer {
  readonly address: string
  close(): Promise<void>
}

const SRV = 33
const NO_SUCH_NAME = 3

/** A name server that knows SRV records alone: the service's name, and the host and port that it leads to. */
export async function nameServer(
  services: ReadonlyMap<string, { readonly host: string; readonly port: number }>,
): Promise<NameServer> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const { name, type, end } = questionOf(query)
    const found = type === SRV ? services.get(name) : undefined
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(0x8180 | (found === undefined ? NO_SUCH_NAME : 0), 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(found === undefined ? 0 : 1, 6)
    const answer = found === undefined ? Buffer.alloc(0) : recordOf(found.host, found.port)
    socket.send(Buffer.concat([head, query.subarray(12, end), answer]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** Points back to the question's name. */
function recordOf(host: string, port: number): Buffer {
  const labels = host.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  const target = Buffer.concat([...labels, Buffer.from([0])])
  const head = Buffer.alloc(18)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(SRV, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(6 + target.length, 10)
  head.writeUInt16BE(port, 16)
  return Buffer.concat([head, target])
}
