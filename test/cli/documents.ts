import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'vitest'

const folder = fileURLToPath(new URL('../../src/schemas/', import.meta.url))
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true })
for (const name of readdirSync(folder))
  ajv.addSchema(JSON.parse(readFileSync(folder + name, 'utf8')) as object)

/** Asserts that a text is one JSON document of a schema. */
export function documentOf(text: string, schema: string): unknown {
  const document: unknown = JSON.parse(text)
  const valid = ajv.validate(schema, document)
  expect({ valid, errors: ajv.errors }).toEqual({ valid: true, errors: null })
  return document
}
