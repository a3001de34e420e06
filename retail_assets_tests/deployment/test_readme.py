from retail_assets.deployment.readme import README, up_to_date


def test_what_is_written_from_the_code_is_up_to_date():
    readme = README.read_text(encoding="utf-8")
    assert up_to_date(readme) == readme, "run `python -m retail_assets.deployment.readme`"
