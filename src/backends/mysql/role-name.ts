import { mysqlFlavour } from '../sql/flavours.js'

/** @param role `name`, or `name@host` as MySQL has them */
export function setRole(role: string): string {
  const at = role.lastIndexOf('@')
  const parts = at > 0 ? [role.slice(0, at), role.slice(at + 1)] : [role]
  return `SET ROLE ${parts.map((part) => mysqlFlavour.identifier(part)).join('@')}`
}
