import type { Session } from '../../src/backend/index.js'
import type { ContractSamples } from '../../src/testing.js'

/** What the SQL servers have in common; a name becomes a table with one column. */
export const sqlSamples = {
  create: (name: string) => `CREATE TABLE ${name} (value varchar(200))`,
  insert: (name: string, value: string) => `INSERT INTO ${name} (value) VALUES ('${value}')`,
  list: (name: string) => `SELECT value FROM ${name}`,
  failing: 'INSERT INTO missing_table VALUES (1)',
  comment: '-- nothing but a comment',
  sameMeaning: ['SELECT 1;\n\nSELECT 2;\n', '-- first\r\nSELECT 1;   \r\n/* second */ SELECT 2  ;'],
  tamper: {
    newer: (prefix: string) => `UPDATE ${prefix}meta SET value = '999' WHERE name = 'format'`,
    corrupt: (prefix: string) => `UPDATE ${prefix}history SET parents = '{"no": "list"}'`,
  },
} satisfies ContractSamples

/** A setting of the session, read through the driver's own object. */
export const settingOf = (
  change: string,
  read: (client: unknown) => Promise<string>,
): NonNullable<ContractSamples['setting']> => ({
  change,
  read: (session: Session) => read(session.client),
})
