from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    Numeric,
    String,
    Text,
    func,
)
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Speciality(Base):
    __tablename__ = "specialities"

    id = Column(Integer, primary_key=True)
    code = Column(String(8), nullable=False, unique=True)
    label = Column(String(80), nullable=False)


class Doctor(Base):
    __tablename__ = "doctors"

    id = Column(Integer, primary_key=True)
    full_name = Column(String(120), nullable=False)
    speciality_id = Column(Integer, ForeignKey("specialities.id"), nullable=False)


class Patient(Base):
    __tablename__ = "patients"

    id = Column(Integer, primary_key=True)
    surname = Column(String(80), nullable=False)
    given_name = Column(String(80))
    born_on = Column(Date, nullable=False)
    email = Column(Text)
    insurer = Column(String(60), nullable=False, server_default="none")
    updated_at = Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class Appointment(Base):
    __tablename__ = "appointments"

    id = Column(Integer, primary_key=True)
    patient_id = Column(Integer, ForeignKey("patients.id"), nullable=False)
    doctor_id = Column(Integer, ForeignKey("doctors.id"), nullable=False)
    starts_at = Column(DateTime(timezone=True), nullable=False)
    minutes = Column(Integer, nullable=False)
    cancelled = Column(Boolean, nullable=False, server_default="false")
    fee = Column(Numeric(12, 2))
