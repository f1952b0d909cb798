"""The schema of a store that many shops share: one module a subject.

Start with ``base`` (what all tables have in common) and ``tenants`` (who shares the store), then
follow an order: ``catalogue``, ``prices``, ``inventory``, ``accounts``, ``carts``, ``orders``,
``payments``, ``shipments``, ``reviews``. ``events`` records what visitors do, ``reporting`` sums up
what was sold. ``tenancy`` keeps the shops apart, ``timestamps`` keeps ``updated_at`` true.
"""
