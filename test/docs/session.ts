import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'bin', 'migrate.js')

const EXAMPLE = 'migrations-example'

/** Who reads along. */
const HOME = '/home/ada'
const USER = 'ada'
const HOST = 'laptop'

/**
 * A reader who types what a page says, in a home of her own. Ids of new revisions are random: those on the page and
 * those that came out stand for one another.
 */
export class Session {
  readonly #home: string
  readonly #toReal = new Map<string, string>()
  readonly #toShown = new Map<string, string>()
  #folder: string
  #status = 0

  constructor() {
    this.#home = realpathSync(mkdtempSync(join(tmpdir(), 'revgraph-docs-')))
    this.#folder = this.#home
    const tools = join(this.#home, '.tools')
    mkdirSync(tools)
    // Exactly what the package's "bin" is to a shell.
    writeFileSync(join(tools, 'migrate'), `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`)
    chmodSync(join(tools, 'migrate'), 0o755)
    mkdirSync(join(this.#home, 'node_modules'))
    symlinkSync(root, join(this.#home, 'node_modules', 'revgraph'))
    symlinkSync(
      join(root, 'node_modules', 'better-sqlite3'),
      join(this.#home, 'node_modules', 'better-sqlite3'),
    )
  }

  /** Goes to a folder of the home, made if need be; one named `migrations-example` is a copy of the repository's. */
  enter(folder: string): void {
    this.#folder = join(this.#home, folder)
    if (folder === EXAMPLE && !existsSync(this.#folder)) {
      const filter = (path: string): boolean => !basename(path).startsWith('shop.db')
      cpSync(join(root, EXAMPLE), this.#folder, { recursive: true, filter })
    }
    mkdirSync(this.#folder, { recursive: true })
  }

  /** Writes a file; a `*` in its name stands for what the name of a file that is there has. */
  write(name: string, lines: readonly string[]): void {
    const path = join(this.#folder, dirname(name), this.#expand(name))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${this.#real(lines.join('\n'))}\n`)
  }

  /**
   * Runs one line of a shell and answers what it prints, both streams in one, as a page would show it.
   * @param expected what the page shows: ids that are new in both are taken for the same
   */
  run(command: string, expected: readonly string[]): string[] {
    const after = join(this.#home, '.after')
    const script = `cd "$1" && (exit $2); ${this.#real(command)}\nstatus=$?; pwd > "$3"; exit $status`
    const { status, stdout } = spawnSync(
      'sh',
      ['-c', `exec 2>&1; ${script}`, 'sh', this.#folder, String(this.#status), after],
      { encoding: 'utf8', env: this.#environment(), timeout: 60_000 },
    )
    this.#status = status ?? 1
    try {
      this.#folder = readFileSync(after, 'utf8').trim()
    } catch {
      // The command ended the shell.
    }
    const lines = stdout.replace(/\n$/, '').split('\n')
    const shown = stdout === '' ? [] : lines.map((line) => this.#disguise(line))
    return shown.map((line, index) => this.#named(line, expected[index]))
  }

  close(): void {
    rmSync(this.#home, { recursive: true, force: true })
  }

  #environment(): NodeJS.ProcessEnv {
    const path = `${join(this.#home, '.tools')}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
    return { PATH: path, HOME: this.#home, NO_COLOR: '1', LANG: 'C.UTF-8', TZ: 'UTC' }
  }

  #expand(name: string): string {
    const pattern = basename(name)
    if (!pattern.includes('*')) return pattern
    const [before = '', after = ''] = pattern.split('*')
    const found = readdirSync(join(this.#folder, dirname(name))).filter(
      (file) => file.startsWith(before) && file.endsWith(after),
    )
    if (found.length !== 1) throw new Error(`${name} is ${found.length} files: ${found.join(', ')}`)
    return found[0] ?? ''
  }

  #disguise(line: string): string {
    return line
      .replaceAll(this.#home, HOME)
      .replaceAll(root.replace(/\/$/, ''), `${HOME}/revgraph`)
      .replaceAll(`${userInfo().username}@${hostname()}`, `${USER}@${HOST}`)
      .replaceAll(`${userInfo().username} on ${hostname()}`, `${USER} on ${HOST}`)
      .replace(new RegExp(`(?<=UTC  )${userInfo().username}$`), USER)
  }

  /** Ids of the page, and the beginnings of such, as they are in this session. */
  #real(text: string): string {
    return text.replace(/(?<![\w-])[0-9a-f]{4,12}(?![\w])/g, (word) => {
      for (const [shown, real] of this.#toReal) if (shown.startsWith(word)) return real.slice(0, word.length)
      return word
    })
  }

  /** Ids of this session as they are on the page. */
  #named(line: string, expected: string | undefined): string {
    const hopes = [...(expected ?? '').matchAll(ID_IN_OUTPUT)].map(([id]) => id)
    let index = 0
    return line.replace(ID_IN_OUTPUT, (real) => {
      const hope = hopes[index++]
      if (hope !== undefined && !this.#toShown.has(real) && !this.#toReal.has(hope)) {
        this.#toShown.set(real, hope)
        this.#toReal.set(hope, real)
      }
      return this.#toShown.get(real) ?? real
    })
  }
}

/** In file names they stand between underscores. */
const ID_IN_OUTPUT = /(?<![0-9a-zA-Z-])[0-9a-f]{12}(?![0-9a-zA-Z-])/g
