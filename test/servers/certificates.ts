import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun } from './process.js'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** An authority made for one test file, and the certificates that it signs. Needs openssl. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'revgraph-tls-'))
  /** Path of its own certificate: what clients are to trust. */
  readonly file = join(this.#folder, 'authority.pem')
  #count = 0

  static async make(): Promise<Authority> {
    const authority = new Authority()
    const { file } = authority
    await openssl([
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      `${file}.key`,
      '-out',
      file,
      '-days',
      '2',
      '-subj',
      '/CN=authority',
    ])
    return authority
  }

  /** @param days negative: expired that long ago */
  async sign(name: string, days = 2): Promise<Certificate> {
    this.#count += 1
    const path = join(this.#folder, `${this.#count}`)
    await openssl(['req', ...KEY, '-keyout', `${path}.key`, '-out', `${path}.csr`, '-subj', '/CN=server'])
    writeFileSync(`${path}.ext`, `subjectAltName = ${name}\n`)
    const by = ['-CA', this.file, '-CAkey', `${this.file}.key`, '-CAcreateserial', '-extfile', `${path}.ext`]
    await openssl(['x509', '-req', '-in', `${path}.csr`, ...by, '-days', String(days), '-out', `${path}.pem`])
    return { cert: readFileSync(`${path}.pem`, 'utf8'), key: readFileSync(`${path}.key`, 'utf8') }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

const openssl = (args: readonly string[]): Promise<string> => mustRun(['openssl', ...args])
