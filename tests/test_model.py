from rlm_app.model import Citation, Question, RunConfig


def test_a_config_is_named_by_its_content() -> None:
    assert RunConfig(max_steps=3).digest == RunConfig(max_steps=3).digest != RunConfig(max_steps=4).digest


def test_labels_and_prompts() -> None:
    assert Citation(path="a", first=3, last=3, status="verified").label == "a:3"
    assert Citation(path="a", first=3, last=5, status="verified").label == "a:3-5"
    assert Question(text=" q ", choices={"A": "x"}).prompt == "q\nA. x"
