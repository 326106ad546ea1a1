/**
 * Our own transactions begin and end as they are meant, whatever a revision has set: with completion_type a bare COMMIT
 * would begin another one, or end the session, and in a read-only session nothing of ours could be noted.
 */
export const BEGIN = 'START TRANSACTION READ WRITE'
export const COMMIT = 'COMMIT AND NO CHAIN NO RELEASE'
export const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE'
