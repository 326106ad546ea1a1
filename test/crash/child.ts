import { spawn, type ChildProcess } from 'node:child_process'
import { BIN } from '../cli/project.js'

/** What a process left behind. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ChildOptions {
  readonly cwd: string
  /** What to run instead of the built command: a program of the tests, and its first arguments. */
  readonly program?: readonly string[]
  /** Before the program: `--require` and the like. */
  readonly nodeArguments?: readonly string[]
  /** In front of node: `strace` and its arguments. */
  readonly wrapper?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Longer than anything of ours takes on a machine that is busy with other things: who is not done then hangs. */
const DEADLINE_MS = 300_000

/** A runner in a process of its own. */
export class Child {
  readonly ended: Promise<Ended>
  readonly #process: ChildProcess

  constructor(args: readonly string[], options: ChildOptions) {
    const { cwd, program = [BIN], nodeArguments = [], wrapper = [], env = {} } = options
    const [first = process.execPath, ...rest] = [
      ...wrapper,
      process.execPath,
      ...nodeArguments,
      ...program,
      ...args,
    ]
    this.#process = spawn(first, rest, {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
    })
    const out = collected(this.#process.stdout)
    const err = collected(this.#process.stderr)
    this.ended = new Promise((resolve, reject) => {
      this.#process.once('error', reject)
      this.#process.once('close', (code, signal) => {
        resolve({ code, signal, stdout: out(), stderr: err() })
      })
    })
  }

  /** Nothing of it runs until it is told to go on; its server does not notice. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal)
  }

  /** As the kernel does when memory is short; resolves when nothing of it runs any more. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.ended
  }
}

function collected(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}
