import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly timeoutMs?: number
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

/** Run a command to its end. Does not throw for an exit code; a command that is not there answers 127. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      ...(options.timeoutMs === undefined
        ? {}
        : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8')
    child.on('error', (error) => resolve({ stdout: '', stderr: error.message, code: 127 }))
    child.on('close', (code, signal) => {
      const ended = signal === null ? '' : `\n${program}: ended by ${signal}`
      resolve({ stdout: text(stdout), stderr: text(stderr) + ended, code: code ?? 128 })
    })
    // A client that stops at the first error closes its end while we still write: its exit code tells the story.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Run a command that has to succeed. */
export async function mustRun(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await run(command, options)
  if (code !== 0) throw new Error(`${command.join(' ')}\nexit code ${code}\n${tail(stderr + stdout)}`)
  return stdout
}

export async function findProgram(name: string): Promise<string | undefined> {
  const { stdout, code } = await run(['sh', '-c', 'command -v "$1"', 'sh', name])
  return code === 0 ? stdout.trim() : undefined
}

export function tail(text: string, lines = 25): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

export function tailOfFile(path: string): string {
  try {
    return tail(readFileSync(path, 'utf8'))
  } catch {
    return '(no log)'
  }
}

/**
 * Run `work` while no other process runs work under the same lock. The lock is flock's, held by a child that
 * lives as long as its standard input is open: it goes when this process dies, however it dies.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true })
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve())
    holder.once('error', reject)
    holder.once('exit', (code) => reject(new Error(`flock ${path} ended with ${String(code)}`)))
  })
  try {
    return await work()
  } finally {
    await new Promise((resolve) => {
      holder.once('exit', resolve)
      holder.stdin.end()
    })
  }
}

/** A port that was free a moment ago; who uses it must be ready to find it taken. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('no port from the system'))
      })
    })
  })
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
