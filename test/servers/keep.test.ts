import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it, vi } from 'vitest'
import { keep } from './keep.js'

const scratch: string[] = []
afterEach(() => {
  for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folders() {
  const outer = mkdtempSync(join(tmpdir(), 'revgraph-keep-'))
  scratch.push(outer)
  const data = join(outer, 'data')
  mkdirSync(data)
  return { data, log: join(outer, 'log'), started: join(data, 'started') }
}

/** Stands for a server: says that it runs and waits. */
const serverIn = (started: string) => ['sh', '-c', 'echo $$ >"$1"; exec sleep 600', 'sh', started]

const until = async (condition: () => boolean) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000 })

it('stops the server and removes its folder', async () => {
  const { data, log, started } = folders()
  const kept = keep({ command: serverIn(started), stopSignal: 'SIGTERM', remove: [data], log })
  await until(() => existsSync(started))
  expect(kept.ended()).toBe(false)
  await kept.stop()
  expect(kept.ended()).toBe(true)
  expect(existsSync(data)).toBe(false)
})

it('leaves nothing behind when its owner is killed with SIGKILL', async () => {
  const { data, started } = folders()
  const job = { command: serverIn(started), stopSignal: 'SIGTERM', remove: [data] }
  const keeper = fileURLToPath(new URL('keeper.mjs', import.meta.url))
  // The owner is a process of its own, for it is about to be killed.
  const script = `require('node:child_process').spawn(process.execPath, process.argv.slice(1),
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true })`
  const owner = spawn(process.execPath, ['-e', script, keeper, JSON.stringify(job)], { stdio: 'ignore' })
  await until(() => existsSync(started))
  owner.kill('SIGKILL')
  await until(() => !existsSync(data))
})

it('notices a server that ends by itself, and keeps its folder for the log', async () => {
  const { data, log } = folders()
  const kept = keep({ command: ['sh', '-c', 'exit 3'], stopSignal: 'SIGTERM', remove: [data], log })
  await until(() => kept.ended())
  expect(existsSync(data)).toBe(true)
  await kept.stop()
})

it('runs a command in place of a signal, for what is not a child', async () => {
  const { data, log } = folders()
  const kept = keep({ stopCommand: ['sh', '-c', 'echo down'], remove: [data], log })
  await kept.stop()
  expect(existsSync(data)).toBe(false)
})
