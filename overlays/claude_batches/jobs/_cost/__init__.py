"""Plans and costs."""

from __future__ import annotations

from ._budget import Budget, BudgetError
from ._plan import Plan, Planner, plan
from ._prices import Prices, Rates, UnpricedError
from ._report import CostCounter, ModelCost, Report
from ._validate import Problem, RequestValidator

__all__ = [
    "Budget",
    "BudgetError",
    "CostCounter",
    "ModelCost",
    "Plan",
    "Planner",
    "Prices",
    "Problem",
    "Rates",
    "Report",
    "RequestValidator",
    "UnpricedError",
    "plan",
]
