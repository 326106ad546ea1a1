-- migrate:revision 04d6e8b1f27a
-- migrate:parents 71c6d90be2f8
-- migrate:message sales by category
-- migrate:labels reports

-- migrate:up
CREATE VIEW sales_by_category AS
SELECT c.id                             AS category_id,
       c.name                           AS category,
       COUNT(DISTINCT i.order_id)       AS orders,
       SUM(i.quantity * i.price_cents)  AS revenue_cents
FROM categories c
JOIN products p ON p.category_id = c.id
JOIN order_items i ON i.product_id = p.id
GROUP BY c.id, c.name;

-- migrate:down
DROP VIEW sales_by_category;
