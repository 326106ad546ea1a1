import type { Capabilities } from '../../backend/index.js'

export const mysqlCapabilities: Capabilities = { transaction: 'dml', lock: 'session' }
