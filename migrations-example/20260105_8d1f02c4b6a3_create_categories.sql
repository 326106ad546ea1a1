-- migrate:revision 8d1f02c4b6a3
-- migrate:message create categories

-- migrate:up
CREATE TABLE categories (
  id   BIGINT       NOT NULL PRIMARY KEY,
  name VARCHAR(80)  NOT NULL UNIQUE
);

-- migrate:down
DROP TABLE categories;
