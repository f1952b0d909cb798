"""``updated_at`` is kept by the server, whoever writes."""

from __future__ import annotations

from schemas.accounts import Account
from schemas.catalogue import Product
from schemas.inventory import StockLevel
from schemas.orders import Order
from zero_downtime.schema import Function, Trigger

touch_updated_at = Function(
    "touch_updated_at",
    returns="trigger",
    language="plpgsql",
    body="""
    BEGIN
      NEW.updated_at := now();
      RETURN NEW;
    END
    """,
    comment="Sets updated_at to the time of the transaction",
)

triggers = [
    Trigger(f"{model.__tablename__}_touch", model, when="BEFORE UPDATE", execute=touch_updated_at)
    for model in (Account, Order, Product, StockLevel)
]
