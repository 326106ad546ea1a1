-- migrate:revision c95b2f7716e0
-- migrate:parents b37e41d0a8c5
-- migrate:message an e-mail address belongs to one user

-- migrate:up
CREATE UNIQUE INDEX users_by_email ON users (email);

-- migrate:down
DROP INDEX users_by_email;

-- migrate:down dialect:mysql,mariadb
DROP INDEX users_by_email ON users;
