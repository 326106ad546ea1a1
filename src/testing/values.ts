import assert from 'node:assert/strict'
import type { LockOptions, LockOwner } from '../backend/index.js'
import { MigrateError, type ErrorCode } from '../core/errors.js'
import type { HistoryRow, JournalEntry, LogEntry } from '../core/metadata.js'

/** Texts that have broken somebody's quoting, encoding or collation. */
export const NASTY: readonly string[] = [
  '',
  ' leading and trailing ',
  `it's "quoted" \`three\` [ways]`,
  String.raw`back\slash \' \" \\ \n \0 ends with \ `.trimEnd(),
  'line\nline\r\nline\rline\ttab',
  'käse 日本語 العربية 🐘👩‍👩‍👧 e\u0301',
  '\u0001\u0008\u001a\u001b\u007f\u0085\u2028\uFEFF',
  "'; DROP TABLE migrate_history; --",
  '/* open -- # $$ $1 ? :name @var %s ${x} {{y}}',
  '0x41 _utf8mb4 E N',
]

export function historyRow(id: string, more: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id,
    parents: [],
    dependsOn: [],
    labels: [],
    message: `revision ${id}`,
    checksum: 'v1:00',
    sourceHash: 'aa',
    appliedAt: null,
    appliedBy: 'tester',
    host: 'here',
    durationMs: 12,
    toolVersion: '1.2.3',
    runId: 'run-1',
    stamped: false,
    up: 'up',
    down: 'down',
    downTransaction: true,
    downCodeSteps: [],
    ...more,
  }
}

export function journalEntry(
  revision: string,
  position: number,
  more: Partial<JournalEntry> = {},
): JournalEntry {
  return {
    revision,
    direction: 'up',
    position,
    hash: `hash ${position}`,
    excerpt: `statement ${position}`,
    state: 'intent',
    runId: 'run-1',
    at: null,
    ...more,
  }
}

export function logEntry(more: Partial<LogEntry> = {}): LogEntry {
  return {
    runId: 'run-1',
    action: 'upgrade',
    revision: null,
    outcome: 'started',
    detail: null,
    by: 'tester',
    host: 'here',
    toolVersion: '1.2.3',
    at: null,
    ...more,
  }
}

const owner: LockOwner = {
  host: 'here',
  pid: 4711,
  user: 'tester',
  command: 'migrate upgrade',
  runId: 'run-1',
}

export const lockOptions = (more: Partial<LockOptions> = {}): LockOptions => ({
  timeoutMs: 0,
  owner,
  ...more,
})

/** The error of a promise that must reject with a code. */
export async function rejected(promise: Promise<unknown>, code: ErrorCode): Promise<MigrateError> {
  const error: unknown = await promise.then(
    () => assert.fail(`expected ${code}, and nothing was thrown`),
    (thrown: unknown) => thrown,
  )
  if (error instanceof assert.AssertionError) throw error
  assert.ok(error instanceof MigrateError, `expected a MigrateError, got ${String(error)}`)
  assert.equal(error.code, code, error.message)
  return error
}

export const isIsoTime = (text: string | null): boolean =>
  text !== null && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)
