from retail_assets.demo.questions import questions
from retail_assets.deployment.readme import README, with_settings


def test_the_table_of_settings_is_that_of_the_code():
    readme = README.read_text(encoding="utf-8")
    assert with_settings(readme) == readme, "run `python -m retail_assets.deployment.readme`"


def test_each_business_question_is_answered(built):
    found = questions()
    assert len(found) == 6
    for question in found:
        assert built.query(question.sql), question.title
