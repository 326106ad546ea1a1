-- migrate:revision 71c6d90be2f8
-- migrate:parents e4a35c8817d2
-- migrate:message create orders and their items

-- migrate:up
CREATE TABLE orders (
  id         BIGINT NOT NULL PRIMARY KEY,
  user_id    BIGINT NOT NULL,
  ordered_on DATE   NOT NULL,
  CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id)
);

CREATE TABLE order_items (
  order_id    BIGINT NOT NULL,
  line        BIGINT NOT NULL,
  product_id  BIGINT NOT NULL,
  quantity    BIGINT NOT NULL,
  price_cents BIGINT NOT NULL, -- as it was on the day of the order
  PRIMARY KEY (order_id, line),
  CONSTRAINT order_items_order FOREIGN KEY (order_id) REFERENCES orders (id),
  CONSTRAINT order_items_product FOREIGN KEY (product_id) REFERENCES products (id)
);

-- migrate:down
DROP TABLE order_items;
DROP TABLE orders;
