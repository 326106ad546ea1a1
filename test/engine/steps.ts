import { createHash } from 'node:crypto'
import type { EngineOptions, EngineReport, EngineStep } from '../../src/engine/index.js'
import { execute, textOf } from '../../src/engine/index.js'
import { startOf } from '../../src/core/position.js'
import type { CodePart } from '../../src/core/revision.js'
import type { MemorySession } from './memory.js'
import { statement } from './memory.js'

type Part = string | CodePart['run']

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** A revision of the in-memory server. */
export function step(
  revision: string,
  parts: readonly Part[],
  options: { transaction?: boolean; flexible?: boolean } = {},
): EngineStep {
  return {
    revision,
    message: `message of ${revision}`,
    direction: 'up',
    file: `${revision}.sql`,
    prepare: () =>
      Promise.resolve({
        transaction: options.transaction ?? true,
        flexible: options.flexible ?? false,
        size: parts.length,
        steps: parts.map((part) =>
          typeof part === 'string'
            ? { kind: 'statement' as const, statement: statement(part) }
            : {
                kind: 'code' as const,
                code: { kind: 'code' as const, name: 'code', run: part, origin: startOf() },
              },
        ),
        changes: () => [{ kind: 'apply', row: rowOf(revision) }],
      }),
  }
}

function rowOf(id: string) {
  return {
    id,
    parents: [],
    dependsOn: [],
    labels: [],
    message: id,
    checksum: null,
    sourceHash: null,
    appliedAt: null,
    appliedBy: 'me',
    host: 'here',
    durationMs: null,
    toolVersion: '0',
    runId: 'run',
    stamped: false,
    up: null,
    down: null,
    downTransaction: true,
    downCodeSteps: [],
  }
}

export function run(
  session: MemorySession,
  steps: readonly EngineStep[],
  options: Partial<EngineOptions> = {},
): Promise<EngineReport> {
  return execute(session, steps, {
    runId: 'run',
    hash: (part) => hash(textOf(part)),
    excerpt: (text) => text.slice(0, 500),
    journal: [],
    ...options,
  })
}
