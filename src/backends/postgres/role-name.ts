import { postgresFlavour } from '../sql/index.js'

/** A role as SET takes it. */
export const roleName = (role: string): string => `ROLE ${postgresFlavour.identifier(role)}`
