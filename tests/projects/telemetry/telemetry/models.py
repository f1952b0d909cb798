import enum

from sqlalchemy import BigInteger, Enum, ForeignKey, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(
        schema="telemetry",
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )


class Health(enum.Enum):
    ok = "ok"
    warning = "warning"
    broken = "broken"
    silent = "silent"


class Device(Base):
    __tablename__ = "device"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    serial: Mapped[str] = mapped_column(Text, unique=True)
    health: Mapped[Health] = mapped_column(Enum(Health, name="health", schema="telemetry"))
    firmware: Mapped[str] = mapped_column(Text, server_default="1.0")
    properties: Mapped[dict] = mapped_column(JSONB, server_default="{}")


class Reading(Base):
    __tablename__ = "reading"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("telemetry.device.id", ondelete="CASCADE"))
    taken_at = mapped_column(TIMESTAMP(timezone=True), server_default=func.now(), nullable=False)
    value: Mapped[float]
