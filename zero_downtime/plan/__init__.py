"""From changes to an ordered list of steps, each in its lock-safe form."""

from zero_downtime.plan.planner import plan
from zero_downtime.plan.step import Loss, NotPlanned, Phase, Plan, Step, transactions

__all__ = ["Loss", "NotPlanned", "Phase", "Plan", "Step", "plan", "transactions"]
