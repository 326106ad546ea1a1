-- migrate:revision e4a35c8817d2
-- migrate:parents 2b9e7710fd54
-- migrate:message create users

-- migrate:up
CREATE TABLE users (
  id        BIGINT       NOT NULL PRIMARY KEY,
  name      VARCHAR(80)  NOT NULL,
  email     VARCHAR(190) NOT NULL,
  joined_on DATE         NOT NULL
);

-- migrate:down
DROP TABLE users;
