-- migrate:revision 9ac3f05d7b18
-- migrate:parents 04d6e8b1f27a
-- migrate:message keep the sales of each month
-- migrate:depends-on 5f08ad3c9e61

-- migrate:up
CREATE TABLE monthly_sales (
  month         CHAR(7) NOT NULL,
  category_id   BIGINT  NOT NULL,
  revenue_cents BIGINT  NOT NULL,
  PRIMARY KEY (month, category_id),
  CONSTRAINT monthly_sales_category FOREIGN KEY (category_id) REFERENCES categories (id)
);

-- The rows that it sums up come with 5f08ad3c9e61, which stands on the other branch.
INSERT INTO monthly_sales (month, category_id, revenue_cents)
SELECT SUBSTR(CAST(o.ordered_on AS CHAR(10)), 1, 7),
       p.category_id,
       SUM(i.quantity * i.price_cents)
FROM orders o
JOIN order_items i ON i.order_id = o.id
JOIN products p ON p.id = i.product_id
GROUP BY SUBSTR(CAST(o.ordered_on AS CHAR(10)), 1, 7), p.category_id;

-- migrate:down
DROP TABLE monthly_sales;
