import type { MigrateError } from '../core/errors.js'
import { codeFrame } from './frame.js'
import type { RunReport } from './values.js'
import { paintDiff, type View } from './view.js'
import { printable, printableLine as safeLine, printableLines as safe } from './width.js'

/** The failure part of every `--json` document (design.md, section 8). */
export interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  readonly hint: string | null
  readonly state: string | null
  readonly details: readonly string[]
  readonly exitCode: number
}

/**
 * `{ok: false, error, …what was done}`.
 * @param shown what may be shown of the error's texts; the words that programs go by stay as they are
 */
export function failureDocument(
  error: MigrateError,
  done: RunReport | Record<string, unknown> | undefined,
  shown = (text: string): string => text,
): Record<string, unknown> {
  const orNull = (text: string | undefined): string | null => (text === undefined ? null : shown(text))
  const document: ErrorDocument = {
    code: error.code,
    message: shown(error.message),
    file: orNull(error.position?.file),
    line: error.position?.line ?? null,
    column: error.position?.column ?? null,
    hint: orNull(error.hint),
    state: orNull(error.state),
    details: error.details.map(shown),
    exitCode: error.exitCode,
  }
  return { ...done, ok: false, error: document }
}

/**
 * An error as people read it: what, where with a code frame, what the server said, what stands now, what to
 * type next, and where to read on.
 */
export function renderError(error: MigrateError, view: View): string {
  const { style } = view
  const lines = [`${style.red(style.bold('error'))}${style.dim(`[${error.code}]`)} ${safe(error.message)}`]
  const { position, source } = error
  if (position?.file !== undefined) {
    lines.push(
      `  ${style.dim('at')} ${style.cyan(`${printable(position.file)}:${position.line}:${position.column}`)}`,
    )
  }
  const frame = position === undefined || source === undefined ? [] : codeFrame(source, position, style)
  if (frame.length > 0) lines.push('', ...frame, '')
  for (const detail of error.details) {
    for (const line of detail.split('\n')) lines.push(`  ${paintDiff(safeLine(line), style)}`.trimEnd())
  }
  if (frame.length === 0 && error.details.length > 0) lines.push('')
  if (error.details.length > 0 && frame.length > 0) lines.push('')
  if (error.state !== undefined) lines.push(`${style.bold('state')}  ${safe(error.state)}`)
  if (error.hint !== undefined) lines.push(`${style.bold('next')}   ${safe(error.hint)}`)
  lines.push(`${style.bold('docs')}   ${docsPage(error)}`)
  if (view.verbose) lines.push(...stack(error).map((line) => style.dim(line)))
  return `${lines.join('\n')}\n`
}

/** The catalogue of errors ships with the package; every code has its own heading there. */
export function docsPage(error: MigrateError): string {
  return `revgraph/docs/errors.md#${error.code.toLowerCase()}`
}

function stack(error: MigrateError): string[] {
  const cause = error.cause instanceof Error ? error.cause : error
  return (cause.stack ?? '').split('\n').slice(1)
}
