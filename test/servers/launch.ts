import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { createRunFolder, giveAway, type Home } from './home.js'
import { keep } from './keep.js'
import { freePort, messageOf, mustRun, run, sleep, tail, tailOfFile, withLock } from './process.js'
import type { ClientName, RunningServer, ServerInfo, ServerName } from './types.js'

/** Where one start of a server happens; paths as the server's programs see them. */
export interface Place {
  readonly folder: string
  readonly data: string
  readonly port: number
}

export interface Initialise {
  readonly files: Readonly<Record<string, string>>
  readonly program: string
  readonly arguments: readonly string[]
}

/** A kind of server that is started from programs. */
export interface Launch {
  readonly name: ServerName
  readonly home: Home
  /** How to initialise a data folder: files to put into the folder first, then a command. */
  initialise(place: Omit<Place, 'port'>): Initialise
  readonly program: string
  /** What else is in its folder when it starts, for nobody else to read. */
  readonly files?: Readonly<Record<string, string>>
  arguments(place: Place): string[]
  /** Data is thrown away, so the signal that ends the server soonest and leaves no shared memory. */
  readonly stopSignal: NodeJS.Signals
  url(port: number): string
  /** Version and data folder as the server says them; throws while it does not answer yet. */
  identify(url: string): Promise<{ version: string; data: string }>
  socket?(folder: string): string
  clients(port: number): Partial<Record<ClientName, readonly string[]>>
}

const startTimeoutMs = 60_000
const attempts = 3

export async function launch(kind: Launch): Promise<RunningServer> {
  const template = await ensureTemplate(kind)
  const began = Date.now()
  for (let attempt = 1; ; attempt++) {
    try {
      return await launchOnce(kind, template, began)
    } catch (error) {
      // The likely cause is a port that somebody else took between our look and the server's bind.
      if (attempt === attempts) throw error
    }
  }
}

async function launchOnce(kind: Launch, template: string, began: number): Promise<RunningServer> {
  const { home } = kind
  const folder = await createRunFolder(home, kind.name)
  const data = join(folder, 'data')
  await mustRun(['cp', '-a', '--reflink=auto', template, data])
  const port = await freePort()
  const place = { folder: home.inside(folder), data: home.inside(data), port }
  for (const [name, text] of Object.entries(kind.files ?? {})) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    await giveAway(join(folder, name))
  }
  const log = join(folder, 'log')
  const begin = () =>
    keep({
      command: home.server(kind.program, kind.arguments(place), kind.stopSignal),
      stopSignal: kind.stopSignal,
      remove: [folder],
      log,
    })
  let kept = begin()
  const url = kind.url(port)
  try {
    const version = await untilReady(kind, url, place.data, kept.ended)
    // A path for a socket has 107 bytes at most.
    const socket = kind.socket?.(folder)
    const info: ServerInfo = {
      name: kind.name,
      url,
      version,
      via: home.via,
      ...(socket === undefined || socket.length > 85 ? {} : { socket }),
      clients: kind.clients(port),
      startedInMs: Date.now() - began,
    }
    return {
      info,
      stop: () => kept.stop(),
      crash: () => kept.crash(),
      async restart() {
        kept = begin()
        await untilReady(kind, url, place.data, kept.ended)
      },
    }
  } catch (error) {
    const end = tailOfFile(log)
    await kept.stop()
    throw new Error(`${kind.name}: ${messageOf(error)}; the end of its log:\n${end}`, { cause: error })
  }
}

async function untilReady(kind: Launch, url: string, data: string, ended: () => boolean): Promise<string> {
  const deadline = Date.now() + startTimeoutMs
  for (;;) {
    if (ended()) throw new Error('the server ended while it started')
    try {
      const answer = await kind.identify(url)
      // Whoever answers must be the server we started, not one that had the port first.
      if (answer.data.replace(/\/$/, '') === data) return answer.version
      throw new Error(`another server answers at ${url}`)
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`no answer in time: ${messageOf(error)}`, { cause: error })
    }
    await sleep(40)
  }
}

/** An initialised data folder to copy for each run: initialising takes seconds, copying a fraction of one. */
async function ensureTemplate(kind: Launch): Promise<string> {
  const { home } = kind
  const recipe = kind.initialise({ folder: '', data: '' })
  const hash = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 10)
  const template = join(home.templates, `${kind.name}-${hash}`)
  if (existsSync(template)) return template
  return withLock(`${template}.lock`, async () => {
    if (existsSync(template)) return template
    const folder = await createRunFolder(home, `${kind.name}-init`)
    try {
      const data = join(folder, 'data')
      mkdirSync(data, { mode: 0o700 })
      await giveAway(data)
      const place = { folder: home.inside(folder), data: home.inside(data) }
      const { files, program, arguments: args } = kind.initialise(place)
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      const { code, stdout, stderr } = await run(home.server(program, args, 'SIGKILL'), { cwd: '/' })
      if (code !== 0)
        throw new Error(`${kind.name}: ${program} failed with ${code}:\n${tail(stdout + stderr)}`)
      mkdirSync(dirname(template), { recursive: true })
      await mustRun(['mv', '-T', data, `${template}.new`])
      renameSync(`${template}.new`, template)
      return template
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
