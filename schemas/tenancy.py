"""Shops are kept apart by row-level security: a session sees the rows of one tenant.

The application says which one, once a transaction: ``SET LOCAL store.tenant_id = '42'``. Without
it a session sees nothing. A table with a ``tenant_id`` compares it; a table below another one
follows its parents, since their own policies apply to the subquery. No row repeats the tenant of
its parent.
"""

from __future__ import annotations

from schemas.accounts import Account, Address
from schemas.base import Base
from schemas.carts import Cart, CartLine
from schemas.catalogue import Category, Product, ProductCategory, Variant
from schemas.events import Event, months, remainder
from schemas.inventory import StockLevel, StockReservation, Warehouse
from schemas.orders import Order, OrderLine
from schemas.payments import Payment
from schemas.prices import Price
from schemas.reviews import Review
from schemas.shipments import Shipment, ShipmentLine
from schemas.tenants import Tenant
from zero_downtime.schema import Function, Policy, RowLevelSecurity

current_tenant_id = Function(
    "current_tenant_id",
    returns="bigint",
    volatility="stable",
    body="SELECT nullif(current_setting('store.tenant_id', true), '')::bigint",
    comment="The tenant of this session, or NULL",
)

_OWN = "(SELECT current_tenant_id())"  # in a subquery: asked once a statement, not once a row

_TENANT_TABLES: tuple[type[Base], ...] = (
    Account,
    Category,
    Event,
    Product,
    Warehouse,
)

# Each parent must be visible: a line can point neither into a foreign order nor at foreign goods.
_CHILD_TABLES: dict[type[Base], tuple[type[Base], ...]] = {
    Address: (Account,),
    Variant: (Product,),
    ProductCategory: (Product, Category),
    Price: (Variant,),
    StockLevel: (Warehouse, Variant),
    StockReservation: (OrderLine, Warehouse),
    Cart: (Account,),
    CartLine: (Cart, Variant),
    Order: (Account, Address),
    OrderLine: (Order, Variant),
    Payment: (Order,),
    Shipment: (Order, Warehouse),
    ShipmentLine: (Shipment, OrderLine),
    Review: (Product, Account),
}

_TABLES: tuple[type[Base], ...] = (Tenant, *_TENANT_TABLES, *_CHILD_TABLES)


def _follows(child: type[Base], parents: tuple[type[Base], ...]) -> str:
    conditions = []
    for parent in parents:
        column = next(
            key.parent.name
            for key in child.__table__.foreign_keys
            if key.column.table is parent.__table__
        )
        name = parent.__tablename__
        own = f"{child.__tablename__}.{column}"
        conditions.append(f"EXISTS (SELECT FROM {name} WHERE {name}.id = {own})")
    return " AND ".join(conditions)


# Not forced upon the tables' owner, who runs the migrations and must reach every row: the
# application connects as a role of its own.
security = [
    *(RowLevelSecurity(model) for model in _TABLES),
    # A partition asked directly does not know its parent's policies: it shows nothing.
    *(RowLevelSecurity(partition.name) for partition in (*months, remainder)),
]

policies = [
    Policy("own_tenant", Tenant, using=f"id = {_OWN}"),
    *(Policy("own_tenant", model, using=f"tenant_id = {_OWN}") for model in _TENANT_TABLES),
    *(
        Policy("own_tenant", child, using=_follows(child, parents))
        for child, parents in _CHILD_TABLES.items()
    ),
]
