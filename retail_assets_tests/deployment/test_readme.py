from retail_assets.deployment.readme import METRICS, README, metrics_up_to_date, up_to_date


def test_what_is_written_from_the_code_is_up_to_date():
    readme = README.read_text(encoding="utf-8")
    assert up_to_date(readme) == readme, "run `python -m retail_assets.deployment.readme`"


def test_the_metrics_are_those_of_the_project():
    document = METRICS.read_text(encoding="utf-8")
    assert metrics_up_to_date(document) == document, "run `python -m retail_assets.deployment.readme`"
