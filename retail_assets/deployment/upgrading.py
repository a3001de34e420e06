"""`retail-assets upgrade`: what an upgrade does, said and done."""

from datetime import date

from rich.console import Console

from retail_assets.catalog.project import Project
from retail_assets.deployment.upgrade import Upgrade, package_version
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import settings


def upgrade_home(console: Console, *, dry_run: bool, until: date | None) -> None:
    """Say what there is to do, and do it unless `dry_run`. Waits for a run that is writing."""

    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    warehouse = warehouse_of(settings())
    upgrade = Upgrade(settings(), Project(settings()), warehouse, until)
    with warehouse.writing(say):
        with warehouse.session() as execute:
            plan = upgrade.plan(execute)
        for line in plan.lines():
            say(line)
        if not plan:
            say(f"The home is of this version ({package_version()}): there is nothing to do.")
        if not dry_run:
            upgrade.carry_out(plan)
            if plan:
                say("Done.")
