import assert from 'node:assert/strict'
import type { ConnectOptions, Session } from './backend/index.js'
import { lockBehaviours } from './testing/locks.js'
import { metadataBehaviours } from './testing/metadata.js'
import { offlineBehaviours } from './testing/offline.js'
import { purgeBehaviours } from './testing/purge.js'
import { statementBehaviours } from './testing/statements.js'
import { transactionBehaviours } from './testing/transactions.js'
import type {
  Behaviour,
  ContractContext,
  ContractDatabase,
  ContractOptions,
  ContractRunner,
} from './testing/types.js'

export type {
  ContractDatabase,
  ContractOptions,
  ContractRunner,
  ContractSamples,
  LentClient,
} from './testing/types.js'

const SUITES: readonly (readonly [string, readonly Behaviour[]])[] = [
  ['metadata', [...metadataBehaviours, ...purgeBehaviours]],
  ['statements and sessions', statementBehaviours],
  ['transactions', transactionBehaviours],
  ['locks', lockBehaviours],
  ['scripts', offlineBehaviours],
]

/**
 * The suite that every backend passes, ours and others'. Call it at the top level of a test file.
 * @param runner `{ describe, test }` of the test runner; default: the globals of that name
 * @example backendContract('tiny', { backend: tiny, fresh, samples }, { describe, test })
 */
export function backendContract(name: string, options: ContractOptions, runner?: ContractRunner): void {
  const { describe, test } = runner ?? globalRunner()
  const skipped = skippedTests(options)
  describe(`${name} keeps the contract of backends`, () => {
    for (const [suite, behaviours] of SUITES) {
      describe(suite, () => {
        for (const [sentence, behaviour] of behaviours) {
          if (!skipped.has(sentence)) test(sentence, () => tryBehaviour(options, behaviour))
        }
      })
    }
  })
}

function skippedTests(options: ContractOptions): Set<string> {
  const known = new Set(SUITES.flatMap(([, behaviours]) => behaviours.map(([sentence]) => sentence)))
  const skipped = new Set(options.skip?.flatMap(({ tests }) => tests))
  for (const sentence of skipped) {
    if (!known.has(sentence)) throw new Error(`the contract has no test "${sentence}" that could be skipped`)
  }
  return skipped
}

function globalRunner(): ContractRunner {
  const { describe, test } = globalThis as Partial<ContractRunner>
  if (describe === undefined || test === undefined) {
    throw new Error('hand describe and test over as the third argument: they are no globals here')
  }
  return { describe, test }
}

async function tryBehaviour(options: ContractOptions, behaviour: Behaviour[1]): Promise<void> {
  const { backend, samples } = options
  const database = await options.fresh()
  const sessions: Session[] = []
  const context: ContractContext = {
    options,
    backend,
    samples,
    database,
    async connect(more) {
      const session = await backend.connect(connectOptions(database, more))
      sessions.push(session)
      return session
    },
    statement(text) {
      const [statement, ...others] = backend.parse(text)
      assert.ok(statement !== undefined && others.length === 0, `not one statement: ${text}`)
      return statement
    },
  }
  try {
    await behaviour(context)
  } finally {
    for (const session of sessions) await session.close()
    await database.drop()
  }
}

function connectOptions(database: ContractDatabase, more: Partial<ConnectOptions> = {}): ConnectOptions {
  const common = { metadata: { prefix: 'migrate_' }, applicationName: 'migrate contract' }
  // A client stands in place of what leads to the database.
  return more.client === undefined ? { ...common, ...database.connect, ...more } : { ...common, ...more }
}
