"""All charts by name, in the order in which a reader wants them."""

from collections.abc import Callable, Sequence

from rlm_app.charts import accuracy, answers, budgets, differences, reading
from rlm_app.charts.chart import Chart
from rlm_app.charts.points import Examples
from rlm_app.reports.results import Results

Maker = Callable[[Sequence[Results], Examples], Chart]

CHARTS: dict[str, Maker] = {
    "accuracy": accuracy.forest,
    "cost-accuracy": accuracy.pareto,
    "differences": differences.differences,
    "grid": answers.grid,
    "context-size": accuracy.by_size,
    "cost": budgets.cost_ecdf,
    "steps": budgets.steps,
    "time": budgets.times,
    "passes": budgets.passes,
    "letters": answers.letters,
    "emergence": answers.emergence,
    "step-budget": budgets.step_budget,
    "cost-budget": budgets.cost_budget,
    "coverage": reading.coverage,
    "failures": reading.failures,
    "memorisation": answers.memorisation,
    "sub-calls": reading.sub_calls,
}
"""Each takes the results to show and the examples by id, of which any may be missing."""
