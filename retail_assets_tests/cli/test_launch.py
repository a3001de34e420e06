"""What a command says of a range that it cannot run."""

from collections.abc import Callable
from datetime import date

import pytest
from rich.console import Console

from retail_assets.cli.launch import _with_subjects, run_range, run_weeks
from retail_assets.errors import UserError
from retail_assets_tests.conftest import Deployment

DAY = date(2024, 3, 4)
NOTHING = r"selects no asset of the job daily\..*group:mart_sales"


@pytest.fixture(autouse=True)
def home(deploy: Callable[..., Deployment]) -> None:
    """The command's home, with the default days."""
    deploy()


@pytest.mark.parametrize(
    ("selection", "full_refresh", "said"),
    [
        ("group:typo", False, NOTHING),
        ("key:fact_sale", False, NOTHING),
        ("group:(", False, NOTHING),
        ("table_name:fact_sales", False, NOTHING),
        ("group:segmentation", False, NOTHING),
        ("group:raw_crm", True, "--full-refresh rebuilds dbt models, and 'group:raw_crm' selects none"),
    ],
)
def test_a_selection_that_cannot_be_run(selection, full_refresh, said):
    with pytest.raises(UserError, match=said):
        run_range(DAY, DAY, selection, full_refresh, Console(quiet=True))


def test_days_and_weeks_that_are_none():
    with pytest.raises(UserError, match=r"is not within the partitions, which are \d+.* to \d+"):
        run_range(date(2001, 1, 1), DAY, "", False, Console(quiet=True))
    with pytest.raises(UserError, match="No week lies whole within 2024-03-05 to 2024-03-12"):
        run_weeks(date(2024, 3, 5), date(2024, 3, 12), "", Console(quiet=True))


def test_a_layers_name_selects_all_of_its_groups():
    groups = ["raw_crm", "raw_erp_places", "raw_erp_sales", "staging_erp_sales"]
    assert _with_subjects("group:raw_erp", groups) == "(group:raw_erp_places or group:raw_erp_sales)"
    assert _with_subjects('group:"raw_crm" or key:raw_erp/store', groups) == (
        "(group:raw_crm) or key:raw_erp/store"
    )
    assert _with_subjects("group:raw_er", groups) == "group:raw_er"
