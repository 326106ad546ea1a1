import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { MigratorOptions } from '../../src/app/types.js'
import type { AppProject } from './project.js'

const PROGRAM = fileURLToPath(new URL('./runner.mjs', import.meta.url))

export interface RunnerSays {
  readonly notice?: string
  readonly applied?: readonly string[]
  readonly code?: string
  readonly message?: string
}

/** A process that upgrades the project's database to its heads. */
export class Runner {
  readonly said: RunnerSays[] = []
  /** What it said last, once it has ended. */
  readonly end: Promise<RunnerSays>
  readonly #child: ChildProcess
  #heard: () => void = () => undefined

  constructor(project: AppProject, more: MigratorOptions = {}) {
    const options = { url: project.database.url, cwd: project.folder, ...more }
    this.#child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    if (this.#child.stdout === null) throw new Error('no pipe to the runner')
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.said.push(JSON.parse(line) as RunnerSays)
      this.#heard()
    })
    this.end = new Promise((resolve) => {
      this.#child.once('close', () => {
        this.#heard()
        resolve(this.said.at(-1) ?? {})
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whoever waits for what it does must not wait for ever. @throws Error once it has ended */
  requireRunning(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) return
    throw new Error(`ended before: ${JSON.stringify(this.said)}`)
  }

  /** Resolves once it has said a notice; rejects when it ends first. */
  async notice(text: string): Promise<void> {
    for (;;) {
      if (this.said.some(({ notice }) => notice === text)) return
      this.requireRunning()
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  /** Nothing of it runs until it is told to go on; the server does not notice. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal)
  }

  /** As the kernel does when memory is short: nothing of it runs any more. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.end
  }
}
