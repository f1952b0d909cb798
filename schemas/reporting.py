"""Sales by month: summed up once a night, read at once."""

from __future__ import annotations

from zero_downtime.schema import MaterializedView, View, ViewIndex

monthly_sales = MaterializedView(
    "monthly_sales",
    query="""
    SELECT p.tenant_id,
           v.product_id,
           o.currency,
           date_trunc('month', o.placed_at AT TIME ZONE 'UTC')::date AS month,
           sum(l.quantity) AS units,
           sum(l.total) AS revenue
      FROM order_lines AS l
      JOIN orders AS o ON o.id = l.order_id
      JOIN variants AS v ON v.id = l.variant_id
      JOIN products AS p ON p.id = v.product_id
     WHERE o.state IN ('paid', 'shipped', 'delivered')
     GROUP BY p.tenant_id, v.product_id, o.currency, 4
    """,
    indexes=(
        # Unique, so that REFRESH MATERIALIZED VIEW CONCURRENTLY can be used.
        ViewIndex("uq_monthly_sales", ("product_id", "currency", "month"), unique=True),
        ViewIndex("ix_monthly_sales_tenant_id", ("tenant_id", "month")),
    ),
    comment="Units and revenue by product, currency and month (UTC)",
)

# A materialized view knows no row-level security: shops read this one.
own_sales = View(
    "own_sales",
    query="""
    SELECT product_id, currency, month, units, revenue
      FROM monthly_sales
     WHERE tenant_id = current_tenant_id()
    """,
    options=(("security_barrier", "true"),),
    comment="The sales of this session's tenant",
)
