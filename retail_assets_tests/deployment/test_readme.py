from retail_assets.deployment.readme import README, with_settings


def test_the_table_of_settings_is_that_of_the_code():
    readme = README.read_text(encoding="utf-8")
    assert with_settings(readme) == readme, "run `python -m retail_assets.deployment.readme`"
