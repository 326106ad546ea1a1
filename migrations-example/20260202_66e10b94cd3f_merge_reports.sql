-- migrate:revision 66e10b94cd3f
-- migrate:parents c95b2f7716e0 9ac3f05d7b18
-- migrate:message merge the reports

-- migrate:up

-- migrate:down
