-- migrate:revision d2708a5ec1b9
-- migrate:parents 66e10b94cd3f
-- migrate:message orders have a status

-- migrate:up
ALTER TABLE orders ADD COLUMN status VARCHAR(20) DEFAULT 'paid' NOT NULL;

-- migrate:down
ALTER TABLE orders DROP COLUMN status;
