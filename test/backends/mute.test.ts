import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createMigrator } from '../../src/app/migrator.js'
import { mongodb } from '../../src/backends/mongo/index.js'
import { redis } from '../../src/backends/redis/index.js'
import { refusal } from '../app/project.js'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Takes connections and never answers, as the port of another service may. */
async function mute(): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(
    () => new Promise((done) => server.close(done)),
    () => {
      for (const socket of sockets) socket.destroy()
    },
  )
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const parts = { metadata: { prefix: 'migrate_' }, applicationName: 'test', connectTimeoutMs: 300 }

it('a server that takes the connection and says nothing is given up: Redis', async () => {
  const error = await refusal(redis.connect({ ...parts, url: `redis://${await mute()}/0` }))
  expect(error.code).toBe('MIG-CONNECT')
  expect(error.message).toContain('did not answer within 600 ms; is it a Redis?')
})

it('a server that takes the connection and says nothing is given up: MongoDB', async () => {
  const error = await refusal(mongodb.connect({ ...parts, url: `mongodb://${await mute()}/shop` }))
  expect(error.code).toBe('MIG-CONNECT')
  expect(error.message).toContain('no answer within 300 ms')
})

it('how long MongoDB’s driver looks for a server is as the URL says, where it does', async () => {
  const url = `mongodb://${await mute()}/shop?serverSelectionTimeoutMS=120`
  const error = await refusal(createMigrator({ url, revisions: [] }).status())
  expect(error.code).toBe('MIG-CONNECT')
  expect(error.message).toContain('no answer within 120 ms')
})
