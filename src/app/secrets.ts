import { inspect } from 'node:util'
import { MigrateError } from '../core/errors.js'
import { maskKnown, secretsOf } from '../core/mask.js'
import { askedPassword } from '../files/password.js'
import { RunError } from './failure.js'
import type { MigratorEvent, RunReport, StatementReport, StepReport } from './types.js'

/** Where passwords are as well, for drivers and for us. */
const VARIABLES = ['PGPASSWORD', 'MYSQL_PWD', 'MIGRATE_PASSWORD']
const URLS = ['DATABASE_URL', 'MIGRATE_URL']

const DEEPEST = 6

/** The passwords that one migrator works with: whatever leaves it is looked through for them. */
export class Secrets {
  readonly #known = new Set<string>()

  constructor(url: string | undefined, env: NodeJS.ProcessEnv = process.env) {
    for (const text of [url, ...URLS.map((name) => env[name])]) {
      if (text !== undefined) for (const secret of secretsOf(text)) this.#known.add(secret)
    }
    for (const name of VARIABLES) this.add(env[name] ?? '')
  }

  add(secret: string): void {
    if (secret !== '') this.#known.add(secret)
  }

  /** The same function, whose answers are kept from being shown. */
  watched(password: () => Promise<string>): () => Promise<string> {
    return async () => {
      const answer = await askedPassword(password)
      this.add(answer)
      return answer
    }
  }

  mask(text: string): string {
    return maskKnown(text, [...this.#known])
  }

  /** The same of a text that {@link inspect} has made: what stands in quotes there has backslashes of its own. */
  #maskInspected(shown: string): string {
    return maskKnown(shown, [
      ...this.#known,
      ...[...this.#known].map((secret) => inspect(secret).slice(1, -1)),
    ])
  }

  maskEvent(event: MigratorEvent): MigratorEvent {
    return event.type === 'notice' ? { ...event, message: this.mask(event.message) } : event
  }

  /** The error itself where no secret is in it or in what caused it; else one that says the same without. */
  cleanse(error: unknown): unknown {
    const shown = inspect(error, {
      depth: DEEPEST,
      showHidden: true,
      maxStringLength: null,
      maxArrayLength: null,
    })
    return this.#maskInspected(shown) === shown ? error : this.#without(error, DEEPEST)
  }

  #without(error: unknown, depth: number): unknown {
    if (!(error instanceof Error) || depth === 0) return undefined
    const cause = this.#without(error.cause, depth - 1)
    if (!(error instanceof MigrateError)) return this.#bare(error, cause)
    const text = (value: string | undefined): string | undefined =>
      value === undefined ? undefined : this.mask(value)
    const [hint, source, state] = [text(error.hint), text(error.source), text(error.state)]
    const masked = new MigrateError(error.code, this.mask(error.message), {
      ...(hint === undefined ? {} : { hint }),
      ...(source === undefined ? {} : { source }),
      ...(state === undefined ? {} : { state }),
      ...(error.position === undefined ? {} : { position: error.position }),
      ...(cause === undefined ? {} : { cause }),
      details: error.details.map((line) => this.mask(line)),
    })
    masked.stack = this.mask(error.stack ?? '')
    if (!(error instanceof RunError)) return masked
    return new RunError(masked, this.#maskReport(error.report))
  }

  /** Only what people have written: its other words are ids, paths and words of ours, which programs go by. */
  #maskReport(report: RunReport): RunReport {
    const statement = ({ note, verify, ...rest }: StatementReport): StatementReport => ({
      ...rest,
      sql: this.mask(rest.sql),
      ...(note === undefined ? {} : { note: this.mask(note) }),
      ...(verify === undefined ? {} : { verify: this.mask(verify) }),
    })
    const step = (one: StepReport): StepReport => ({
      ...one,
      message: this.mask(one.message),
      statements: one.statements.map(statement),
    })
    return { ...report, steps: report.steps.map(step) }
  }

  /** A driver's error may hold its whole configuration. */
  #bare(error: Error, cause: unknown): Error {
    const bare = new Error(this.mask(error.message), cause === undefined ? undefined : { cause })
    bare.name = this.mask(error.name)
    bare.stack = this.mask(error.stack ?? '')
    if (!('code' in error)) return bare
    const { code } = error
    return Object.assign(bare, { code: typeof code === 'string' ? this.mask(code) : code })
  }
}
