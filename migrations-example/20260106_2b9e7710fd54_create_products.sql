-- migrate:revision 2b9e7710fd54
-- migrate:parents 8d1f02c4b6a3
-- migrate:message create products

-- migrate:up
-- Keys are clauses of their own: MySQL reads REFERENCES behind a column and forgets it.
CREATE TABLE products (
  id          BIGINT       NOT NULL PRIMARY KEY,
  category_id BIGINT       NOT NULL,
  name        VARCHAR(120) NOT NULL,
  price_cents BIGINT       NOT NULL,
  CONSTRAINT products_category FOREIGN KEY (category_id) REFERENCES categories (id)
);

-- migrate:down
DROP TABLE products;
