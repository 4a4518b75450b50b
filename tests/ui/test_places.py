"""Links to the Ask page carry what is needed to ask again, and stay short."""

from dataclasses import replace

from rlm_app.codebase import Selection
from rlm_app.model import Question, Run, RunConfig
from rlm_app.ui.places import MAX_LINK_CHARS, again, follow_up


def make_run(question: str = "Where?", **fields: object) -> Run:
    config = RunConfig(model="openai/big", sub_model="openai/small", max_steps=7, max_seconds=90, max_cost=0.5)
    return Run("id", "https://example.org/a/b", Question(text=question), config, 0.0, **fields)  # type: ignore[arg-type]


def test_a_follow_up_keeps_the_part_of_the_repository_and_nothing_else() -> None:
    run = make_run(selection=Selection(ref="v1", include=("src/**", "*.md"), exclude=("t/**",), generated=True))
    assert follow_up(run) == {
        "source": "https://example.org/a/b",
        "ref": "v1",
        "include": "src/** *.md",
        "exclude": "t/**",
        "generated": "true",
    }


def test_again_keeps_question_and_settings() -> None:
    query = again(make_run())
    assert query["question"] == "Where?"
    assert (query["model"], query["sub_model"], query["max_steps"]) == ("openai/big", "openai/small", "7")
    assert (query["max_seconds"], query["max_cost"]) == ("90", "0.5")


def test_again_keeps_what_happens_at_a_limit_and_stored_replies() -> None:
    assert not {"on_limit", "cache"} & again(make_run()).keys()
    run = make_run()
    run = replace(run, config=run.config.model_copy(update={"on_limit": "stop", "cache": True}))
    assert (again(run)["on_limit"], again(run)["cache"]) == ("stop", "true")


def test_a_question_too_long_for_an_address_is_left_out() -> None:
    assert "question" not in again(make_run("x" * (MAX_LINK_CHARS + 1)))
