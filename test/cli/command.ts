import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { BIN, type CliProject } from './project.js'

/** The command as a process that runs beside the test. */
export class Command {
  stdout = ''
  stderr = ''
  readonly end: Promise<number | null>
  readonly #child: ChildProcess

  constructor(project: CliProject, url: string, ...args: readonly string[]) {
    const child = spawn(process.execPath, [BIN, ...args, '--url', url], {
      cwd: project.folder,
      env: { PATH: process.env['PATH'], HOME: project.folder, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.end = new Promise((resolve) => child.on('close', resolve))
    this.#child = child
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async says(word: string): Promise<void> {
    await until(() => Promise.resolve(this.stderr.includes(word) || this.stdout.includes(word) || this.ended))
    expect(this.stderr + this.stdout).toContain(word)
  }
}

export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20)
}
